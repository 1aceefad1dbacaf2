/*
 * bounce_prose.h
 *		What mail servers that follow no standard write about a mail.
 */
#ifndef GA_COURIER_BOUNCE_BOUNCE_PROSE_H
#define GA_COURIER_BOUNCE_BOUNCE_PROSE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct GaProseNotice
{
	bool is_delay;	  /* still trying; otherwise it has given up, unless ... */
	bool is_passed;	  /* ... it has passed the mail on */
	bool is_plain;	  /* by its form or words, not by a number alone */
	const char *line; /* the one that says why, as the other server put it */
	size_t line_length;
	const char *address; /* whom it was for: a line "<address>:", or NULL */
	size_t address_length;
	const char *returned; /* the head of the mail that came back, or NULL */
} GaProseNotice;

/*
 * Reads a mail server's own mail; the pointers lead into `text`.  False: it says
 * neither that a mail failed nor that it is late or passed on, though `is_plain` may be set.
 */
extern bool ga_prose_read(const char *subject, const char *text,
						  GaProseNotice *notice);

#endif /* GA_COURIER_BOUNCE_BOUNCE_PROSE_H */
