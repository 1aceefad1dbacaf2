/*
 * own_head.h
 *		Reading the head of the returned mail itself.
 */
#ifndef GA_COURIER_BOUNCE_OWN_HEAD_H
#define GA_COURIER_BOUNCE_OWN_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "courier/bounce/findings.h"

/* Reads the fields at the beginning of the mail; `fields` tells whether any were. */
extern void ga_bounce_own_head_read(GaBounceFindings *findings,
									const char *mail, size_t length);

/* Whether a mail server may have sent it: nothing says that somebody's program did. */
extern bool
ga_bounce_own_head_may_be_by_server(const GaBounceFindings *findings);

/*
 * Whether a mail server sent it and nobody's automatic reply: a person may write of
 * codes and failures as well.  To be asked when the whole mail has been read.
 */
extern bool ga_bounce_own_head_is_by_server(const GaBounceFindings *findings);

#endif /* GA_COURIER_BOUNCE_OWN_HEAD_H */
