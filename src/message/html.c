/*
 * html.c
 *		Text in HTML: no character of a caller's has a meaning there.
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
			case '\n':
				appendStringInfoString(out, "<br>\n");
				break;
			default:
				appendStringInfoChar(out, *text);
		}
	}
}
