/*
 * recipient.c
 *		A recipient: what was tried for it, and with which status code (RFC 3463).
 *
 * What the mail left out is completed here from what it has.  Must never complete a
 * status by one of another class, nor replace an action that the mail tells.
 */
#include "courier/bounce/recipient.h"

#include <glib.h>
#include <stdlib.h>
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

/* "@relay.example:ann@example.org": the way it took, RFC 5321 C. */
static void
drop_route(char *address)
{
	const char *colon = *address == '@' ? strrchr(address, ':') : NULL;

	if (colon)
		memmove(address, colon + 1, strlen(colon + 1) + 1);
}

/* "j\x{FC}rgen@example.org" where the report is in ASCII: RFC 6533 3. */
static void
decode_unicode(char *address)
{
	char *out = address;

	while (*address)
	{
		char *end = NULL;
		unsigned long character = 0;

		if (strncmp(address, "\\x{", 3) == 0 && g_ascii_isxdigit(address[3]))
			character = strtoul(address + 3, &end, 16);
		/* Never longer than what stood there. */
		if (end && *end == '}' && character <= 0x10FFFF &&
			g_unichar_validate((gunichar) character) && character > 0x20)
		{
			out += g_unichar_to_utf8((gunichar) character, out);
			address = end + 1;
		}
		else
			*out++ = *address++;
	}
	*out = '\0';
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
			drop_route(address);
			decode_unicode(address);
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
