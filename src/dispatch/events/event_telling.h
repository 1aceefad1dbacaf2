/*
 * event_telling.h
 *		Telling webhooks what happened.
 */
#ifndef GA_DISPATCH_EVENTS_EVENT_TELLING_H
#define GA_DISPATCH_EVENTS_EVENT_TELLING_H

#include "postgres.h"

#include "base/shared/monotonic.h"
#include "base/shared/wire.h"
#include "dispatch/courier/jobs.h"

extern void ga_event_telling_init(void);

/* New events may be there: the next turn reads. */
extern void ga_event_telling_recheck(void);

/* A step: reads what is due and hands it to the courier. */
extern void ga_event_telling_run(GaMonotonic now);
/* A step: writes down what became of it. */
extern void ga_event_telling_record(GaMonotonic now);
/* When one of these is to be run without an event; never: not for now. */
extern GaMonotonic ga_event_telling_next_turn(GaMonotonic now);
/* Something is known here alone: told and not yet recorded. */
extern bool ga_event_telling_is_outstanding(void);

/* What became of a job: an answer ... */
extern void ga_event_telling_hear(const GaJob *job,
								  const GaOutcomeFrame *outcome,
								  TimestampTz now);
/* ... the courier died with it (`died`: not by our own hand) ... */
extern void ga_event_telling_lose(const GaJob *job, bool died, TimestampTz now);
/* ... or it was not tried. */
extern void ga_event_telling_give_back(const GaJob *job);

#endif /* GA_DISPATCH_EVENTS_EVENT_TELLING_H */
