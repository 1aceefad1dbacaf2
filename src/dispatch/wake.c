/*
 * wake.c
 *		What a transaction wants to tell the dispatcher, kept until its end.
 *
 * 100 000 rows in a transaction are one wake; a rollback is none.  A prepared
 * transaction's wish is forgotten at PREPARE and made good by COMMIT PREPARED
 * (dispatch/database_guard), whichever session runs that, even after a restart:
 * since nobody remembers what it was, it counts as all of them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/fair_queue.h"
#include "commands/trigger.h"
#include "dispatch/slots.h"
#include "dispatch/wake.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

bool ga_wake_trigger_is_silent = false;

static struct
{
	bool wake;
	bool even_on_abort;
	bool reload;
	bool look_again;
	bool settings;
	Oid settings_of; /* InvalidOid: of a role */
	TimestampTz due;
} wish = {.due = DT_NOEND};

static void
forget_wish(void)
{
	memset(&wish, 0, sizeof(wish));
	wish.due = DT_NOEND;
	ga_wake_trigger_is_silent = false;
	ga_start_tags_end(false);
}

/* False: the slot is still to be taken, and its dispatcher reads all. */
static bool
note_tags(void)
{
	bool noted = true;

	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
	{
		GaTagRange tags = ga_start_tags_taken((GaChannel) i);

		if (tags.from <= tags.to)
			noted = ga_slot_note_tags(MyDatabaseId, (GaChannel) i, tags);
	}
	return noted;
}

static TimestampTz
wished_due(void)
{
	return wish.wake ? Min(wish.due, GA_DUE_NEVER) : DT_NOEND;
}

/* One that is idle may have been stilled by what is changed now. */
static void
tell_settings(void)
{
	GaSlot slot;

	ga_slots_change_settings(wish.settings_of);
	if (OidIsValid(wish.settings_of) && ga_slot_look(wish.settings_of, &slot))
		ga_slot_wake(wish.settings_of, DT_NOBEGIN, true);
}

static void
end_of_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			if (wish.wake || wish.reload)
				ga_slot_wake(MyDatabaseId,
							 note_tags() ? wished_due() : DT_NOBEGIN,
							 wish.reload);
			if (wish.look_again)
				ga_slots_look_again();
			if (wish.settings)
				tell_settings();
			forget_wish();
			break;
		case XACT_EVENT_ABORT:
			if (wish.even_on_abort)
				ga_slot_wake(MyDatabaseId, DT_NOBEGIN, false);
			/* It locks no database any more. */
			if (wish.look_again)
				ga_slots_look_again();
			ga_start_tags_end(true);
			forget_wish();
			break;
		case XACT_EVENT_PREPARE:
			forget_wish();
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
}

void
ga_wake_at_commit(TimestampTz due)
{
	wish.wake = true;
	wish.due = Min(wish.due, due);
}

void
ga_wake_at_commit_for_tags(void)
{
	wish.wake = true;
}

void
ga_reload_at_commit(void)
{
	wish.reload = true;
}

void
ga_settings_change_at_commit(Oid database)
{
	wish.settings = true;
	if (OidIsValid(database))
		wish.settings_of = database;
}

void
ga_wake_at_end(void)
{
	ga_wake_at_commit(DT_NOBEGIN);
	wish.even_on_abort = true;
}

void
ga_reload_now(void)
{
	ga_slot_wake(MyDatabaseId, DT_NOBEGIN, true);
}

void
ga_look_again_at_commit(void)
{
	wish.look_again = true;
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
