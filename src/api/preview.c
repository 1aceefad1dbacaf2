/*
 * preview.c
 *		group_api.preview_invitation(), and what dry runs show.
 *
 * Writes nothing.  A message is composed by the same code from the same words
 * as the dispatcher's; only the link is a dummy's, as long as the real one.
 */
#include "postgres.h"

#include "api/answer/answer.h"
#include "api/answer/contract_a.h"
#include "api/arguments.h"
#include "api/caller.h"
#include "api/disclosure.h"
#include "api/preview.h"
#include "base/guc.h"
#include "base/link_token.h"
#include "base/picture_url.h"
#include "miscadmin.h"
#include "store/group/insert_store.h"
#include "store/link_timeline.h"
#include "store/template_store.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Repeated to the token's length: whoever sees it knows. */
#define DUMMY "preview-"

static const char *
dummy_link(int64 group_number, const GaMember *member)
{
	static const uint8 no_secret[GA_LINK_SECRET_LENGTH];
	GaLinkToken token = {.group_number = group_number,
						 .member_number = member->number,
						 .version = member->link_version != 0
										? member->link_version
										: ga_link_timeline_first_version()};
	char text[GA_LINK_TOKEN_MAX];

	ga_link_token_make(no_secret, GA_LINK_INVITATION, token, text);
	for (int i = 0; text[i] != '\0'; i++)
		text[i] = DUMMY[i % strlen(DUMMY)];
	return ga_message_url(ga_settings.invitation_url, text);
}

/* What is held gets its expiry when it is sent. */
static TimestampTz
expiry_of(const GaGroup *group, const GaMember *member)
{
	if (member->is_withheld || member->delivery == GA_DELIVERY_HELD)
		return GetCurrentTimestamp() +
			   (int64) ga_settings.invitation_expiry * USECS_PER_MINUTE;
	return member->expires_at != 0 ? member->expires_at : group->expires_at;
}

bool
ga_preview_queued(const GaMember *member)
{
	return member->delivery == GA_DELIVERY_QUEUED;
}

/* All that may still get a message. */
static bool
is_open(const GaMember *member)
{
	return member->response == GA_RESPONSE_PENDING &&
		   member->delivery != GA_DELIVERY_SUPPRESSED &&
		   member->delivery != GA_DELIVERY_CANCELED;
}

/* Whatever became of it: somebody asked for this one. */
static bool
is_any(const GaMember *member)
{
	return true;
}

static void
compose_for(const GaGroup *group, int64 group_number, const GaMember *member,
			const char *locale, const GaTemplates *own, GaMessage *message)
{
	GaInvitationWords words = {
		.channel = member->is_withheld ? GA_CHANNEL_EMAIL : member->channel,
		.contact = member->is_withheld ? NULL : member->contact,
		.inviter = group->inviter,
		.member = member->name,
		.group_name = group->name,
		.description = group->description,
		.image = ga_picture_url(group->image),
		.message = group->message,
		.link = dummy_link(group_number, member),
		.expires_at = expiry_of(group, member),
		.locale = locale		   ? locale
				  : member->locale ? member->locale
								   : group->locale,
		.is_reminder = member->reminders > 0,
	};

	ga_message_compose(&words, own, message);
}

static void
count_message(GaPreview *preview, const GaMember *member,
			  const GaMessage *message)
{
	preview->total++;
	if (member->is_withheld)
	{
		preview->withheld++;
		return;
	}
	preview->segments += message->segments;
	if (member->channel == GA_CHANNEL_MOBILE)
		preview->sms++;
	else
		preview->emails++;
}

/* Of who is withheld nothing counts but whether they have answered. */
static bool
is_wanted(const GaMember *member, GaPreviewFilter filter)
{
	if (member->is_withheld)
		return filter == is_any || member->response == GA_RESPONSE_PENDING;
	return member->delivery != GA_DELIVERY_NONE && filter(member);
}

