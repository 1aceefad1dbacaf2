/*
 * recipient.h
 *		The recipient that is being read.
 */
#ifndef GA_COURIER_BOUNCE_RECIPIENT_H
#define GA_COURIER_BOUNCE_RECIPIENT_H

#include <jansson.h>

#include "courier/bounce/findings.h"

/* Begins one unless one is being read; belongs to the findings. */
extern json_t *ga_bounce_recipient_current(GaBounceFindings *findings);

/* Sets `name` to the address in a field, or to the whole where there is none. */
extern void ga_bounce_recipient_set_address(json_t *recipient, const char *name,
											const char *text);

/* Keeps the first status code (RFC 3463) in the text, if there is one. */
extern void ga_bounce_recipient_set_status(json_t *recipient, const char *text);

/*
 * Ends the one that is being read, if any: completes its status and its action, and
 * adds it to the recipients.
 */
extern void ga_bounce_recipient_finish(GaBounceFindings *findings);

#endif /* GA_COURIER_BOUNCE_RECIPIENT_H */
