/*
 * wake.c
 *		What a transaction wants to tell the dispatcher, kept until its end.
 *
 * 100 000 rows in a transaction are one wake; a rollback is none.  A prepared
 * transaction's news are forgotten at PREPARE and told by COMMIT PREPARED
 * (dispatch/database_guard), whichever session runs that, even after a restart:
 * since nobody remembers what they were, they count as all of them (settings only
 * where a transaction that changed some was prepared since the start).
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/fair_queue.h"
#include "commands/trigger.h"
#include "dispatch/events/event_telling.h"
#include "dispatch/own_slot.h"
#include "dispatch/slots.h"
#include "dispatch/wake.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "store/events/event_store.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

bool ga_wake_trigger_is_silent = false;

static struct
{
	bool wake;
	bool even_on_abort;
	bool reload;
	bool check_databases;
	bool events;
	/* Databases whose settings changed, each once; InvalidOid: of all of them. */
	List *settings_of; /* in TopTransactionContext */
	TimestampTz due;
} pending = {.due = DT_NOEND};

static void
forget_pending(void)
{
	memset(&pending, 0, sizeof(pending));
	pending.due = DT_NOEND;
	ga_wake_trigger_is_silent = false;
	ga_fair_queue_end_tags(false);
}

/* False: the slot is still to be taken, and its dispatcher reads all. */
static bool
note_tags(void)
{
	bool noted = true;

	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
	{
		GaTagRange tags = ga_fair_queue_taken_tags((GaChannel) i);

		if (tags.from <= tags.to)
			noted = ga_slot_note_tags(MyDatabaseId, (GaChannel) i, tags);
	}
	return noted;
}

static TimestampTz
pending_due(void)
{
	return pending.wake ? Min(pending.due, GA_DUE_NEVER) : DT_NOEND;
}

static void
tell_settings(void)
{
	ListCell *cell;

	foreach (cell, pending.settings_of)
		ga_slots_change_settings(lfirst_oid(cell));
}

/* The dispatcher itself needs no wake: it is about to look. */
static void
tell_events(void)
{
	if (ga_own_slot != NULL)
		ga_event_telling_recheck();
	else
		ga_slot_wake_for_events(MyDatabaseId);
}

static void
wake_for_events_at_commit(void)
{
	pending.events = true;
}

static void
end_of_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			if (pending.wake || pending.reload)
				ga_slot_wake(MyDatabaseId,
							 note_tags() ? pending_due() : DT_NOBEGIN,
							 pending.reload);
			if (pending.events)
				tell_events();
			if (pending.check_databases)
				ga_slots_check_databases();
			tell_settings();
			forget_pending();
			break;
		case XACT_EVENT_ABORT:
			if (pending.even_on_abort)
				ga_slot_wake(MyDatabaseId, GA_DUE_UNLOCKED, false);
			/* It locks no database any more. */
			if (pending.check_databases)
				ga_slots_check_databases();
			ga_fair_queue_end_tags(true);
			forget_pending();
			break;
		case XACT_EVENT_PREPARE:
			if (pending.settings_of != NIL)
				ga_slots_prepare_settings();
			forget_pending();
			break;
		default:
			break;
	}
}

/* An error caught by the caller must not leave the trigger silent. */
static void
end_of_subtransaction(SubXactEvent event, SubTransactionId mine,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		ga_wake_trigger_is_silent = false;
}

void
ga_wake_init(void)
{
	RegisterXactCallback(end_of_transaction, NULL);
	RegisterSubXactCallback(end_of_subtransaction, NULL);
	ga_events_on_written = wake_for_events_at_commit;
}

void
ga_wake_at_commit(TimestampTz due)
{
	pending.wake = true;
	pending.due = Min(pending.due, due);
}

void
ga_wake_at_commit_for_tags(void)
{
	pending.wake = true;
}

void
ga_wake_reload_at_commit(void)
{
	pending.reload = true;
}

void
ga_wake_settings_at_commit(Oid database)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

	pending.settings_of = list_append_unique_oid(pending.settings_of, database);
	MemoryContextSwitchTo(old);
}

void
ga_wake_at_end(void)
{
	ga_wake_at_commit(GA_DUE_UNLOCKED);
	pending.even_on_abort = true;
}

void
ga_wake_reload_now(void)
{
	ga_slot_wake(MyDatabaseId, DT_NOBEGIN, true);
}

void
ga_wake_launcher_at_commit(void)
{
	pending.check_databases = true;
}

PG_FUNCTION_INFO_V1(group_api_wake_trigger);

Datum
group_api_wake_trigger(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("group_api_private.wake can only be a trigger")));
	if (!ga_wake_trigger_is_silent)
		ga_wake_at_commit(DT_NOBEGIN);
	PG_RETURN_POINTER(NULL);
}
