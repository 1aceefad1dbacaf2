/*
 * contact.h
 *		E-mail addresses and mobile numbers: what can be verified at once.
 *
 * Pure functions over palloc'ed text; no catalog, no network.
 */
#ifndef GA_REQUEST_CONTACT_H
#define GA_REQUEST_CONTACT_H

#include "postgres.h"

#include "request/violation.h"

typedef enum GaChannel
{
	GA_CHANNEL_NONE = 0,		/* told inside the app only (contract B) */
	GA_CHANNEL_MOBILE,
	GA_CHANNEL_EMAIL
}			GaChannel;

typedef struct GaContact
{
	GaChannel	channel;
	const char *value;			/* as it is sent to: E.164, or local@a-label */
	const char *key;			/* equal for equal recipients: case folded */
}			GaContact;

/* "MOBILE", "EMAIL"; NULL for GA_CHANNEL_NONE */
extern const char *ga_channel_name(GaChannel channel);

/* false and a violation at `path` when the text is no deliverable address */
extern bool ga_contact_read_email(const char *text, const char *path,
								  GaViolations *violations,
								  GaContact *contact);
extern bool ga_contact_read_mobile(const char *text, const char *path,
								   GaViolations *violations,
								   GaContact *contact);

/*
 * Builds the phone number tables once, in the postmaster, so that every
 * backend inherits them by fork instead of paying 9 ms at its first request.
 */
extern void ga_contact_init(void);

#endif							/* GA_REQUEST_CONTACT_H */
