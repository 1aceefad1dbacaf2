/*
 * delivery_status.c
 *		The fields of a delivery status notification (RFC 3464, 6533).
 *
 * A block about the message, then one for each recipient.  Must never take an action
 * that is none of the five of RFC 3464 2.3.3, whatever word stands for it.
 */
#include "courier/bounce/delivery_status.h"

#include <string.h>
#include <strings.h>

#include "courier/bounce/fields.h"
#include "courier/bounce/recipient.h"

/*
 * The five actions of RFC 3464 2.3.3, and what others write instead.  "deliverable"
 * answers a mere question, so that nothing was delivered.
 */
static const char *
action_of(const char *word)
{
	static const char *const words[][2] = {
		{"fail", "failed"},			{"expired", "failed"},
		{"undeliver", "failed"},	{"reject", "failed"},
		{"bounce", "failed"},		{"return", "failed"},
		{"error", "failed"},		{"delay", "delayed"},
		{"defer", "delayed"},		{"deliverable", "relayed"},
		{"delivered", "delivered"}, {"relayed", "relayed"},
		{"expanded", "expanded"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncasecmp(word, words[i][0], strlen(words[i][0])) == 0)
			return words[i][1];
	return NULL;
}

/* Behind the type of an address or of a diagnosis: "rfc822; a@b". */
static const char *
behind_type(const char *value)
{
	size_t type = strcspn(value, "; \t");

	if (value[type] != ';')
		return value;
	value += type + 1;
	return value + strspn(value, " \t");
}

static void
take_status_field(GaBounceFindings *findings, const char *name,
				  const char *value)
{
	if (strcasecmp(name, "Original-Envelope-Id") == 0)
		ga_bounce_copy_id(findings->envelope_id, sizeof(findings->envelope_id),
						  value);
	else if (strcasecmp(name, "X-Postfix-Sender") == 0)
		ga_bounce_add_addresses(findings, value);
	else if (strcasecmp(name, "Final-Recipient") == 0)
	{
		/* Blank lines between recipients may be missing. */
		if (*ga_bounce_get_string(ga_bounce_recipient_current(findings),
								  "final"))
			ga_bounce_recipient_finish(findings);
		ga_bounce_recipient_set_address(ga_bounce_recipient_current(findings),
										"final", behind_type(value));
	}
	else if (strcasecmp(name, "Original-Recipient") == 0)
		ga_bounce_recipient_set_address(ga_bounce_recipient_current(findings),
										"original", behind_type(value));
	else if (strcasecmp(name, "Action") == 0)
	{
		const char *action = action_of(value);

		if (action)
			ga_bounce_set_string(ga_bounce_recipient_current(findings),
								 "action", action);
	}
	else if (strcasecmp(name, "Status") == 0)
		ga_bounce_recipient_set_status(ga_bounce_recipient_current(findings),
									   value);
	else if (strcasecmp(name, "Diagnostic-Code") == 0)
		ga_bounce_set_string(ga_bounce_recipient_current(findings),
							 "diagnostic", behind_type(value));
}

void
ga_bounce_delivery_status_read(GaBounceFindings *findings, const char *text,
							   size_t length)
{
	size_t at = 0;

	while (at < length)
	{
		at += ga_bounce_fields_read(findings, text + at, length - at,
									take_status_field);
		ga_bounce_recipient_finish(findings);
	}
}
