/*
 * feedback.c
 *		The fields of a feedback report (RFC 5965): somebody complained.
 *
 * Must never take for a complaint what is about authentication, or says that the
 * mail is no spam.
 */
#include "courier/bounce/feedback.h"

#include <strings.h>

#include "courier/bounce/fields.h"
#include "courier/bounce/recipient.h"

static void
take_feedback_field(GaBounceFindings *findings, const char *name,
					const char *value)
{
	if (strcasecmp(name, "Feedback-Type") == 0)
		ga_bounce_copy(findings->feedback_type, sizeof(findings->feedback_type),
					   value);
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
}

const char *
ga_bounce_feedback_kind(const char *feedback_type)
{
	static const char *const harmless[] = {"not-spam", "auth-failure", "dmarc"};

	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (strcasecmp(feedback_type, harmless[i]) == 0)
			return "other";
	return "complaint";
}
