/*
 * message.c
 *		The job that carries an invitation's message to the courier.
 *
 * The words come from message/compose.  The link is made anew at every send and
 * stands in no table.  Must never log what it writes.
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/link_token.h"
#include "base/picture_url.h"
#include "base/shared/message_key.h"
#include "dispatch/courier/message.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

static GaTemplates own_templates;

void
ga_message_take_templates(const GaTemplates *templates)
{
	static MemoryContext context = NULL;
	MemoryContext old;

	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "group_api templates",
										ALLOCSET_SMALL_SIZES);
	own_templates.count = 0;
	MemoryContextReset(context);
	old = MemoryContextSwitchTo(context);
	own_templates.list = palloc0(sizeof(GaTemplate) * Max(templates->count, 1));
	for (int i = 0; i < templates->count; i++)
	{
		const GaTemplate *from = &templates->list[i];
		GaTemplate *to = &own_templates.list[i];

		to->channel = from->channel;
		to->locale = pstrdup(from->locale);
		to->subject = from->subject ? pstrdup(from->subject) : NULL;
		to->body = pstrdup(from->body);
		to->html = from->html ? pstrdup(from->html) : NULL;
	}
	own_templates.count = templates->count;
	MemoryContextSwitchTo(old);
}

static const char *
make_token(const uint8 *secret, GaLinkPurpose purpose, const GaClaim *claim)
{
	GaLinkToken token = {.group_number = claim->group_number,
						 .member_number = claim->number,
						 .version = claim->link_version};
	char *text = palloc(GA_LINK_TOKEN_MAX);

	ga_link_token_make(secret, purpose, token, text);
	return text;
}

const char *
ga_message_link_token(const uint8 *secret, const GaClaim *claim)
{
	return make_token(secret, GA_LINK_INVITATION, claim);
}

void
ga_message_for_claim(const char *link_token, const GaClaim *claim,
					 GaChannel channel, GaMessage *message)
{
	GaInvitationWords words = {
		.channel = channel,
		.contact = claim->contact,
		.inviter = claim->inviter,
		.member = claim->member,
		.group_name = claim->group_name,
		.description = claim->description,
		.image = ga_picture_url(claim->image),
		.message = claim->message,
		.link = ga_message_url(ga_settings.invitation_url, link_token),
		.expires_at = claim->expires_at,
		.locale = claim->locale,
		.is_reminder = claim->reminders > 0,
	};

	ga_message_compose(&words, &own_templates, message);
}

/* What opens something: the courier keeps it out of what it reports. */
static void
set_tokens(GaJobFrame *job, const uint8 *secret, const char *link_token,
		   const GaClaim *claim, bool is_mail, bool has_receipt)
{
	const char **strings = job->strings;

	strings[GA_JOB_LINK] = link_token;
	if (is_mail || has_receipt)
		strings[GA_JOB_RECEIPT] = make_token(secret, GA_LINK_RECEIPT, claim);
	if (is_mail && ga_settings.unsubscribe_url[0] != '\0')
	{
		const char *token = make_token(secret, GA_LINK_UNSUBSCRIBE, claim);

		strings[GA_JOB_UNSUBSCRIBE] = token;
		strings[GA_JOB_UNSUBSCRIBE_URL] =
			ga_message_url(ga_settings.unsubscribe_url, token);
	}
}

void
ga_message_job(GaJobFrame *job, uint64 job_id, const uint8 *secret,
			   const char *link_token, const char *server,
			   const char *callback_url, const GaClaim *claim,
			   GaChannel channel, const GaMessage *message)
{
	GaMessageKey key = {.member_number = claim->number,
						.version = claim->link_version};
	char *key_text = palloc(GA_MESSAGE_KEY_MAX);

	memset(job, 0, sizeof(*job));
	memcpy(key.group_id, claim->group_id.data, sizeof(key.group_id));
	ga_message_key_write(&key, claim->reminders > 0, key_text);
	job->job_id = job_id;
	job->strings[GA_JOB_PROVIDER] = server;
	job->strings[GA_JOB_TO] = claim->contact;
	if (channel == GA_CHANNEL_EMAIL)
		job->strings[GA_JOB_TO_NAME] = claim->member;
	job->strings[GA_JOB_SUBJECT] = message->subject;
	job->strings[GA_JOB_TEXT] = message->text;
	job->strings[GA_JOB_HTML] = message->html;
	job->strings[GA_JOB_LOCALE] = message->locale;
	job->strings[GA_JOB_CALLBACK_URL] = callback_url;
	set_tokens(job, secret, link_token, claim, channel == GA_CHANNEL_EMAIL,
			   callback_url != NULL);
	/* The same on every attempt: the provider's key against duplicates. */
	job->strings[GA_JOB_MESSAGE_KEY] = key_text;
	if (claim->expires_at != 0)
		job->expires_in_s =
			Max((claim->expires_at - GetCurrentTimestamp()) / USECS_PER_SEC, 1);
}
