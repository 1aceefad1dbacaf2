/*
 * disclosure.c
 *		What of a group's members a caller may be told.
 *
 * A caller knows what they typed.  What the installation knows besides is other
 * people's: the directory's addresses, what a provider said of them, whether
 * somebody complained.  Which of the two a member's contact is stands in the
 * member (is_from_directory); who is told what stands here.
 *
 * Of a user of the directory an answer must be the same whether or not there is
 * an address, of whichever channel, in whatever language, suppressed or not.
 * So nothing is blanked because of what it is: all of it always is.
 */
#include "postgres.h"

#include "api/disclosure.h"
#include "store/caps/cap_store.h"
#include "store/suppression_store.h"

#define REMINDER "reminder "

static bool
begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void
withhold(GaMember *member)
{
	member->channel = GA_CHANNEL_NONE;
	member->contact = NULL;
	member->locale = NULL;
	member->delivery = GA_DELIVERY_NONE;
	member->delivery_at = 0;
	member->reason = NULL;
	member->expires_at = 0;
	member->reminders = 0;
	member->is_withheld = member->response != GA_RESPONSE_NONE;
}

/* That nothing is sent is the leader's to know; why, is the person's. */
static void
generalize_reason(GaMember *member)
{
	if (member->reason == NULL)
		return;
	if (begins_with(member->reason, REMINDER GA_SUPPRESSION_WORDS))
		member->reason = REMINDER GA_SUPPRESSION_GENERAL_WORDS;
	else if (member->is_suppressed ||
			 member->delivery == GA_DELIVERY_SUPPRESSED)
		member->reason = GA_SUPPRESSION_GENERAL_WORDS;
	else if (strcmp(member->reason, ga_cap_recipient_words) == 0)
		member->reason = "later: a daily cap is reached";
}

void
ga_disclosure_limit(const GaCaller *caller, GaGroup *group)
{
	/* A group that is not written, of a caller never seen: both are 0. */
	bool is_leader = caller->user.id == group->created_by;

	if (caller->is_operator)
		return;
	for (int i = 0; i < group->member_count; i++)
	{
		GaMember *member = &group->members[i];

		if (member->is_from_directory)
			withhold(member);
		else if (member->delivery == GA_DELIVERY_NONE)
			continue;
		else if (is_leader)
			generalize_reason(member);
		else
		{
			/* A reason quotes the provider, and so the address. */
			member->contact = NULL;
			member->reason = NULL;
		}
	}
}

const char *
ga_disclosure_waiting_reason(const GaCaller *caller, const char *reason)
{
	/* Why it is paused are the provider's words on somebody's message. */
	static const char paused[] = "provider ";

	if (reason == NULL || caller->is_operator || !begins_with(reason, paused))
		return reason;
	return "the provider is paused";
}
