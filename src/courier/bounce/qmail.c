/*
 * qmail.c
 *		qmail's bounces: QSBMF, https://cr.yp.to/proto/qsbmf.txt.
 *
 * Must never read a recipient behind the line that begins with a dash: there begins
 * the mail that came back.
 */
#include "courier/bounce/qmail.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "courier/bounce/recipient.h"
#include "courier/bounce/returned_head.h"
#include "courier/text.h"

/* "<address>:" and why, up to the next one; one line of it is enough to know. */
static void
read_qmail_recipient(GaBounceFindings *findings, const char *text,
					 size_t length)
{
	const char *end = memchr(text, '>', length);
	json_t *recipient = ga_bounce_recipient_current(findings);
	GaText words = {0};

	ga_text_append(&words, text + 1, (size_t) (end - text - 1));
	ga_bounce_set_string(recipient, "final", ga_text_string(&words));
	ga_text_truncate(&words, 0);
	for (const char *c = end + 2; c < text + length; c++)
		ga_text_putc(&words, isspace((unsigned char) *c) ? ' ' : *c);
	json_object_set_new(recipient, "action", json_string("failed"));
	ga_bounce_set_string(recipient, "diagnostic", ga_text_string(&words));
	ga_text_free(&words);
	ga_bounce_recipient_finish(findings);
}

static bool
is_qmail_recipient(const char *line)
{
	size_t length = *line == '<' ? strcspn(line, ">\n") : 0;

	return length > 1 && line[length] == '>' && line[length + 1] == ':';
}

/* Where a line begins that ends a recipient's words: a blank one, the next. */
static const char *
end_of_qmail_recipient(const char *text)
{
	while ((text = strchr(text, '\n')) != NULL)
	{
		text++;
		if (*text == '\0' || *text == '\n' || *text == '-' ||
			is_qmail_recipient(text))
			return text;
	}
	return NULL;
}

/*
 * https://cr.yp.to/proto/qsbmf.txt: a greeting, the recipients, and a line that
 * begins with a dash, behind which the mail follows.  The blank lines between
 * them get lost on the way.
 */
void
ga_bounce_qmail_read(GaBounceFindings *findings, const char *text)
{
	while (text && *text)
	{
		const char *end = strchr(text, '\n');

		if (is_qmail_recipient(text))
		{
			end = end_of_qmail_recipient(text);
			read_qmail_recipient(findings, text,
								 end ? (size_t) (end - text) : strlen(text));
		}
		else if (*text == '-')
		{
			text += strcspn(text, "\n");
			ga_bounce_returned_head_read(findings, text, strlen(text));
			return;
		}
		else if (end)
			end++;
		text = end;
	}
}
