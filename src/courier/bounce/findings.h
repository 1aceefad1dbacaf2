/*
 * findings.h
 *		What has been read of a returned mail so far.
 *
 * One for each mail, on the stack of ga_bounce_read(); those who read a part of the
 * mail add to it.
 */
#ifndef GA_COURIER_BOUNCE_FINDINGS_H
#define GA_COURIER_BOUNCE_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "courier/text.h"

/* The longest text that is kept of a field, with its zero byte. */
#define GA_BOUNCE_VALUE_SIZE 501

typedef struct GaBounceFindings
{
	json_t *recipients;
	json_t *current; /* the recipient being read, or NULL */
	json_t *addresses;
	char envelope_id[256];
	char message_id[256];
	char referred_id[256]; /* of In-Reply-To and References */
	char feedback_type[64];
	char failed_recipients[GA_BOUNCE_VALUE_SIZE]; /* Exim's header */
	char subject[GA_BOUNCE_VALUE_SIZE];
	char from[256];			/* the address it says it is from */
	bool is_by_mailer;		/* a mail server's own address sent it */
	bool has_null_path;		/* nobody is to answer it: RFC 5321 4.5.5 */
	bool is_automatic;		/* somebody's automatic reply, or a read receipt */
	bool is_auto_submitted; /* a program wrote it, whoever's it is: RFC 3834 */
	bool shows_failure; /* a report, a returned mail, or a failure's words */
	GaText prose;		/* the first text part, cut */
	bool has_prose;
	bool is_by_prose; /* what is found was read in it */
	bool prose_is_html;
	int fields;
	int parts;
} GaBounceFindings;

/* Copies what a stranger wrote, cleaned; what is there already stays. */
extern void ga_bounce_copy(char *target, size_t size, const char *value);

/* Likewise an identifier, without the angle brackets of the first one. */
extern void ga_bounce_copy_id(char *target, size_t size, const char *value);

/* Sets a member, cleaned, unless it is there already or would be empty. */
extern void ga_bounce_set_string(json_t *object, const char *name,
								 const char *value);

/* "": there is no such string. */
extern const char *ga_bounce_get_string(const json_t *object, const char *name);

/* Adds every word that looks like an address and is not there yet. */
extern void ga_bounce_add_addresses(GaBounceFindings *findings,
									const char *value);

#endif /* GA_COURIER_BOUNCE_FINDINGS_H */
