/*
 * reading.h
 *		How far each provider has read the queue.
 */
#ifndef GA_DISPATCH_READING_H
#define GA_DISPATCH_READING_H

#include "dispatch/provider/providers.h"

/* From the front, knowing nothing. */
extern void ga_reading_begin_anew(GaProvider *provider);
extern void ga_readings_begin_anew(void);

/* Whether there is more to be claimed, as far as is known. */
extern bool ga_reading_has_more(const GaProvider *provider);
/* Where to claim next, up to `last_tag`. */
extern GaQueueCursor *ga_reading_cursor(GaProvider *provider, int64 *last_tag);
/* What a claim there has brought; true: there is more to be claimed. */
extern bool ga_reading_claimed(GaProvider *provider, const GaQueueScan *scan,
							   int count);

/*
 * Rows with these tags came, or came back, wherever the providers of the channel
 * have read to.
 */
extern void ga_readings_read_again(GaChannel channel, GaTagRange tags);

/* Somebody who may have held rows holds them no more. */
extern void ga_readings_retry_locked(void);

/* Whether it is to be asked when the next row is due ... */
extern bool ga_reading_is_at_end(const GaProvider *provider);
/* ... what the answer cost ... */
extern void ga_reading_note_cost(GaProvider *provider, int64 cpu_us);
/* ... and the answer, 0 = never. */
extern void ga_reading_note_next_due(GaProvider *provider,
									 TimestampTz next_due);
/* Ends the pause of a drained provider when its next row is due. */
extern void ga_reading_check_due(GaProvider *provider, GaMonotonic now);

/* When one that has nothing to claim is to try again; never: when rows come. */
extern GaMonotonic ga_reading_next_turn(const GaProvider *provider);

/* Tells the fair queue how far a channel is worked off, or that it is empty. */
extern void ga_readings_tell_position(GaChannel channel);
extern void ga_readings_tell_empty(GaChannel channel);

#endif /* GA_DISPATCH_READING_H */
