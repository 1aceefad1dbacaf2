/*
 * feedback.c
 *		The fields of a feedback report (RFC 5965): somebody complained.
 *
 * Must never take for a complaint what is about authentication, says that the mail
 * is no spam, or does not tell what it is.
 */
#include "courier/bounce/feedback.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "courier/bounce/fields.h"
#include "courier/bounce/recipient.h"

/* The type of a report that tells none, so that it counts as a report all the same. */
static const char untold[] = "none";

/* Behind blanks and comments, which may hold others: RFC 5322 3.2.2. */
static const char *
skip_comments(const char *value)
{
	int depth = 0;

	for (; *value && (depth > 0 || strchr(" \t(", *value)); value++)
	{
		if (*value == '\\' && value[1] != '\0')
			value++;
		else if (*value == '(')
			depth++;
		else if (*value == ')')
			depth--;
	}
	return value;
}

/* The type alone, without comments, quotes and what else stands beside it. */
static void
take_type(GaBounceFindings *findings, const char *value)
{
	char type[sizeof(findings->feedback_type)];

	value = skip_comments(value);
	value += *value == '"';
	snprintf(type, sizeof(type), "%.*s", (int) strcspn(value, " \t(),;\""),
			 value);
	ga_bounce_copy(findings->feedback_type, sizeof(findings->feedback_type),
				   type);
}

static void
take_feedback_field(GaBounceFindings *findings, const char *name,
					const char *value)
{
	if (strcasecmp(name, "Feedback-Type") == 0)
		take_type(findings, value);
	else if (strcasecmp(name, "Original-Envelope-Id") == 0)
		ga_bounce_copy_id(findings->envelope_id, sizeof(findings->envelope_id),
						  value);
	else if (strcasecmp(name, "Original-Mail-From") == 0)
		ga_bounce_add_addresses(findings, value);
	else if (strcasecmp(name, "Original-Rcpt-To") == 0)
	{
		ga_bounce_recipient_finish(findings);
		ga_bounce_recipient_set_address(ga_bounce_recipient_current(findings),
										"final", value);
	}
}

void
ga_bounce_feedback_read(GaBounceFindings *findings, const char *text,
						size_t length)
{
	ga_bounce_fields_read(findings, text, length, take_feedback_field);
	ga_bounce_copy(findings->feedback_type, sizeof(findings->feedback_type),
				   untold);
}

const char *
ga_bounce_feedback_kind(const char *feedback_type)
{
	static const char *const harmless[] = {"not-spam", "auth-failure", "dmarc",
										   untold};

	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (strcasecmp(feedback_type, harmless[i]) == 0)
			return "other";
	return "complaint";
}
