/*
 * reload.c
 *		Reading anew what the dispatcher works by: providers, templates, whose data
 *		these are.
 *
 * Whoever hears of a change only notes it; the next turn reads everything in one
 * transaction and forgets what was known of the queue, since other rows may be due
 * and other providers may take them.
 *
 * Locks: the tables of GA_STEP_READ_PROVIDERS, without waiting (dispatch/work).
 *
 * Must never: leave secrets of providers in memory that is not wiped, or read the
 * secret of links before the data are known to be ours.
 */
#include "postgres.h"

#include "dispatch/courier/couriers.h"
#include "dispatch/courier/handover.h"
#include "dispatch/courier/message.h"
#include "dispatch/due_rows.h"
#include "dispatch/events/event_telling.h"
#include "dispatch/own_slot.h"
#include "dispatch/ownership.h"
#include "dispatch/polls.h"
#include "dispatch/provider/pauses.h"
#include "dispatch/provider/providers.h"
#include "dispatch/reading.h"
#include "dispatch/steps/deadlines.h"
#include "dispatch/steps/incarnation.h"
#include "dispatch/steps/history.h"
#include "dispatch/steps/reload.h"
#include "dispatch/work.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "store/provider_store.h"
#include "store/template_store.h"
#include "utils/inval.h"
#include "utils/syscache.h"

/* Providers, templates, identity: how often they were to be read again, and up to which of
 * these times they were. */
static uint64 wanted_times;
static uint64 read_times;
#define NO_TURN PG_UINT64_MAX
/* The turn in which they were last read, and from which on claims wait for it. */
static uint64 read_in = NO_TURN;
static uint64 waits_since = NO_TURN;

static uint64
turn(void)
{
	return pg_atomic_read_u64(&ga_own_slot->turns);
}

void
ga_reload_want(void)
{
	wanted_times++;
}

bool
ga_reload_is_wanted(void)
{
	return wanted_times != read_times ||
		   pg_atomic_read_u32(&ga_own_slot->reload) != 0;
}

/*
 * Whether nothing is to be claimed before the providers are read: a claim waits
 * for one reading, and not again for what came meanwhile.  Else a session that goes
 * on with commands which may change providers, for which no right is needed, such
 * as DROP OWNED, would hold up every message.
 */
bool
ga_reload_comes_first(void)
{
	if (!ga_reload_is_wanted())
	{
		waits_since = NO_TURN;
		return false;
	}
	if (waits_since == NO_TURN)
		waits_since = turn();
	return waits_since == turn() || read_in != turn();
}

/*
 * A role or a membership changed, in whichever database: the owner of a server
 * may have gained or lost the right to its files.
 */
static void
role_changed(Datum arg, int cache, uint32 hash)
{
	ga_reload_want();
}

void
ga_reload_init(void)
{
	CacheRegisterSyscacheCallback(AUTHOID, role_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, role_changed, (Datum) 0);
	ga_reload_want();
}

/*
 * What was under way when the data were copied came after this dispatcher looked
 * for such rows, and may bear its incarnation: once the data are ours a new one begins.
 */
static void
take_origin(GaOrigin origin)
{
	bool was_ours = ga_ownership_is_ours();

	ga_ownership_note(origin);
	if (ga_ownership_is_ours() && !was_ours)
		ga_incarnation_outdate();
}

void
ga_reload_run(GaMonotonic now)
{
	GaTemplates templates;
	GaProviderRow *rows;
	StringInfoData json;
	GaOrigin origin;
	bool settings_changed;
	uint64 wanted;
	int count;

	if (wanted_times == read_times || !ga_work_begin(GA_STEP_READ_PROVIDERS))
		return;
	/* A commit wakes us before it tells the caches: who is a member of what is
	 * looked up anew. */
	InvalidateSystemCaches();
	/* What is heard of from here on may be too late for this reading. */
	wanted = wanted_times;
	origin = ga_ownership_read();
	if (origin == GA_ORIGIN_OWN)
		ga_handover_read_secret();
	settings_changed = ga_ownership_settings_changed();
	count = ga_providers_read(ga_work_scope(), &rows);
	ga_templates_read(ga_work_scope(), &templates);
	ga_message_take_templates(&templates);
	ga_pauses_end_outdated(rows, count);
	ga_work_end();
	read_times = wanted;
	read_in = turn();
	take_origin(origin);
	/* As when somebody stops it: its successor starts at once. */
	if (settings_changed)
	{
		ShutdownRequestPending = true;
		SetLatch(MyLatch);
	}

	initStringInfo(&json);
	ga_providers_load(rows, count, &json);
	ga_couriers_configure(json.data);
	explicit_bzero(json.data, json.len);
	ga_readings_begin_anew();
	ga_due_rows_recheck(DT_NOBEGIN);
	ga_polls_recheck();
	ga_event_telling_recheck();
	ga_deadlines_recheck();
	ga_history_recheck();
}
