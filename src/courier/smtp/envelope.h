/*
 * envelope.h
 *		What is said to a relay for one mail: its commands, and its lines.
 */
#ifndef GA_COURIER_SMTP_ENVELOPE_H
#define GA_COURIER_SMTP_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "courier/job.h"
#include "courier/smtp/smtp_plan.h"
#include "courier/text.h"

/* Before the body: MAIL, RCPT and DATA. */
#define GA_ENVELOPE_COMMANDS 3

/* Of the extensions in a relay's answer to EHLO. */
typedef struct GaSmtpOffers
{
	bool dsn;		 /* RFC 3461 */
	bool size;		 /* RFC 1870 */
	bool pipelining; /* RFC 2920 */
	bool utf8;		 /* SMTPUTF8, RFC 6531 */
} GaSmtpOffers;

/* One line of that answer, without its end. */
extern void ga_envelope_note_offer(GaSmtpOffers *offers, const char *line,
								   size_t length);

typedef struct GaEnvelope
{
	GaText commands;				   /* each with its end of line */
	size_t ends[GA_ENVELOPE_COMMANDS]; /* of each in them */
} GaEnvelope;

/* For one recipient; `size`: the message's, in bytes. */
extern void ga_envelope_put(const GaSmtpPlan *plan, const GaCourierJob *job,
							const GaSmtpOffers *offers, size_t size,
							GaEnvelope *envelope);

/* Ends the message with its dot; where lines begin with one, in `other`.  Returns
 * which of the two it is.  The message begins with a header and ends with CRLF. */
extern const GaText *ga_envelope_seal(GaText *message, GaText *other);

#endif /* GA_COURIER_SMTP_ENVELOPE_H */
