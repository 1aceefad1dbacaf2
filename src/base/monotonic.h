/*
 * monotonic.h
 *		The clock that waits are measured by.  Pure; the courier has it, too.
 *
 * The wall clock is set by people and by time services, and then a wait that was
 * measured by it lasts an hour longer or none at all.  CLOCK_MONOTONIC only goes
 * forward (clock_gettime(2)), and all processes of one boot read the same.  What
 * a person reads, and what rows keep, are dates: see dispatch/clock.
 */
#ifndef GA_BASE_MONOTONIC_H
#define GA_BASE_MONOTONIC_H

#include <stdint.h>
#include <time.h>

/* Microseconds since a moment before the boot; 0: long ago, or none. */
typedef int64_t GaMonotonic;

#define GA_MONOTONIC_NEVER INT64_MAX

static inline GaMonotonic
ga_monotonic_now(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline GaMonotonic
ga_monotonic_in_ms(int64_t ms)
{
	return ga_monotonic_now() + ms * 1000;
}

/* Milliseconds from one moment to a later one, rounded up; 0: it is not later. */
static inline long
ga_monotonic_ms_between(GaMonotonic from, GaMonotonic to)
{
	return to <= from ? 0 : (long) ((to - from + 999) / 1000);
}

#endif /* GA_BASE_MONOTONIC_H */
