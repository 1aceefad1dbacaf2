/*
 * courier_watch.h
 *		Whether a courier makes progress: it answers a ping from the loop that reads
 *		its jobs, however slow its providers are.
 */
#ifndef GA_DISPATCH_COURIER_COURIER_WATCH_H
#define GA_DISPATCH_COURIER_COURIER_WATCH_H

#include "postgres.h"

#include "base/shared/monotonic.h"

typedef struct GaCourierWatch
{
	GaMonotonic answered_at; /* the last pong, or its start */
	GaMonotonic pinged_at;	 /* 0: no answer is owed */
	GaMonotonic checked_at;	 /* the last check of the silence */
	int64 silent_us;		 /* how long it was seen to owe the answer */
	bool has_spoken;		 /* it is through with its start */
} GaCourierWatch;

extern void ga_watch_begin(GaCourierWatch *watch);
/* It said something; `is_pong`: that its loop goes round. */
extern void ga_watch_note_frame(GaCourierWatch *watch, bool is_pong);

/* With work in its hands: a ping is due; it is sent then. */
extern bool ga_watch_is_ping_due(const GaCourierWatch *watch);
extern void ga_watch_pinged(GaCourierWatch *watch);

/* After everything it said was read: adds up how long it owes the answer. */
extern void ga_watch_check(GaCourierWatch *watch);
/* That long that it makes no progress: it is to be replaced. */
extern bool ga_watch_is_hung(const GaCourierWatch *watch);
/* It owes the answer longer than one who is well does: worth telling. */
extern bool ga_watch_is_late(const GaCourierWatch *watch);

/* With work in its hands: when to ping or to check again. */
extern long ga_watch_next_turn_ms(const GaCourierWatch *watch);

#endif /* GA_DISPATCH_COURIER_COURIER_WATCH_H */
