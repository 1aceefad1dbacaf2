/*
 * returned_head.c
 *		The head of the mail that came back: which message of ours it was.
 *
 * It stands in a part of its own, or behind what a mail server wrote.  Must never
 * add a recipient: whom it names we wrote ourselves, no mail server did.
 */
#include "courier/bounce/returned_head.h"

#include <strings.h>

#include "courier/bounce/fields.h"

static void
take_returned_field(GaBounceFindings *findings, const char *name,
					const char *value)
{
	if (strcasecmp(name, "Message-ID") == 0)
		ga_bounce_copy_id(findings->message_id, sizeof(findings->message_id),
						  value);
	else if (strcasecmp(name, "Return-Path") == 0)
		ga_bounce_add_addresses(findings, value);
	/* Microsoft's junk mail reports hold the mail and no report. */
	else if (strcasecmp(name, "X-HmXmrOriginalRecipient") == 0)
		ga_bounce_copy(findings->feedback_type, sizeof(findings->feedback_type),
					   "abuse");
}

void
ga_bounce_returned_head_read(GaBounceFindings *findings, const char *text,
							 size_t length)
{
	ga_bounce_fields_read(findings, text, length, take_returned_field);
}
