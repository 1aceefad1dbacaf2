/*
 * header_words.c
 *		Encoded words (RFC 2047), quoted strings (RFC 5322) and plain ones.
 *
 * GMime's own encoder makes words of up to 170 characters, which relays refuse,
 * and leaves alone what looks encoded already.
 */
#include "courier/smtp/header_words.h"

#include <ctype.h>
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "base/shared/utf8.h"

/* RFC 2047 2: an encoded word with everything that belongs to it. */
#define WORD_MAX 75
/* The first one of a value shares its line with "Reply-To: ". */
#define FIRST_WORD_MAX 64
/* A longer plain word would not leave room for folding. */
#define PLAIN_WORD_MAX 60
#define FRAME_LENGTH 12 /* =?utf-8?Q? and ?= */

/* RFC 2047 5 (3): what an encoded word in a phrase may hold as it is. */
static bool
is_q_safe(char c)
{
	return g_ascii_isalnum(c) || (c != '\0' && strchr("!*+-/", c) != NULL);
}

static size_t
q_length(const char *text, size_t length)
{
	size_t cost = 0;

	for (size_t i = 0; i < length; i++)
		cost += is_q_safe(text[i]) || text[i] == ' ' ? 1 : 3;
	return cost;
}

static size_t
b_length(size_t length)
{
	return (length + 2) / 3 * 4;
}

/* As many whole characters as fit into so much encoded text; one at least. */
static size_t
take_characters(const char *text, size_t length, bool base64, size_t room)
{
	const char *end = text + length;
	size_t taken = 0;

	while (taken < length)
	{
		const char *next = text + taken;
		size_t with;

		(void) ga_utf8_next(&next, end);
		with = (size_t) (next - text);
		if (taken > 0 &&
			(base64 ? b_length(with) : q_length(text, with)) > room)
			break;
		taken = with;
	}
	return taken;
}

static void
put_word(GaText *out, const char *text, size_t length, bool base64)
{
	gchar *encoded;

	ga_text_puts(out, base64 ? "=?utf-8?B?" : "=?utf-8?Q?");
	if (base64)
	{
		encoded = g_base64_encode((const guchar *) text, length);
		ga_text_puts(out, encoded);
		g_free(encoded);
	}
	for (size_t i = 0; i < length && !base64; i++)
		if (text[i] == ' ')
			ga_text_putc(out, '_');
		else if (is_q_safe(text[i]))
			ga_text_putc(out, text[i]);
		else
			ga_text_printf(out, "=%02X", (unsigned char) text[i]);
	ga_text_puts(out, "?=");
}

/* As many encoded words as it takes; blanks between those do not count. */
static void
put_encoded(GaText *out, const char *text, size_t length, bool is_first)
{
	bool base64 = b_length(length) < q_length(text, length);
	size_t max = is_first ? FIRST_WORD_MAX : WORD_MAX;

	while (length > 0)
	{
		size_t taken =
			take_characters(text, length, base64, max - FRAME_LENGTH);

		put_word(out, text, taken, base64);
		text += taken;
		length -= taken;
		max = WORD_MAX;
		if (length > 0)
			ga_text_putc(out, ' ');
	}
}

static bool
is_printable(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

static bool
looks_encoded(const char *text, size_t length)
{
	return memmem(text, length, "=?", 2) != NULL;
}

static bool
must_encode(const char *word, size_t length)
{
	return length > PLAIN_WORD_MAX || !is_printable(word, length) ||
		   looks_encoded(word, length);
}

/* The length of a run of words that must be encoded, blanks between them. */
static size_t
run_length(const char *text)
{
	size_t length = 0;

	for (;;)
	{
		size_t blanks = strspn(text + length, " ");
		size_t word = strcspn(text + length + blanks, " ");

		if (word == 0 || !must_encode(text + length + blanks, word))
			return length;
		length += blanks + word;
	}
}

void
ga_header_put_text(GaText *out, const char *text)
{
	bool is_first = true;

	while (*text)
	{
		size_t blanks = strspn(text, " ");
		size_t run;

		ga_text_append(out, text, blanks);
		text += blanks;
		run = run_length(text);
		if (run > 0)
			put_encoded(out, text, run, is_first);
		else
		{
			run = strcspn(text, " ");
			ga_text_append(out, text, run);
		}
		text += run;
		is_first = false;
	}
}

/* Words of letters and digits are a phrase as they are. */
static bool
is_plain_phrase(const char *name)
{
	for (; *name; name++)
		if (!g_ascii_isalnum(*name) && *name != ' ')
			return false;
	return true;
}

static size_t
longest_word(const char *name)
{
	size_t longest = 0;
	size_t length = 0;

	for (; *name; name++)
	{
		length =
			*name == ' ' ? 0 : length + 1 + (*name == '"' || *name == '\\');
		if (length > longest)
			longest = length;
	}
	return longest;
}

void
ga_header_put_phrase(GaText *out, const char *name)
{
	size_t length = strlen(name);

	/* Readers decode within quotes, too, although they should not. */
	if (!is_printable(name, length) || looks_encoded(name, length) ||
		longest_word(name) > PLAIN_WORD_MAX)
		put_encoded(out, name, length, true);
	else if (is_plain_phrase(name))
		ga_text_puts(out, name);
	else
		ga_text_put_quoted(out, name);
}

bool
ga_header_break_encoded(const char *in, char *out, size_t size)
{
	bool changed = false;
	size_t used = 0;

	while (*in && used + 2 < size)
	{
		bool breaks = in[0] == '=' && in[1] == '?';

		out[used++] = *in++;
		if (breaks)
			out[used++] = ' ';
		changed |= breaks;
	}
	/* Not in the middle of a character. */
	if (*in)
		while (used > 0 && ((unsigned char) *in & 0xC0) == 0x80)
		{
			in--;
			used--;
		}
	out[used] = '\0';
	return changed;
}
