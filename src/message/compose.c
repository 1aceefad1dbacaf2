/*
 * compose.c
 *		The words of an invitation.
 *
 * Names and message are what a caller typed: escaped for where they go.  Must
 * never log what it composes, since the link opens the invitation.
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/sms_text.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "message/compose.h"
#include "message/html.h"

/* An SMS names the group in at most so many characters. */
#define SMS_GROUP_CHARS 40
#define SMS_INVITER_CHARS 30

static const char *
clip(const char *text, int chars)
{
	int bytes = pg_mbcharcliplen(text, strlen(text), chars);

	return text[bytes] == '\0' ? text : psprintf("%.*s...", bytes, text);
}

static const char *
opening(const GaInvitationWords *words)
{
	if (words->inviter == NULL)
		return psprintf("You are invited to join \"%s\".", words->group_name);
	return psprintf("%s invites you to join \"%s\".", words->inviter,
					words->group_name);
}

static const char *
compose_text(const GaInvitationWords *words)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "Hello %s,\n\n%s\n\n", words->member,
					 opening(words));
	if (words->message != NULL)
		appendStringInfo(&out, "%s\n\n", words->message);
	else if (words->description != NULL)
		appendStringInfo(&out, "%s\n\n", words->description);
	appendStringInfo(&out,
					 "See the invitation and decide whether to join:\n%s\n\n"
					 "If you do not know who sent this, ignore it: nothing "
					 "happens.\n",
					 words->link);
	return out.data;
}

static const char *
compose_html(const GaInvitationWords *words)
{
	const char *quoted = words->message ? words->message : words->description;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(
		&out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">"
			  "<meta name=\"viewport\" content=\"width=device-width\"></head>\n"
			  "<body style=\"font-family:sans-serif;max-width:36em;margin:auto;"
			  "padding:1em\">\n<p>Hello ");
	ga_html_escape(&out, words->member);
	appendStringInfoString(&out, ",</p>\n<p>");
	ga_html_escape(&out, opening(words));
	appendStringInfoString(&out, "</p>\n");
	if (words->image != NULL)
	{
		appendStringInfoString(&out, "<p><img alt=\"\" width=\"160\" src=\"");
		ga_html_escape(&out, words->image);
		appendStringInfoString(&out, "\"></p>\n");
	}
	if (quoted != NULL)
	{
		appendStringInfoString(&out, "<blockquote>");
		ga_html_escape(&out, quoted);
		appendStringInfoString(&out, "</blockquote>\n");
	}
	appendStringInfoString(&out, "<p><a href=\"");
	ga_html_escape(&out, words->link);
	appendStringInfoString(
		&out, "\">See the invitation and decide whether to join</a></p>\n"
			  "<p>If you do not know who sent this, ignore it: nothing "
			  "happens.</p>\n</body></html>\n");
	return out.data;
}

static void
compose_sms(const GaInvitationWords *words, GaMessage *message)
{
	const char *group = clip(words->group_name, SMS_GROUP_CHARS);
	GaSmsCount count = {0};

	if (words->inviter == NULL)
		message->text =
			psprintf("You are invited to join \"%s\": %s", group, words->link);
	else
		message->text = psprintf("%s invites you to join \"%s\": %s",
								 clip(words->inviter, SMS_INVITER_CHARS), group,
								 words->link);
	(void) ga_sms_count(message->text, strlen(message->text), &count);
	message->segments = (int) count.segments;
}

void
ga_message_compose(const GaInvitationWords *words, GaMessage *message)
{
	memset(message, 0, sizeof(*message));
	if (words->channel == GA_CHANNEL_MOBILE)
	{
		compose_sms(words, message);
		return;
	}
	message->subject = words->inviter == NULL
						   ? psprintf("Invitation to %s", words->group_name)
						   : psprintf("%s invites you to %s", words->inviter,
									  words->group_name);
	message->text = compose_text(words);
	message->html = compose_html(words);
}

const char *
ga_message_url(const char *token)
{
	const char *url = ga_settings.invitation_url;
	const char *place = strstr(url, "{token}");

	if (place == NULL)
		return psprintf("%s%s", url, token);
	return psprintf("%.*s%s%s", (int) (place - url), url, token,
					place + strlen("{token}"));
}
