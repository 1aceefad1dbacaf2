/*
 * contact.h
 *		E-mail addresses and mobile numbers: what can be verified at once.
 *
 * Pure functions over palloc'ed text; no catalog, no network.
 */
#ifndef GA_REQUEST_CONTACT_H
#define GA_REQUEST_CONTACT_H

#include "postgres.h"

#include "base/channel.h"
#include "request/violation.h"

typedef struct GaContact
{
	GaChannel channel;
	const char *value; /* as it is sent to: E.164, or local@a-label */
	const char *key;   /* equal for equal recipients: case folded */
} GaContact;

/* What is wrong with an address: a violation that has no path yet. */
typedef struct GaContactFault
{
	GaViolationCode code;
	const char *message; /* completes the sentence begun by the path */
	const char *hint;	 /* or NULL */
} GaContactFault;

/* "MOBILE", "EMAIL"; NULL for GA_CHANNEL_NONE */
extern const char *ga_channel_name(GaChannel channel);

/* false and a violation at `path` when the text is no deliverable address */
extern bool ga_contact_read_email(const char *text, const char *path,
								  GaViolations *violations, GaContact *contact);
extern bool ga_contact_read_mobile(const char *text, const char *path,
								   GaViolations *violations,
								   GaContact *contact);

/*
 * The same without a path, for readers of long lists that put the path into
 * words only when there is a fault.  `text` is in the server's encoding.
 */
extern bool ga_contact_check(GaChannel channel, const char *text,
							 GaContact *contact, GaContactFault *fault);

/*
 * Builds the phone number tables once, in the postmaster, so that every
 * backend inherits them by fork instead of paying 9 ms at its first request.
 */
extern void ga_contact_init(void);

#endif /* GA_REQUEST_CONTACT_H */
