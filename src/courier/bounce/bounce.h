/*
 * bounce.h
 *		Reading a mail that came back.
 */
#ifndef GA_COURIER_BOUNCE_BOUNCE_H
#define GA_COURIER_BOUNCE_BOUNCE_H

#include <jansson.h>
#include <stddef.h>

/* What is read of a mail; a report stands before the mail it returns. */
#define GA_BOUNCE_MAX (4u * 1024 * 1024)

/*
 * What a mail says about an earlier one, as an object:
 *
 *   kind          failed, delayed, delivered, relayed, expanded, complaint or
 *                 other
 *   recipients    [{final, original, action, status, diagnostic}]
 *   to            addresses it was sent to, and the sender the returned mail
 *                 had: one of them may be ours with a token
 *   envelope_id   the ENVID we gave
 *   message_id    of the returned mail
 *   feedback_type of a complaint (RFC 5965)
 *
 * Members that are not known are left out.  NULL: this is no mail at all.
 */
extern json_t *ga_bounce_read(const char *mail, size_t length);

#endif /* GA_COURIER_BOUNCE_BOUNCE_H */
