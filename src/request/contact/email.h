/*
 * email.h
 *		E-mail addresses as an SMTP envelope takes them.
 *
 * Pure C over UTF-8: no PostgreSQL header, no network, never throws.
 */
#ifndef GA_REQUEST_CONTACT_EMAIL_H
#define GA_REQUEST_CONTACT_EMAIL_H

#include "request/contact/domain.h"

/* RFC 5321 4.5.3.1: local part 64, path 256 with its angle brackets */
#define GA_EMAIL_LOCAL_MAX 64
#define GA_EMAIL_MAX 254

typedef enum GaEmailFault
{
	GA_EMAIL_OK = 0,
	GA_EMAIL_NO_AT,
	GA_EMAIL_MANY_AT,
	GA_EMAIL_DISPLAY_NAME, /* "Ann <ann@example.com>" */
	GA_EMAIL_LOCAL_EMPTY,
	GA_EMAIL_LOCAL_LENGTH,
	GA_EMAIL_LOCAL_DOT, /* at an end, or two in a row */
	GA_EMAIL_LOCAL_QUOTED,
	GA_EMAIL_LOCAL_CHARACTER,
	GA_EMAIL_LOCAL_NOT_ASCII, /* needs SMTPUTF8 all the way */
	GA_EMAIL_DOMAIN_LITERAL,  /* user@[192.0.2.1] */
	GA_EMAIL_DOMAIN,		  /* see the domain fault */
	GA_EMAIL_LENGTH
} GaEmailFault;

/*
 * Writes the address with its domain as lower-case A-labels to `out`
 * (GA_EMAIL_MAX + 1 bytes); the local part's case is kept.
 */
extern GaEmailFault ga_email_normalize(const char *text, size_t length,
									   char *out, GaDomainFault *domain_fault);

/*
 * The same with local parts in UTF-8 and in quotes (group_api.all_local_parts); the
 * quotes and backslashes that nothing needs are dropped.  To be given in Normalization
 * Form C, so that a mailbox has one spelling.
 */
extern GaEmailFault ga_email_normalize_all(const char *text, size_t length,
										   char *out,
										   GaDomainFault *domain_fault);

/* completes "is no e-mail address: ..." */
extern const char *ga_email_fault_text(GaEmailFault fault);

#endif /* GA_REQUEST_CONTACT_EMAIL_H */
