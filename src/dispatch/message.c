/*
 * message.c
 *		The words of an invitation and the job that carries them.
 *
 * Names and message are what a caller typed: escaped for HTML in the HTML part,
 * as JSON strings in the job.  The link is made anew at every send and stands in
 * no table.  Must never log what it composes.
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/link_token.h"
#include "base/sms_text.h"
#include "dispatch/message.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* An SMS names the group in at most so many characters. */
#define SMS_GROUP_CHARS 40
#define SMS_INVITER_CHARS 30

static const char *
clip(const char *text, int chars)
{
	int bytes = pg_mbcharcliplen(text, strlen(text), chars);

	return text[bytes] == '\0' ? text : psprintf("%.*s...", bytes, text);
}

static void
append_html(StringInfo out, const char *text)
{
	for (; *text; text++)
	{
		switch (*text)
		{
			case '&':
				appendStringInfoString(out, "&amp;");
				break;
			case '<':
				appendStringInfoString(out, "&lt;");
				break;
			case '>':
				appendStringInfoString(out, "&gt;");
				break;
			case '"':
				appendStringInfoString(out, "&quot;");
				break;
			case '\'':
				appendStringInfoString(out, "&#39;");
				break;
			case '\n':
				appendStringInfoString(out, "<br>\n");
				break;
			default:
				appendStringInfoChar(out, *text);
		}
	}
}

static const char *
opening(const GaClaim *claim)
{
	if (claim->inviter == NULL)
		return psprintf("You are invited to join \"%s\".", claim->group_name);
	return psprintf("%s invites you to join \"%s\".", claim->inviter,
					claim->group_name);
}

static const char *
compose_text(const GaClaim *claim, const char *link)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "Hello %s,\n\n%s\n\n", claim->member,
					 opening(claim));
	if (claim->message != NULL)
		appendStringInfo(&out, "%s\n\n", claim->message);
	else if (claim->description != NULL)
		appendStringInfo(&out, "%s\n\n", claim->description);
	appendStringInfo(&out,
					 "See the invitation and decide whether to join:\n%s\n\n"
					 "If you do not know who sent this, ignore it: nothing "
					 "happens.\n",
					 link);
	return out.data;
}

static const char *
compose_html(const GaClaim *claim, const char *link)
{
	const char *words = claim->message ? claim->message : claim->description;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(
		&out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">"
			  "<meta name=\"viewport\" content=\"width=device-width\"></head>\n"
			  "<body style=\"font-family:sans-serif;max-width:36em;margin:auto;"
			  "padding:1em\">\n<p>Hello ");
	append_html(&out, claim->member);
	appendStringInfoString(&out, ",</p>\n<p>");
	append_html(&out, opening(claim));
	appendStringInfoString(&out, "</p>\n");
	if (claim->image != NULL)
	{
		appendStringInfoString(&out, "<p><img alt=\"\" width=\"160\" src=\"");
		append_html(&out, claim->image);
		appendStringInfoString(&out, "\"></p>\n");
	}
	if (words != NULL)
	{
		appendStringInfoString(&out, "<blockquote>");
		append_html(&out, words);
		appendStringInfoString(&out, "</blockquote>\n");
	}
	appendStringInfoString(&out, "<p><a href=\"");
	append_html(&out, link);
	appendStringInfoString(
		&out, "\">See the invitation and decide whether to join</a></p>\n"
			  "<p>If you do not know who sent this, ignore it: nothing "
			  "happens.</p>\n</body></html>\n");
	return out.data;
}

static void
compose_sms(const GaClaim *claim, const char *link, GaMessage *message)
{
	const char *group = clip(claim->group_name, SMS_GROUP_CHARS);
	GaSmsCount count = {0};

	message->subject = NULL;
	message->html = NULL;
	if (claim->inviter == NULL)
		message->text =
			psprintf("You are invited to join \"%s\": %s", group, link);
	else
		message->text =
			psprintf("%s invites you to join \"%s\": %s",
					 clip(claim->inviter, SMS_INVITER_CHARS), group, link);
	(void) ga_sms_count(message->text, strlen(message->text), &count);
	message->segments = (int) count.segments;
}

void
ga_message_compose(const GaClaim *claim, GaChannel channel, const char *link,
				   GaMessage *message)
{
	if (channel == GA_CHANNEL_MOBILE)
	{
		compose_sms(claim, link, message);
		return;
	}
	message->subject = claim->inviter == NULL
						   ? psprintf("Invitation to %s", claim->group_name)
						   : psprintf("%s invites you to %s", claim->inviter,
									  claim->group_name);
	message->text = compose_text(claim, link);
	message->html = compose_html(claim, link);
	message->segments = 0;
}

/* The URL with a token of this purpose in its place, or at its end. */
static const char *
put_token(const char *url, const uint8 *secret, GaLinkPurpose purpose,
		  const GaClaim *claim)
{
	GaLinkToken token = {.group_number = claim->group_number,
						 .member_number = claim->number,
						 .version = claim->link_version};
	char text[GA_LINK_TOKEN_MAX];
	const char *place = strstr(url, "{token}");

	ga_link_token_make(secret, purpose, token, text);
	if (place == NULL)
		return psprintf("%s%s", url, text);
	return psprintf("%.*s%s%s", (int) (place - url), url, text,
					place + strlen("{token}"));
}

const char *
ga_message_link(const uint8 *secret, const GaClaim *claim)
{
	return put_token(ga_settings.invitation_url, secret, GA_LINK_INVITATION,
					 claim);
}

const char *
ga_message_unsubscribe_link(const uint8 *secret, const GaClaim *claim)
{
	if (ga_settings.unsubscribe_url[0] == '\0')
		return NULL;
	return put_token(ga_settings.unsubscribe_url, secret, GA_LINK_UNSUBSCRIBE,
					 claim);
}

static void
append_member(StringInfo json, const char *name, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfo(json, ",\"%s\":", name);
	escape_json(json, value);
}

void
ga_message_job(StringInfo json, uint64 job_id, const char *server,
			   const char *callback_url, const GaClaim *claim,
			   GaChannel channel, const GaMessage *message)
{
	char group[UUID_LEN * 2 + 1];

	for (int i = 0; i < UUID_LEN; i++)
		sprintf(group + 2 * i, "%02x", claim->group_id.data[i]);
	appendStringInfo(json, "{\"id\":" UINT64_FORMAT, job_id);
	append_member(json, "provider", server);
	append_member(json, "to", claim->contact);
	if (channel == GA_CHANNEL_EMAIL)
		append_member(json, "to_name", claim->member);
	append_member(json, "subject", message->subject);
	append_member(json, "text", message->text);
	append_member(json, "html", message->html);
	append_member(json, "callback_url", callback_url);
	append_member(json, "unsubscribe_url", message->unsubscribe_url);
	/* The same on every attempt: the provider's key against duplicates. */
	appendStringInfo(json, ",\"message_key\":\"inv-%s.%d.%d\"", group,
					 claim->number, claim->link_version);
	if (claim->expires_at != 0)
		appendStringInfo(
			json, ",\"expires_in_s\":" INT64_FORMAT,
			Max((claim->expires_at - GetCurrentTimestamp()) / USECS_PER_SEC,
				1));
	appendStringInfoChar(json, '}');
}
