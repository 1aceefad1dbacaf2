/*
 * domain.h
 *		Host names: to A-labels, and whether DNS could hold them.
 *
 * Pure C over UTF-8: no PostgreSQL header, no network, never throws.
 */
#ifndef GA_REQUEST_CONTACT_DOMAIN_H
#define GA_REQUEST_CONTACT_DOMAIN_H

#include <stddef.h>

/* RFC 1035 3.1: 255 octets on the wire, 253 as text without the last dot */
#define GA_DOMAIN_MAX 253
#define GA_LABEL_MAX 63

typedef enum GaDomainFault
{
	GA_DOMAIN_OK = 0,
	GA_DOMAIN_EMPTY,
	GA_DOMAIN_EMPTY_LABEL,	/* "a..b", a dot at an end */
	GA_DOMAIN_LABEL_LENGTH, /* a label above 63 octets */
	GA_DOMAIN_LENGTH,
	GA_DOMAIN_CHARACTER,
	GA_DOMAIN_HYPHEN,		/* a label begins or ends with one */
	GA_DOMAIN_NUMERIC,		/* the last label has digits only */
	GA_DOMAIN_SINGLE_LABEL, /* "localhost" where mail should go */
	GA_DOMAIN_IDNA			/* not a valid internationalised name */
} GaDomainFault;

typedef enum GaDomainUse
{
	GA_DOMAIN_FOR_MAIL, /* two labels or more, letters digits hyphens */
	GA_DOMAIN_FOR_URL	/* one will do, underscores as found in DNS */
} GaDomainUse;

/*
 * Writes the lower-case A-label form to `out` (GA_DOMAIN_MAX + 1 bytes).  `out`
 * is undefined after a fault.
 */
extern GaDomainFault ga_domain_normalize(const char *text, size_t length,
										 GaDomainUse use, char *out);

/* completes "its domain ..." */
extern const char *ga_domain_fault_text(GaDomainFault fault);

#endif /* GA_REQUEST_CONTACT_DOMAIN_H */
