/*
 * url.h
 *		Web addresses: http and https, as RFC 3986 and RFC 3987 write them.
 *
 * Pure C over UTF-8: no PostgreSQL header, no network, never throws.
 */
#ifndef GA_REQUEST_CONTACT_URL_H
#define GA_REQUEST_CONTACT_URL_H

#include <stddef.h>

/* bytes; the longest a reader lets through is 2048 characters */
#define GA_URL_BYTES_MAX (4 * 2048)

typedef enum GaUrlFault
{
	GA_URL_OK = 0,
	GA_URL_SCHEME, /* neither http:// nor https:// */
	GA_URL_SYNTAX, /* a character a URL cannot have */
	GA_URL_USER,   /* a user name or password in it */
	GA_URL_HOST,   /* missing or no host name */
	GA_URL_PORT,
	GA_URL_LENGTH,
	GA_URL_MEMORY
} GaUrlFault;

/*
 * Judges `text`; `*position` is the number of the first bad character, counted
 * from one, after GA_URL_SYNTAX.
 */
extern GaUrlFault ga_url_check(const char *text, size_t length, int *position);

/* completes "is no web address: ..." */
extern const char *ga_url_fault_text(GaUrlFault fault);

#endif /* GA_REQUEST_CONTACT_URL_H */
