/*
 * unstructured.c
 *		Bounces that hold no report: qmail's, Exim's header, and notices in prose.
 *
 * qmail and Exim are known by a mark of their own.  Must never read other prose unless
 * a mail server sent it: a person may write of codes and failures as well.
 */
#include "courier/bounce/unstructured.h"

#include <stdio.h>
#include <string.h>

#include "base/shared/mail_status.h"
#include "courier/bounce/bounce_prose.h"
#include "courier/bounce/own_head.h"
#include "courier/bounce/qmail.h"
#include "courier/bounce/recipient.h"
#include "courier/bounce/returned_head.h"
#include "courier/text.h"

static void
read_exim(GaBounceFindings *findings)
{
	const char *start = NULL;
	const char *text = ga_text_string(&findings->prose);
	char first[GA_BOUNCE_VALUE_SIZE];
	json_t *recipient = ga_bounce_recipient_current(findings);

	snprintf(first, sizeof(first), "%.*s",
			 (int) strcspn(findings->failed_recipients, ", "),
			 findings->failed_recipients);
	ga_bounce_set_string(recipient, "final", first);
	json_object_set_new(recipient, "action", json_string("failed"));
	if (ga_mail_status_find(text, &start) > 0 && *start == '5')
		ga_bounce_recipient_set_status(recipient, text);
	ga_bounce_recipient_finish(findings);
}

/* Sendmail of old, Yahoo, Domino and others who write what they like. */
static void
read_notice(GaBounceFindings *findings)
{
	GaProseNotice notice;
	json_t *recipient;
	GaText line = {0};

	if (!ga_prose_read(findings->subject, ga_text_string(&findings->prose),
					   &notice))
		return;
	recipient = ga_bounce_recipient_current(findings);
	json_object_set_new(recipient, "action",
						json_string(notice.is_delay ? "delayed" : "failed"));
	if (notice.line_length > 0)
	{
		ga_text_append(&line, notice.line, notice.line_length);
		ga_bounce_set_string(recipient, "diagnostic", ga_text_string(&line));
		ga_bounce_recipient_set_status(recipient, ga_text_string(&line));
	}
	ga_text_free(&line);
	ga_bounce_recipient_finish(findings);
	if (notice.returned)
		ga_bounce_returned_head_read(findings, notice.returned,
									 strlen(notice.returned));
}

void
ga_bounce_unstructured_read(GaBounceFindings *findings)
{
	static const char greeting[] = "Hi. This is the ";
	const char *text = ga_text_string(&findings->prose);

	text += strspn(text, " \t\n");
	if (strncmp(text, greeting, strlen(greeting)) == 0)
		ga_bounce_qmail_read(findings, text);
	else if (*findings->failed_recipients)
		read_exim(findings);
	else if (ga_bounce_own_head_is_by_server(findings))
		read_notice(findings);
}
