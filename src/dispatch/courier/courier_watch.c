/*
 * courier_watch.c
 *		Pings, and how long a courier has owed an answer to one.
 *
 * Only silence that was seen counts: each check adds what went by since the last
 * one, half a second at the most.  So a dispatcher that was stopped itself, or was
 * busy, finds the answer first and takes nobody for hung.  With nothing in the
 * courier's hands nobody pings and nobody wakes.
 */
#include "postgres.h"

#include "dispatch/courier/courier_watch.h"

/* Between an answer and the next ping. */
#define PING_INTERVAL_US INT64CONST(1000000)
/* With no answer for so long it hangs; one that starts may still be loading. */
#define HUNG_US INT64CONST(3000000)
#define HUNG_AT_START_US INT64CONST(10000000)
#define LATE_US INT64CONST(1000000)
/* Between two checks, and what one of them adds at the most. */
#define CHECK_INTERVAL_MS 250
#define CHECK_MAX_US INT64CONST(500000)

void
ga_watch_begin(GaCourierWatch *watch)
{
	memset(watch, 0, sizeof(*watch));
}

void
ga_watch_note_frame(GaCourierWatch *watch, bool is_pong)
{
	watch->has_spoken = true;
	if (!is_pong)
		return;
	watch->answered_at = ga_monotonic_now();
	watch->pinged_at = 0;
	watch->silent_us = 0;
}

bool
ga_watch_is_ping_due(const GaCourierWatch *watch)
{
	return watch->pinged_at == 0 &&
		   ga_monotonic_now() - watch->answered_at >= PING_INTERVAL_US;
}

void
ga_watch_pinged(GaCourierWatch *watch)
{
	watch->pinged_at = watch->checked_at = ga_monotonic_now();
	watch->silent_us = 0;
}

void
ga_watch_check(GaCourierWatch *watch)
{
	GaMonotonic now = ga_monotonic_now();

	if (watch->pinged_at == 0)
		return;
	watch->silent_us += Min(now - watch->checked_at, CHECK_MAX_US);
	watch->checked_at = now;
}

bool
ga_watch_is_hung(const GaCourierWatch *watch)
{
	return watch->silent_us >= (watch->has_spoken ? HUNG_US : HUNG_AT_START_US);
}

bool
ga_watch_is_late(const GaCourierWatch *watch)
{
	return watch->silent_us >= LATE_US;
}

long
ga_watch_next_turn_ms(const GaCourierWatch *watch)
{
	if (watch->pinged_at != 0)
		return CHECK_INTERVAL_MS;
	return ga_monotonic_ms_between(ga_monotonic_now(),
								   watch->answered_at + PING_INTERVAL_US);
}
