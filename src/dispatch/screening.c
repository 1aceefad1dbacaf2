/*
 * screening.c
 *		What a claimed row is checked for before its first byte.
 *
 * A row may have waited for days: what was true when it was queued is looked at
 * again here.
 */
#include "postgres.h"

#include "base/guc.h"
#include "dispatch/records.h"
#include "dispatch/screening.h"
#include "dispatch/work.h"
#include "store/caps/cap_store.h"
#include "store/suppression_store.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Contacts to be suppressed once a lock is gone: some hundred bytes each. */
#define WAITING_MAX 10000

static MemoryContext waiting_context;
static List *waiting; /* of GaRecord *, to be suppressed */

void
ga_screening_mark(const struct GaOwnerScope *scope, GaChannel channel,
				  GaClaim *claims, int count)
{
	GaChannel *channels = palloc(sizeof(GaChannel) * Max(count, 1));
	const char **contacts = palloc(sizeof(char *) * Max(count, 1));
	const char **reasons = palloc(sizeof(char *) * Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		channels[i] = channel;
		contacts[i] = claims[i].contact;
	}
	if (ga_suppressions_find(scope, count, channels, contacts, reasons) > 0)
		for (int i = 0; i < count; i++)
			if (reasons[i] != NULL)
				claims[i].suppressed = ga_suppression_words(reasons[i]);
	ga_caps_take(channel, claims, count, GetCurrentTimestamp());
}

/* Nothing will ever be sent. */
static bool
is_over(const GaClaim *claim, GaRecord *record)
{
	record->delivery = GA_DELIVERY_FAILED;
	if (claim->is_archived)
	{
		record->delivery = GA_DELIVERY_CANCELED;
		record->reason = "the group is archived";
	}
	else if (claim->group_name == NULL || claim->member == NULL)
		record->reason = "the group or its member was deleted";
	else if (claim->expires_at != 0 &&
			 claim->expires_at <= GetCurrentTimestamp())
	{
		record->expired = true;
		record->reason =
			claim->reminders > 0
				? "the reminder could not be sent before the expiry"
				: "expired before it could be sent";
	}
	else if (claim->suppressed != NULL)
	{
		record->delivery = GA_DELIVERY_SUPPRESSED;
		record->reason = claim->reminders == 0
							 ? claim->suppressed
							 : MemoryContextStrdup(
								   ga_records_context(),
								   psprintf("reminder %s", claim->suppressed));
	}
	/* Its record failed again and again. */
	else if (claim->attempt > ga_settings.max_attempts)
		record->reason = MemoryContextStrdup(
			ga_records_context(),
			psprintf("given up after %d tries", claim->attempt - 1));
	/* The invitation itself was sent before. */
	if (claim->reminders > 0 &&
		(record->expired || record->delivery == GA_DELIVERY_SUPPRESSED))
		record->delivery = GA_DELIVERY_SENT;
	return record->reason != NULL;
}

bool
ga_screening_holds_back(const GaClaim *claim, GaRecord *record)
{
	if (is_over(claim, record))
		return true;
	if (claim->later == 0)
		return false;
	record->delivery = GA_DELIVERY_QUEUED;
	record->due = claim->later;
	record->reason = claim->later_reason;
	return true;
}

/* ---- contacts to be suppressed ------------------------------------------- */

void
ga_screening_init(void)
{
	waiting_context = AllocSetContextCreate(TopMemoryContext,
											"group_api suppressions context",
											ALLOCSET_SMALL_SIZES);
}

void
ga_screening_suppress(const GaRecord *records, int count)
{
	MemoryContext old = MemoryContextSwitchTo(waiting_context);

	for (int i = 0; i < count; i++)
	{
		GaRecord *copy;

		if (records[i].suppress == NULL || list_length(waiting) >= WAITING_MAX)
			continue;
		copy = palloc(sizeof(GaRecord));
		*copy = records[i];
		copy->suppress = pstrdup(copy->suppress);
		copy->server = copy->server ? pstrdup(copy->server) : NULL;
		copy->code = copy->code ? pstrdup(copy->code) : NULL;
		waiting = lappend(waiting, copy);
	}
	MemoryContextSwitchTo(old);
	ga_screening_suppress_waiting();
}

static void
suppress(const void *arg)
{
	const GaRecord *record = arg;

	(void) ga_suppression_add_member(UUIDPGetDatum(&record->group_id),
									 record->number, 0,
									 &(GaSuppressionCause){
										 .reason = record->suppress,
										 .server = record->server,
										 .code = record->code,
										 .evidence = "refused when it was sent",
									 });
}

void
ga_screening_suppress_waiting(void)
{
	for (int left = list_length(waiting);
		 left > 0 && ga_work_begin(GA_STEP_SUPPRESS); left--)
	{
		GaRecord *record = linitial(waiting);
		bool is_done = ga_work_attempt(suppress, record);
		MemoryContext old = MemoryContextSwitchTo(waiting_context);

		waiting = list_delete_first(waiting);
		/* Behind the others, which it must not hold up. */
		if (!is_done && ga_work_not_before(GA_STEP_SUPPRESS) != 0)
			waiting = lappend(waiting, record);
		MemoryContextSwitchTo(old);
	}
	if (waiting == NIL)
		MemoryContextReset(waiting_context);
}

GaMonotonic
ga_screening_next_turn(void)
{
	return waiting == NIL ? GA_MONOTONIC_NEVER
						  : ga_work_not_before(GA_STEP_SUPPRESS);
}
