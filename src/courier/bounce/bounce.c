/*
 * bounce.c
 *		Reading a mail that came back: delivery status notifications (RFC 3464,
 *		6533), complaints (RFC 5965) and what mail servers write in prose.
 *
 * The order of reading, and what is told of it.  Its own head first (own_head), then
 * its parts (mime_parts), which hold a report (delivery_status, feedback) and the
 * mail that came back (returned_head); where there is no report its text is read
 * (unstructured).  All of them write down what they find (findings, recipient).
 *
 * GMime takes the mail apart and decodes its parts; the fields inside the
 * reports are read by us (fields), by rules as lenient as those who write them need.
 * Whatever else comes (vacation replies, spam) is of kind "other"; whether a mail
 * server sent it and whether it looks like somebody's automatic reply stands
 * beside, so that one which proves to be about a message of ours is not lost for
 * its form.  Says what the mail claims and must never decide what is true of it:
 * that is for who holds the secret.
 */
#include "courier/bounce/bounce.h"

#include <stdbool.h>
#include <string.h>

#include "courier/bounce/feedback.h"
#include "courier/bounce/findings.h"
#include "courier/bounce/mime_parts.h"
#include "courier/bounce/own_head.h"
#include "courier/bounce/unstructured.h"
#include "courier/text.h"

/* The action that counts most of all recipients. */
static const char *
judge(const GaBounceFindings *findings)
{
	static const char *const kinds[] = {"failed", "delayed", "delivered",
										"relayed", "expanded"};
	size_t index;
	json_t *recipient;

	if (*findings->feedback_type)
		return ga_bounce_feedback_kind(findings->feedback_type);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		json_array_foreach(findings->recipients, index, recipient)
		{
			if (strcmp(ga_bounce_get_string(recipient, "action"), kinds[i]) ==
				0)
				return kinds[i];
		}
	return "other";
}

/* A mailbox file's separator is no field; some deliver it with the mail. */
static size_t
skip_separator(const char *mail, size_t length)
{
	const char *newline;

	if (length < 6 ||
		(strncmp(mail, "From ", 5) != 0 && strncmp(mail, ">From ", 6) != 0))
		return 0;
	newline = memchr(mail, '\n', length);
	return newline ? (size_t) (newline - mail) + 1 : length;
}

static json_t *
describe(const GaBounceFindings *findings)
{
	json_t *object =
		json_pack("{s:s, s:O, s:O}", "kind", judge(findings), "recipients",
				  findings->recipients, "to", findings->addresses);
	const char *id =
		*findings->message_id ? findings->message_id : findings->referred_id;

	ga_bounce_set_string(object, "envelope_id", findings->envelope_id);
	ga_bounce_set_string(object, "message_id", id);
	ga_bounce_set_string(object, "feedback_type", findings->feedback_type);
	ga_bounce_set_string(object, "from", findings->from);
	ga_bounce_set_string(object, "subject", findings->subject);
	json_object_set_new(
		object, "is_by_server",
		json_boolean(ga_bounce_own_head_is_by_server(findings)));
	json_object_set_new(object, "is_prose",
						json_boolean(findings->is_by_prose));
	return object;
}

json_t *
ga_bounce_read(const char *mail, size_t length)
{
	GaBounceFindings findings = {.recipients = json_array(),
								 .addresses = json_array()};
	size_t skip = skip_separator(mail, length);
	json_t *object = NULL;

	mail += skip;
	length -= skip;
	if (length > GA_BOUNCE_MAX)
		length = GA_BOUNCE_MAX;
	ga_bounce_own_head_read(&findings, mail, length);
	if (findings.fields > 0)
	{
		ga_bounce_mime_parts_read(&findings, mail, length);
		if (json_array_size(findings.recipients) == 0 &&
			*findings.feedback_type == '\0')
			ga_bounce_unstructured_read(&findings);
		object = describe(&findings);
	}
	ga_text_free(&findings.prose);
	json_decref(findings.recipients);
	json_decref(findings.addresses);
	return object;
}
