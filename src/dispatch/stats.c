/*
 * stats.c
 *		A slot in words.
 */
#include "postgres.h"

#include "dispatch/slots.h"
#include "dispatch/stats.h"
#include "dispatch/work.h"
#include "utils/timestamp.h"

/* Of a step that was not tried again for this long after its pause nobody knows. */
#define STILL_HELD_UP_MS 10000

static const char *
state_name(GaSlotState state, GaSlotTrouble trouble)
{
	switch (state)
	{
		case GA_SLOT_FREE:
		case GA_SLOT_STOPPED:
			return "stopped";
		case GA_SLOT_WANTED:
		case GA_SLOT_STARTING:
			return trouble == GA_TROUBLE_NO_WORKER ||
						   trouble == GA_TROUBLE_CRASHING
					   ? "stopped"
					   : "starting";
		case GA_SLOT_RUNNING:
			break;
	}
	return trouble == GA_TROUBLE_NO_COURIER ? "no courier" : "running";
}

static const char *
trouble_text(GaSlotTrouble trouble)
{
	switch (trouble)
	{
		case GA_TROUBLE_NONE:
			return NULL;
		case GA_TROUBLE_NO_COURIER:
			return "the courier cannot be started";
		case GA_TROUBLE_FOREIGN:
			return "waiting for the first group, or for adopt()";
		case GA_TROUBLE_OFF:
			return "group_api.dispatch is off";
		case GA_TROUBLE_NO_WORKER:
			return "max_worker_processes is used up";
		case GA_TROUBLE_CRASHING:
			return "it crashed at every start";
	}
	return NULL;
}

static void
tell_hindrance(GaSlot *slot, GaDispatcherStats *stats)
{
	TimestampTz since = (TimestampTz) pg_atomic_read_u64(&slot->held_up_since);
	TimestampTz until = (TimestampTz) pg_atomic_read_u64(&slot->held_up_until);

	if (since == 0 || slot->state != GA_SLOT_RUNNING ||
		TimestampDifferenceExceeds(until, GetCurrentTimestamp(),
								   STILL_HELD_UP_MS))
		return;
	stats->held_up_while =
		ga_work_step_name((GaStep) pg_atomic_read_u32(&slot->held_up_step));
	stats->held_up_table = (Oid) pg_atomic_read_u32(&slot->held_up_table);
	stats->held_up_since = since;
}

void
ga_dispatcher_stats(Oid database, GaDispatcherStats *stats)
{
	GaSlot slot;
	GaSlotTrouble trouble;

	memset(stats, 0, sizeof(*stats));
	stats->state = "stopped";
	stats->reason = ga_slots_are_full() ? "group_api.max_databases is used up"
										: "this database has no dispatcher";
	if (!ga_slot_look(database, &slot))
		return;
	trouble = (GaSlotTrouble) pg_atomic_read_u32(&slot.trouble);
	stats->pid = slot.pid;
	stats->courier_pid = (pid_t) pg_atomic_read_u32(&slot.courier_pid);
	stats->state = state_name(slot.state, trouble);
	stats->reason = trouble_text(trouble);
	stats->started_at = slot.started_at;
	stats->turns = pg_atomic_read_u64(&slot.turns);
	stats->claimed = pg_atomic_read_u64(&slot.claimed);
	stats->recorded = pg_atomic_read_u64(&slot.recorded);
	tell_hindrance(&slot, stats);
}
