/*
 * clock.h
 *		Dates and waits: what the wall clock says of the monotonic one, and what is
 *		done when somebody sets it.
 */
#ifndef GA_DISPATCH_CLOCK_H
#define GA_DISPATCH_CLOCK_H

#include "postgres.h"

#include "base/shared/monotonic.h"
#include "datatype/timestamp.h"

/* When a date comes, as long as nobody sets the clock; DT_NOEND: never. */
extern GaMonotonic ga_clock_when(TimestampTz date);
/* The date of a moment, for people; 0 remains 0, never is DT_NOEND. */
extern TimestampTz ga_clock_date(GaMonotonic at);

/*
 * How far the wall clock is ahead of the monotonic one, in microseconds, for the
 * next dispatcher of the database; 0: it is to look at everything itself.
 */
extern int64 ga_clock_offset(void);
/* Once: as an earlier dispatcher noted it; 0: there was none. */
extern void ga_clock_begin(int64 offset);

/*
 * Before the providers are read: true when the clock was set, and rests on the
 * record bear the new dates now.
 */
extern bool ga_clock_follow(void);
/* What a set clock means for rests is not on the record yet; also of one set just now. */
extern bool ga_clock_is_unfollowed(void);
/* Rows that wait since a date to come, a part in each call; true after the last. */
extern bool ga_clock_shorten_waits(void);
extern GaMonotonic ga_clock_next_turn(void);

#endif /* GA_DISPATCH_CLOCK_H */
