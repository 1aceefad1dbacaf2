/*
 * html.h
 *		Text on its way into HTML.
 */
#ifndef GA_MESSAGE_HTML_H
#define GA_MESSAGE_HTML_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* As text between tags or as the value of a quoted attribute. */
extern void ga_html_escape(StringInfo out, const char *text);
/* The same between tags; a line end becomes <br>. */
extern void ga_html_escape_lines(StringInfo out, const char *text);

#endif /* GA_MESSAGE_HTML_H */
