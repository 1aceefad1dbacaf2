/*
 * text.h
 *		Growing strings, and cleaning what strangers wrote.
 */
#ifndef GA_COURIER_TEXT_H
#define GA_COURIER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Always zero-terminated once anything was appended. */
typedef struct GaText
{
	char *data;
	size_t length;
	size_t size;
} GaText;

extern void ga_text_append(GaText *text, const void *data, size_t length);
extern void ga_text_puts(GaText *text, const char *string);
extern void ga_text_putc(GaText *text, char c);
extern void ga_text_printf(GaText *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
extern void ga_text_truncate(GaText *text, size_t length);
/* Overwrites it: texts hold messages with their links, and passwords. */
extern void ga_text_free(GaText *text);
/* "" when nothing was appended */
extern const char *ga_text_string(const GaText *text);

/* Percent-encodes all but the unreserved characters of RFC 3986. */
extern void ga_text_put_url(GaText *text, const char *string);
/* A quoted string of RFC 5322 3.2.4, its quotes included. */
extern void ga_text_put_quoted(GaText *text, const char *string);
/* The inside of a JSON string. */
extern void ga_text_put_json(GaText *text, const char *string);

/*
 * Copies `length` bytes as valid UTF-8 without control characters, at most
 * size - 1 bytes, cut between characters, outer blanks trimmed.  Returns the
 * length.
 */
extern size_t ga_text_clean(const char *in, size_t length, char *out,
							size_t size);
/* As above, and without marks that change the direction of writing. */
extern size_t ga_text_clean_name(const char *in, char *out, size_t size);

/* Whether anything in it could end a header line or is no character at all. */
extern bool ga_text_is_header_safe(const char *string);
/* Whether all of it is characters. */
extern bool ga_text_is_utf8(const char *string);
extern bool ga_text_is_printable_ascii(const char *string);

#endif /* GA_COURIER_TEXT_H */
