/*
 * mailbox.h
 *		E-mail addresses as options and messages name them: local@domain, or
 *		Name <local@domain> (RFC 5322 3.4).
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_SHARED_MAILBOX_H
#define GA_BASE_SHARED_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

/* The two halves of `Name <address>`; both point into the value. */
typedef struct GaMailbox
{
	const char *name; /* without quotes; may be empty */
	size_t name_length;
	bool name_is_quoted; /* it stood in quotes: \" and \\ mean " and \ */
	const char *address;
	size_t address_length;
} GaMailbox;

/* false: not a mailbox this project would send from or to. */
extern bool ga_mailbox_split(const char *value, GaMailbox *mailbox);

/* local@domain in ASCII, dot-atom, lengths of RFC 5321 4.5.3.1. */
extern bool ga_mailbox_is_address(const char *address, size_t length);

#endif /* GA_BASE_SHARED_MAILBOX_H */
