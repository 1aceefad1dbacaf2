/*
 * feedback.h
 *		Reading a feedback report.
 */
#ifndef GA_COURIER_BOUNCE_FEEDBACK_H
#define GA_COURIER_BOUNCE_FEEDBACK_H

#include <stddef.h>

#include "courier/bounce/findings.h"

/* Reads the text of a message/feedback-report. */
extern void ga_bounce_feedback_read(GaBounceFindings *findings,
									const char *text, size_t length);

/* The kind of a mail with this Feedback-Type: "complaint" or "other". */
extern const char *ga_bounce_feedback_kind(const char *feedback_type);

#endif /* GA_COURIER_BOUNCE_FEEDBACK_H */
