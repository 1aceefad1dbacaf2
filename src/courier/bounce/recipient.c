/*
 * recipient.c
 *		A recipient: what was tried for it, and with which status code (RFC 3463).
 *
 * What the mail left out is completed here from what it has.  Must never complete a
 * status by one of another class, nor replace an action that the mail tells.
 */
#include "courier/bounce/recipient.h"

#include <string.h>

#include "base/shared/mail_status.h"

/* What a hostile mail may cost. */
#define MAX_RECIPIENTS 20

void
ga_bounce_recipient_set_status(json_t *recipient, const char *text)
{
	const char *start;
	size_t length = ga_mail_status_find(text, &start);

	if (length > 0)
		json_object_set_new(recipient, "status", json_stringn(start, length));
}

/* The address alone, whatever stands around it: brackets, quotes, a name, a comment. */
void
ga_bounce_recipient_set_address(json_t *recipient, const char *name,
								const char *text)
{
	static const char around[] = " \t<>,;()\"'";
	char address[255];

	for (const char *at = text; *at; at += strspn(at, around))
	{
		size_t length = strcspn(at, around);

		if (length > 2 && length < sizeof(address) &&
			memchr(at + 1, '@', length - 2))
		{
			memcpy(address, at, length);
			address[length] = '\0';
			text = address;
			break;
		}
		at += length;
	}
	ga_bounce_set_string(recipient, name, text);
}

/* Who writes 5.0.0 quotes the true code in the words of the other server. */
static void
refine_status(json_t *recipient)
{
	const char *status = ga_bounce_get_string(recipient, "status");
	const char *diagnostic = ga_bounce_get_string(recipient, "diagnostic");
	const char *start;

	if (*status != '\0' && strcmp(status + 1, ".0.0") != 0)
		return;
	if (ga_mail_status_find(diagnostic, &start) > 0 &&
		(*status == '\0' || *status == *start))
		ga_bounce_recipient_set_status(recipient, diagnostic);
}

/* Who forgets the action, which is required, tells by the code. */
static void
infer_action(json_t *recipient)
{
	const char *status = ga_bounce_get_string(recipient, "status");

	if (*status == '\0' || *ga_bounce_get_string(recipient, "action") ||
		*ga_bounce_get_string(recipient, "final") == '\0')
		return;
	json_object_set_new(recipient, "action",
						json_string(*status == '5'	 ? "failed"
									: *status == '4' ? "delayed"
													 : "delivered"));
}

void
ga_bounce_recipient_finish(GaBounceFindings *findings)
{
	json_t *recipient = findings->current;

	findings->current = NULL;
	if (recipient == NULL)
		return;
	refine_status(recipient);
	infer_action(recipient);
	if (json_object_size(recipient) > 0 &&
		json_array_size(findings->recipients) < MAX_RECIPIENTS)
		json_array_append(findings->recipients, recipient);
	json_decref(recipient);
}

json_t *
ga_bounce_recipient_current(GaBounceFindings *findings)
{
	if (findings->current == NULL)
		findings->current = json_object();
	return findings->current;
}
