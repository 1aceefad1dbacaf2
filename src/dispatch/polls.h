/*
 * polls.h
 *		Asking providers how their messages fare.
 *
 * For providers with the option poll, where callbacks cannot reach us.  A
 * question is a job of the courier like any other; its answer is applied as a
 * receipt.
 */
#ifndef GA_DISPATCH_POLLS_H
#define GA_DISPATCH_POLLS_H

#include "postgres.h"

#include "base/shared/wire.h"
#include "dispatch/courier/jobs.h"

extern void ga_polls_init(void);

/* Providers or their pauses changed, or messages to be asked for were sent. */
extern void ga_polls_recheck(void);

/* Asks what is due; `next_id` numbers the jobs. */
extern void ga_polls_ask(GaMonotonic now, uint64 *next_id);

/* The answer to one; applied by ga_polls_record(). */
extern void ga_polls_note_answer(const GaJob *job,
								 const GaOutcomeFrame *outcome);
/* The courier died while it asked; the same. */
extern void ga_polls_lose(const GaJob *job);
extern void ga_polls_record(void);

/* When there is something to ask or to record; DT_NOEND: never. */
extern GaMonotonic ga_polls_next_turn(void);

#endif /* GA_DISPATCH_POLLS_H */
