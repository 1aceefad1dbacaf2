/*
 * outcome.h
 *		What became of one attempt, as the courier builds it.
 */
#ifndef GA_COURIER_OUTCOME_H
#define GA_COURIER_OUTCOME_H

#include "base/shared/wire.h"
#include "courier/text.h"

/* Caps of the strings that go back to the dispatcher, zero byte included. */
#define GA_OUTCOME_CODE_SIZE 65
#define GA_OUTCOME_DETAIL_SIZE 501
#define GA_OUTCOME_MESSAGE_ID_SIZE 256

/* A class with what always travels with it. */
typedef struct GaVerdict
{
	GaOutcomeClass outcome;
	uint32_t flags;
	int64_t retry_after_ms; /* -1 = none */
} GaVerdict;

typedef struct GaOutcome
{
	GaVerdict verdict;
	int64_t elapsed_us;
	char code[GA_OUTCOME_CODE_SIZE];
	char detail[GA_OUTCOME_DETAIL_SIZE];
	char message_id[GA_OUTCOME_MESSAGE_ID_SIZE];
	GaText captured;
} GaOutcome;

/* Every string is cleaned and cut; the detail may be a stranger's. */
extern void ga_outcome_set(GaOutcome *outcome, GaVerdict verdict,
						   const char *code, const char *detail);
/* A verdict of our own making: no flags, no delay. */
extern void ga_outcome_setf(GaOutcome *outcome, GaOutcomeClass class,
							const char *code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The message was not tried, for want of something of ours. */
extern void ga_outcome_set_no_try(GaOutcome *outcome, const char *why);
extern void ga_outcome_set_message_id(GaOutcome *outcome, const char *id);
/* Replaces every occurrence of a secret in what a peer may have written: as it
 * is, escaped for a URL, JSON or HTML, cut off at the end; NULL is fine. */
extern void ga_outcome_hide(GaOutcome *outcome, const char *secret);
/* Likewise in one text, which becomes no longer. */
extern void ga_outcome_hide_in(char *text, const char *secret);
/* Forgets the last attempt, keeps the memory. */
extern void ga_outcome_reset(GaOutcome *outcome);
/* Appends the frame. */
extern void ga_outcome_put(GaBuffer *out, uint64_t job_id,
						   const GaOutcome *outcome);

#endif /* GA_COURIER_OUTCOME_H */
