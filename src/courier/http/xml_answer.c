/*
 * xml_answer.c
 *		The little of XML that providers' answers need.
 *
 * Looks for <Name>text</Name> and knows nothing of attributes, CDATA or
 * declarations: what it does not understand it passes over, and it never fails.
 */
#include "courier/http/xml_answer.h"

#include <stdbool.h>
#include <string.h>

#include "courier/text.h"

static const struct
{
	const char *name;
	char character;
} entities[] = {{"&lt;", '<'},
				{"&gt;", '>'},
				{"&amp;", '&'},
				{"&quot;", '"'},
				{"&apos;", '\''}};

static void
put_decoded(GaText *out, const char *text, const char *end)
{
	while (text < end)
	{
		size_t length = 0;

		for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
			if (strncmp(text, entities[i].name, strlen(entities[i].name)) == 0)
			{
				length = strlen(entities[i].name);
				ga_text_putc(out, entities[i].character);
			}
		if (length == 0)
			ga_text_putc(out, *text);
		text += length ? length : 1;
	}
}

/* Whether <name>value</name> begins at `open`; `value` ends at `close`. */
static bool
is_leaf(const char *open, size_t name, const char *close)
{
	return strncmp(close, "</", 2) == 0 &&
		   strncmp(close + 2, open + 1, name) == 0 && close[2 + name] == '>';
}

static void
add_leaf(json_t *object, const char *name, size_t length, const char *value,
		 const char *end)
{
	GaText key = {0};
	GaText decoded = {0};

	ga_text_append(&key, name, length);
	ga_text_append(&decoded, "", 0);
	put_decoded(&decoded, value, end);
	if (json_object_get(object, key.data) == NULL)
		json_object_set_new(object, key.data, json_string(decoded.data));
	ga_text_free(&key);
	ga_text_free(&decoded);
}

json_t *
ga_xml_answer_read(const char *text, size_t length)
{
	json_t *object = json_object();
	GaText copy = {0};
	const char *open;

	/* Ended by a zero byte, so that nothing below reads beyond it. */
	ga_text_append(&copy, text, length);
	for (open = strchr(copy.data, '<'); open; open = strchr(open + 1, '<'))
	{
		size_t name = strcspn(open + 1, "<>/ ");
		const char *value = open + 1 + name + 1;
		const char *close;

		if (name == 0 || open[1 + name] != '>')
			continue;
		close = strchr(value, '<');
		if (close && is_leaf(open, name, close))
			add_leaf(object, open + 1, name, value, close);
	}
	ga_text_free(&copy);
	return object;
}
