/*
 * fields.c
 *		Fields as a head has them (RFC 5322), and reports too (RFC 3464, 5965).
 *
 * Lenient, since much software writes them by no rule.  Must never keep more than a
 * bounded part of a field, however long its lines are and however many.
 */
#include "courier/bounce/fields.h"

#include <stdbool.h>
#include <string.h>

#include "courier/text.h"

/* The length of a field's name in front of its colon; 0: this is none. */
static size_t
name_length(const char *line, size_t length)
{
	size_t at = 0;

	size_t colon;

	while (at < length && line[at] > ' ' && line[at] < 0x7F && line[at] != ':')
		at++;
	/* Blanks before the colon: RFC 5322 4.5.8. */
	colon = at;
	while (colon < length && (line[colon] == ' ' || line[colon] == '\t'))
		colon++;
	return at > 0 && at < 128 && colon < length && line[colon] == ':' ? at : 0;
}

static void
finish_field(GaBounceFindings *findings, GaText *field, GaBounceTakeField take)
{
	char *colon = field->length > 0 ? strchr(field->data, ':') : NULL;

	if (colon)
	{
		field->data[name_length(field->data, field->length)] = '\0';
		findings->fields++;
		take(findings, field->data, colon + 1 + strspn(colon + 1, " \t"));
	}
	ga_text_truncate(field, 0);
}

size_t
ga_bounce_fields_read(GaBounceFindings *findings, const char *text,
					  size_t length, GaBounceTakeField take)
{
	GaText field = {0};
	size_t at = 0;
	bool seen = false;

	while (at < length)
	{
		const char *line = text + at;
		const char *newline = memchr(line, '\n', length - at);
		size_t span = newline ? (size_t) (newline - line) : length - at;
		bool folded = span > 0 && (*line == ' ' || *line == '\t');

		at += span + (newline != NULL);
		while (span > 0 && (line[span - 1] == '\r' || line[span - 1] == '\0'))
			span--;
		if (span == 0)
		{
			/* Some begin with one. */
			if (seen)
				break;
			continue;
		}
		seen = true;
		if (!folded)
		{
			finish_field(findings, &field, take);
			if (name_length(line, span) == 0)
				continue;
		}
		else if (field.length == 0)
			continue;
		if (field.length < 8192)
			for (size_t i = 0; i < span && i < 4096; i++)
				ga_text_putc(&field, line[i] == '\0' ? '?' : line[i]);
	}
	finish_field(findings, &field, take);
	ga_text_free(&field);
	return at;
}
