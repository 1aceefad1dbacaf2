/*
 * unstructured.c
 *		Bounces that hold no report: what mail servers write in prose.
 *
 * Which message came back its token tells, wherever it stands.  The prose tells what
 * the token cannot: whether the server still tries, why the mail failed, and whom
 * it was for, since a mail that was forwarded says nothing of our contact.  Must
 * never be read unless a mail server sent it: a person may write of codes and
 * failures as well.
 */
#include "courier/bounce/unstructured.h"

#include <stdio.h>
#include <string.h>

#include "courier/bounce/bounce_prose.h"
#include "courier/bounce/own_head.h"
#include "courier/bounce/recipient.h"
#include "courier/bounce/returned_head.h"
#include "courier/text.h"

/* As the text says, else as Exim's header does. */
static void
set_final(GaBounceFindings *findings, const GaProseNotice *notice)
{
	const char *address = findings->failed_recipients;
	size_t length = strcspn(address, ", ");
	GaText final = {0};

	if (notice->address != NULL)
	{
		address = notice->address;
		length = notice->address_length;
	}
	ga_text_append(&final, address, length);
	ga_bounce_set_string(ga_bounce_recipient_current(findings), "final",
						 ga_text_string(&final));
	ga_text_free(&final);
}

void
ga_bounce_unstructured_read(GaBounceFindings *findings)
{
	GaProseNotice notice;
	bool is_notice;
	json_t *recipient;
	GaText line = {0};

	if (!ga_bounce_own_head_may_be_by_server(findings))
		return;
	is_notice = ga_prose_read(findings->subject,
							  ga_text_string(&findings->prose), &notice);
	findings->shows_failure |= notice.is_plain;
	if (!is_notice || !ga_bounce_own_head_is_by_server(findings))
		return;
	findings->is_by_prose = true;
	recipient = ga_bounce_recipient_current(findings);
	json_object_set_new(recipient, "action",
						json_string(notice.is_passed  ? "relayed"
									: notice.is_delay ? "delayed"
													  : "failed"));
	set_final(findings, &notice);
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
