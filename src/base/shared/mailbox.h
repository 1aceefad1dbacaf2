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

/*
 * The same with any local part of RFC 5321 4.1.2 and RFC 6531 3.3: atoms in UTF-8
 * or a text in quotes; what is no UTF-8, controls and marks of direction excepted.
 */
extern bool ga_mailbox_is_recipient(const char *address, size_t length);
/* Such a local part alone, and how long the one of an address is, 0: it has no @. */
extern bool ga_mailbox_is_local_part(const char *local, size_t length);
extern size_t ga_mailbox_local_length(const char *address, size_t length);
/* What a relay takes only with SMTPUTF8. */
extern bool ga_mailbox_is_ascii(const char *address);

#endif /* GA_BASE_SHARED_MAILBOX_H */