void
ga_preview_make(const GaOwnerScope *scope, const GaCaller *caller,
				GaGroup *group, GaPreviewFilter filter, int32 number,
				const char *locale, GaPreview *preview)
{
	MemoryContext old = MemoryContextSwitchTo(scope->caller_context);
	MemoryContext scratch = AllocSetContextCreate(
		CurrentMemoryContext, "group_api preview", ALLOCSET_DEFAULT_SIZES);
	/* Before it is written a group has no number; its length is what counts. */
	int64 group_number =
		group->number != 0 ? group->number : ga_group_next_number();
	GaTemplates own;

	ga_disclosure_limit(caller, group);
	ga_templates_read(scope, &own);
	memset(preview, 0, sizeof(*preview));
	preview->messages = palloc(sizeof(GaPreviewMessage) *
							   Min(group->member_count, GA_PREVIEW_SHOWN));
	for (int i = 0; i < group->member_count; i++)
	{
		const GaMember *member = &group->members[i];
		GaMessage message;

		CHECK_FOR_INTERRUPTS();
		if ((number != GA_PREVIEW_EVERY && member->number != number) ||
			!is_wanted(member, filter))
			continue;
		if (preview->shown == GA_PREVIEW_SHOWN)
			MemoryContextSwitchTo(scratch);
		compose_for(group, group_number, member, locale, &own, &message);
		count_message(preview, member, &message);
		if (preview->shown == GA_PREVIEW_SHOWN)
		{
			MemoryContextReset(scratch);
			continue;
		}
		preview->messages[preview->shown].member = member;
		preview->messages[preview->shown++].message = message;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

/* ---- group_api.preview_invitation() ------------------------------------- */

/* True with an answer unless the caller may see this group's messages. */
static bool
is_refused(const GaCaller *caller, const GaGroup *group, bool found,
		   Datum *answer)
{
	if (!found)
		*answer = ga_answer_fault(caller, GA_CONTRACT_A_PREVIEW, "id",
								  GA_VIOLATION_NOT_FOUND, NULL,
								  "there is no such group");
	else if (!ga_caller_may_change(caller, group))
		*answer = ga_answer_fault(
			caller, GA_CONTRACT_A_PREVIEW, "id", GA_VIOLATION_PERMISSION_DENIED,
			NULL, "only the group's leader may see what others are sent");
	else if (group->is_archived)
		*answer = ga_answer_fault(caller, GA_CONTRACT_A_PREVIEW, "id",
								  GA_VIOLATION_CONFLICT, NULL,
								  "the group is archived");
	else
		return false;
	return true;
}

PG_FUNCTION_INFO_V1(group_api_preview_invitation);

Datum
group_api_preview_invitation(PG_FUNCTION_ARGS)
{
	const char *wanted = ga_argument_text(fcinfo, 2);
	const char *locale = ga_caller_locale(wanted);
	bool is_one = !PG_ARGISNULL(1);
	int32 number = is_one ? Max(PG_GETARG_INT32(1), 0) : GA_PREVIEW_EVERY;
	GaPreview preview = {0};
	GaOwnerScope scope;
	GaGroup group;
	GaCaller caller;
	Datum answer;
	bool found;

	ga_caller_read(&caller);
	if (!caller.is_authenticated)
		return ga_answer_not_authenticated(&caller, GA_CONTRACT_A_PREVIEW);
	if (wanted != NULL && locale == NULL)
		return ga_answer_fault(&caller, GA_CONTRACT_A_PREVIEW, "locale",
							   GA_VIOLATION_INVALID_CHOICE,
							   "Name it as in BCP 47: en, pt-BR.",
							   "locale names no language");
	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, &caller, false);
	found = !PG_ARGISNULL(0) &&
			ga_caller_finds(&scope, &caller, *PG_GETARG_UUID_P(0), &group);
	if (found && ga_caller_may_change(&caller, &group))
		ga_preview_make(&scope, &caller, &group, is_one ? is_any : is_open,
						number, locale, &preview);
	ga_owner_leave(&scope);
	if (is_refused(&caller, &group, found, &answer))
		return answer;
	if (is_one && preview.total == 0)
		return ga_answer_fault(
			&caller, GA_CONTRACT_A_PREVIEW, "number", GA_VIOLATION_NOT_FOUND,
			"Leave it out to see every message.",
			"member %d of the group gets no message", PG_GETARG_INT32(1));
	ga_answer_status(&caller, 200);
	return ga_answer_preview(&preview);
}
