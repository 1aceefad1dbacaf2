/*
 * outcome.c
 *		What became of one attempt, as the courier builds it.
 */
#include "courier/outcome.h"

#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

void
ga_outcome_set(GaOutcome *outcome, GaVerdict verdict, const char *code,
			   const char *detail)
{
	outcome->verdict = verdict;
	ga_text_clean(code, strlen(code), outcome->code, sizeof(outcome->code));
	ga_text_clean(detail, strlen(detail), outcome->detail,
				  sizeof(outcome->detail));
}

void
ga_outcome_setf(GaOutcome *outcome, GaOutcomeClass class, const char *code,
				const char *format, ...)
{
	char detail[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	ga_outcome_set(outcome, (GaVerdict){class, 0, -1}, code, detail);
}

void
ga_outcome_set_message_id(GaOutcome *outcome, const char *id)
{
	ga_text_clean(id, strlen(id), outcome->message_id,
				  sizeof(outcome->message_id));
}

static void
hide(char *text, const char *secret, size_t length)
{
	char *found;

	while ((found = strstr(text, secret)) != NULL)
	{
		memcpy(found, "***", 3);
		memmove(found + 3, found + length, strlen(found + length) + 1);
	}
}

void
ga_outcome_hide(GaOutcome *outcome, const char *secret)
{
	size_t length = secret ? strlen(secret) : 0;

	/* A very short secret would eat ordinary words. */
	if (length < 4)
		return;
	hide(outcome->code, secret, length);
	hide(outcome->detail, secret, length);
	hide(outcome->message_id, secret, length);
}

void
ga_outcome_reset(GaOutcome *outcome)
{
	outcome->verdict = (GaVerdict){GA_OUTCOME_UNCERTAIN, 0, -1};
	outcome->elapsed_us = 0;
	outcome->code[0] = '\0';
	outcome->detail[0] = '\0';
	outcome->message_id[0] = '\0';
	ga_text_truncate(&outcome->captured, 0);
}

static GaSlice
slice(const char *string)
{
	return (GaSlice){string, (uint32_t) strlen(string)};
}

void
ga_outcome_put(GaBuffer *out, uint64_t job_id, const GaOutcome *outcome)
{
	GaOutcomeFrame frame = {
		.job_id = job_id,
		.outcome = outcome->verdict.outcome,
		.flags = outcome->verdict.flags,
		.retry_after_ms = outcome->verdict.retry_after_ms,
		.elapsed_us = outcome->elapsed_us,
		.code = slice(outcome->code),
		.detail = slice(outcome->detail),
		.message_id = slice(outcome->message_id),
		.captured = {outcome->captured.data,
					 (uint32_t) outcome->captured.length},
	};

	/* Only a lack of memory can fail, and then the frame must not be lost. */
	if (!ga_wire_put_outcome(out, &frame))
		abort();
}
