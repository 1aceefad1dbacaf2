/*
 * text.c
 *		One pass over a text: its length, its ends, what the policy refuses.
 *
 * White space at the ends is dropped before anything is judged, so a line feed
 * copied along with a name is no fault.  Inside the text every control
 * character is one: names end up in mail headers, in SMS and in logs.  The two
 * direction overrides turn round what follows them, a link for example, and
 * are refused everywhere; embeddings and isolates are honest in prose.
 *
 * Never allocates, never reads past the length given.
 */
#include "request/text.h"

#include <string.h>

#include "base/shared/utf8.h"

/* what a byte outside the encoding counts as */
#define REPLACEMENT 0xFFFD

static bool
is_white(uint32_t code)
{
	if (code < 0x80)
		return code == ' ' || (code >= '\t' && code <= '\r');
	/* Unicode property White_Space */
	return code == 0x85 || code == 0xA0 || code == 0x1680 ||
		   (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
		   code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

/* A name of characters without a shape alone is blank; so is Braille's empty cell. */
static bool
is_visible(uint32_t code)
{
	if (code < 0x80)
		return code > 0x20 && code != 0x7F;
	return !ga_utf8_is_ignorable((int32_t) code) && code != 0x2800;
}

static bool
is_refused(uint32_t code, GaTextPolicy policy)
{
	bool multi_line = policy == GA_TEXT_MULTI_LINE;

	if (code < 0x20)
		return !(multi_line && (code == '\n' || code == '\r' || code == '\t'));
	if (code < 0x7F)
		return false;
	if (code < 0xA0 || code == 0x2028 || code == 0x2029)
		return true;
	if (code == 0x202D || code == 0x202E)
		return true;
	/* Copied along with it; whoever reads the address takes them off. */
	if (policy == GA_TEXT_ADDRESS)
		return false;
	if (!multi_line)
		return (code >= 0x202A && code <= 0x202C) ||
			   (code >= 0x2066 && code <= 0x2069);
	return false;
}

/*
 * The character at `text`; its width in bytes goes to `width`.  A byte that
 * belongs to no character stands for itself alone, so it hides nothing.
 */
static uint32_t
decode(const char *text, const char *end, size_t *width)
{
	const char *next = text;
	int32_t character;

	*width = 1;
	if ((unsigned char) *text < 0x80)
		return (unsigned char) *text;
	character = ga_utf8_next(&next, end);
	*width = (size_t) (next - text);
	return character < 0 ? REPLACEMENT : (uint32_t) character;
}

/* How many characters of ASCII that are seen stand there: no policy refuses one. */
static size_t
plain_length(const char *text, size_t length)
{
	size_t i = 0;

	while (i < length && text[i] > ' ' && text[i] < 0x7F)
		i++;
	return i;
}

void
ga_text_scan(const char *text, size_t length, GaTextPolicy policy,
			 GaTextScan *scan)
{
	size_t chars = 0;
	uint32_t pending = 0; /* refused white space, if more text follows */
	bool started = false;
	size_t width;

	memset(scan, 0, sizeof(*scan));
	/* Nearly all texts begin so, and most are nothing else. */
	chars = plain_length(text, length);
	if (chars > 0)
	{
		started = scan->is_visible = true;
		scan->chars = scan->end = chars;
	}
	for (size_t i = chars; i < length; i += width)
	{
		uint32_t code = decode(text + i, text + length, &width);
		bool refused = is_refused(code, policy);

		if (is_white(code))
		{
			if (!started)
				continue;
			if (code == '\r')
				scan->has_cr = true;
			if (refused && pending == 0)
				pending = code;
			if (!(code == '\n' && text[i - 1] == '\r'))
				chars++;
			continue;
		}
		if (!started)
			scan->start = i;
		started = true;
		if (scan->refused == 0)
			scan->refused = pending != 0 ? pending : refused ? code : 0;
		if (!scan->is_visible)
			scan->is_visible = is_visible(code);
		scan->chars = ++chars;
		scan->end = i + width;
	}
}

void
ga_text_tidy(const char *text, const GaTextScan *scan, char *out)
{
	if (!scan->has_cr)
	{
		memcpy(out, text + scan->start, scan->end - scan->start);
		out[scan->end - scan->start] = '\0';
		return;
	}
	for (size_t i = scan->start; i < scan->end; i++)
	{
		if (text[i] != '\r')
			*out++ = text[i];
		else if (i + 1 >= scan->end || text[i + 1] != '\n')
			*out++ = '\n';
	}
	*out = '\0';
}
