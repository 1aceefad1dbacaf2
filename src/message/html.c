/*
 * html.c
 *		The one place where text becomes HTML.
 *
 * Every character that can end a text or a quoted attribute is replaced; an
 * attribute must be quoted, an unquoted one could be ended by a blank.
 */
#include "postgres.h"

#include "message/html.h"

void
ga_html_escape(StringInfo out, const char *text)
{
	for (; *text; text++)
	{
		switch (*text)
		{
			case '&':
				appendStringInfoString(out, "&amp;");
				break;
			case '<':
				appendStringInfoString(out, "&lt;");
				break;
			case '>':
				appendStringInfoString(out, "&gt;");
				break;
			case '"':
				appendStringInfoString(out, "&quot;");
				break;
			case '\'':
				appendStringInfoString(out, "&#39;");
				break;
			default:
				appendStringInfoChar(out, *text);
		}
	}
}

void
ga_html_escape_lines(StringInfo out, const char *text)
{
	const char *end;

	while ((end = strchr(text, '\n')) != NULL)
	{
		ga_html_escape(out, pnstrdup(text, end - text));
		appendStringInfoString(out, "<br>\n");
		text = end + 1;
	}
	ga_html_escape(out, text);
}
