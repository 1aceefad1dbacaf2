/*
 * outcome.c
 *		What became of one attempt, as the courier builds it.
 */
#include "courier/outcome.h"

#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/shared/hex.h"
#include "base/shared/utf8.h"

/* A shorter secret, or piece of one, would eat ordinary words. */
#define SECRET_MIN 4

void
ga_outcome_set(GaOutcome *outcome, GaVerdict verdict, const char *code,
			   const char *detail)
{
	outcome->verdict = verdict;
	ga_text_clean(code, strlen(code), outcome->code, sizeof(outcome->code));
	ga_text_clean(detail, strlen(detail), outcome->detail,
				  sizeof(outcome->detail));
}

void
ga_outcome_setf(GaOutcome *outcome, GaOutcomeClass class, const char *code,
				const char *format, ...)
{
	char detail[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	ga_outcome_set(outcome, (GaVerdict){class, 0, -1}, code, detail);
}

void
ga_outcome_set_no_try(GaOutcome *outcome, const char *why)
{
	ga_outcome_reset(outcome);
	ga_outcome_set(outcome,
				   (GaVerdict){GA_OUTCOME_RETRY, GA_OUTCOME_NO_TRY, -1},
				   "courier", why);
}

void
ga_outcome_set_message_id(GaOutcome *outcome, const char *id)
{
	ga_text_clean(id, strlen(id), outcome->message_id,
				  sizeof(outcome->message_id));
}

/* Whether two hexadecimal digits follow that mean this byte. */
static bool
is_hex_of(const char *digits, unsigned char byte)
{
	return ga_hex_value(digits[0]) == byte >> 4 &&
		   ga_hex_value(digits[1]) == (byte & 15);
}

/* Of HTML, where a page of errors quotes the request; 0: another byte. */
static size_t
html_spelling(const char *text, unsigned char byte)
{
	static const struct
	{
		char byte;
		const char *name;
	} entities[] = {{'&', "&amp;"},	  {'<', "&lt;"},	{'>', "&gt;"},
					{'"', "&quot;"},  {'"', "&#34;"},	{'\'', "&#39;"},
					{'\'', "&#x27;"}, {'\'', "&#039;"}, {'/', "&#x2F;"}};

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
		if (entities[i].byte == (char) byte &&
			strncmp(text, entities[i].name, strlen(entities[i].name)) == 0)
			return strlen(entities[i].name);
	return 0;
}

static int32_t
read_escape(const char *text)
{
	int32_t unit = 0;

	if (text[0] != '\\' || text[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++)
	{
		if (ga_hex_value(text[i]) < 0)
			return -1;
		unit = unit << 4 | ga_hex_value(text[i]);
	}
	return unit;
}

/*
 * A letter beyond ASCII as JSON may spell it, one or two units of UTF-16; 0: it
 * is not there.  *bytes: how long it is in the secret.
 */
static size_t
escaped_letter(const char *text, const char *secret, size_t *bytes)
{
	const char *next = secret;
	int32_t letter;
	int32_t unit = read_escape(text);

	if ((unsigned char) *secret < 0x80 || unit < 0)
		return 0;
	letter = ga_utf8_next(&next, secret + strlen(secret));
	*bytes = (size_t) (next - secret);
	if (letter == unit)
		return 6;
	if (letter >= 0x10000 && unit == 0xD800 + ((letter - 0x10000) >> 10) &&
		read_escape(text + 6) == 0xDC00 + ((letter - 0x10000) & 0x3FF))
		return 12;
	return 0;
}

/* How much of `text` this byte takes as it stands in a URL, a form or JSON; 0:
 * another byte is there. */
static size_t
spelling(const char *text, unsigned char byte)
{
	if (*text == '%' && is_hex_of(text + 1, byte))
		return 3;
	if (strncmp(text, "\\u00", 4) == 0 && is_hex_of(text + 4, byte))
		return 6;
	if (*text == '\\' && (unsigned char) text[1] == byte)
		return 2;
	if (*text == '&' && html_spelling(text, byte) > 0)
		return html_spelling(text, byte);
	return (unsigned char) *text == byte || (*text == '+' && byte == ' ');
}

/* The end, or an escape that the end cut off. */
static bool
is_end(const char *text)
{
	return *text == '\0' || (*text == '%' && strlen(text) < 3) ||
		   (*text == '\\' && strlen(text) < 6) ||
		   (*text == '&' && strlen(text) < 6);
}

/*
 * How much of `text` is the secret, or as much of it as the end of a quotation
 * left; 0: it does not begin here.
 */
static size_t
match(const char *text, const char *secret, bool spelt)
{
	size_t at = 0;

	for (size_t i = 0, bytes = 1; secret[i]; i += bytes)
	{
		size_t taken = spelt ? spelling(text + at, (unsigned char) secret[i])
							 : text[at] == secret[i];

		bytes = 1;
		if (taken == 0 && spelt)
			taken = escaped_letter(text + at, secret + i, &bytes);
		if (taken == 0)
			return i >= SECRET_MIN && is_end(text + at) ? at + strlen(text + at)
														: 0;
		at += taken;
	}
	return at;
}

static void
hide(char *text, const char *secret)
{
	for (; *text; text++)
	{
		size_t length = match(text, secret, false);

		if (length == 0)
			length = match(text, secret, true);
		if (length == 0)
			continue;
		memcpy(text, "***", 3);
		memmove(text + 3, text + length, strlen(text + length) + 1);
		text += 2;
	}
}

void
ga_outcome_hide_in(char *text, const char *secret)
{
	if (secret != NULL && strlen(secret) >= SECRET_MIN)
		hide(text, secret);
}

void
ga_outcome_hide(GaOutcome *outcome, const char *secret)
{
	if (secret == NULL || strlen(secret) < SECRET_MIN)
		return;
	hide(outcome->code, secret);
	hide(outcome->detail, secret);
	hide(outcome->message_id, secret);
}

void
ga_outcome_reset(GaOutcome *outcome)
{
	outcome->verdict = (GaVerdict){GA_OUTCOME_UNCERTAIN, 0, -1};
	outcome->elapsed_us = 0;
	outcome->code[0] = '\0';
	outcome->detail[0] = '\0';
	outcome->message_id[0] = '\0';
	ga_text_truncate(&outcome->captured, 0);
}

static GaSlice
slice(const char *string)
{
	return (GaSlice){string, (uint32_t) strlen(string)};
}

void
ga_outcome_put(GaBuffer *out, uint64_t job_id, const GaOutcome *outcome)
{
	GaOutcomeFrame frame = {
		.job_id = job_id,
		.outcome = outcome->verdict.outcome,
		.flags = outcome->verdict.flags,
		.retry_after_ms = outcome->verdict.retry_after_ms,
		.elapsed_us = outcome->elapsed_us,
		.code = slice(outcome->code),
		.detail = slice(outcome->detail),
		.message_id = slice(outcome->message_id),
		.captured = {outcome->captured.data,
					 (uint32_t) outcome->captured.length},
	};

	/* Only a lack of memory can fail, and then the frame must not be lost. */
	if (!ga_wire_put_outcome(out, &frame))
		abort();
}
