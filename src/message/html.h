/*
 * html.h
 *		Text in HTML.
 */
#ifndef GA_MESSAGE_HTML_H
#define GA_MESSAGE_HTML_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* Appends `text` as content or as a quoted attribute; a line end becomes <br>. */
extern void ga_html_escape(StringInfo out, const char *text);

#endif /* GA_MESSAGE_HTML_H */
