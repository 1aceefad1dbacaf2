/*
 * event_type.c
 *		The events an app can hear of: their names, and lists of them.
 *
 * A name is what it is about, a dot and what happened to it.  Names are part of what
 * listeners see: none may ever change its meaning.
 */
#include "base/shared/event_type.h"

#include <stdio.h>
#include <string.h>

#define SEPARATORS ", \t\n"

static const char *const names[GA_EVENT_COUNT] = {
	[GA_EVENT_GROUP_CREATED] = "group.created",
	[GA_EVENT_GROUP_UPDATED] = "group.updated",
	[GA_EVENT_GROUP_ARCHIVED] = "group.archived",
	[GA_EVENT_GROUP_DELETED] = "group.deleted",
	[GA_EVENT_INVITATION_QUEUED] = "invitation.queued",
	[GA_EVENT_INVITATION_SENT] = "invitation.sent",
	[GA_EVENT_INVITATION_DELIVERED] = "invitation.delivered",
	[GA_EVENT_INVITATION_FAILED] = "invitation.failed",
	[GA_EVENT_INVITATION_UNCERTAIN] = "invitation.uncertain",
	[GA_EVENT_INVITATION_SUPPRESSED] = "invitation.suppressed",
	[GA_EVENT_INVITATION_ACCEPTED] = "invitation.accepted",
	[GA_EVENT_INVITATION_DECLINED] = "invitation.declined",
	[GA_EVENT_INVITATION_EXPIRED] = "invitation.expired",
	[GA_EVENT_INVITATION_REVOKED] = "invitation.revoked",
	[GA_EVENT_INVITATION_RESENT] = "invitation.resent",
	[GA_EVENT_MEMBER_JOINED] = "member.joined",
	[GA_EVENT_MEMBER_LEFT] = "member.left",
	[GA_EVENT_MEMBER_REMOVED] = "member.removed",
	[GA_EVENT_REQUEST_MADE] = "request.made",
	[GA_EVENT_REQUEST_ACCEPTED] = "request.accepted",
	[GA_EVENT_PROVIDER_PAUSED] = "provider.paused",
	[GA_EVENT_PROVIDER_RESUMED] = "provider.resumed",
};

const char *
ga_event_type_name(GaEventType type)
{
	return names[type];
}

/* Those a word names: "*", "invitation.*" or "invitation.sent"; 0: none. */
static GaEventTypes
types_named(const char *word, size_t length)
{
	GaEventTypes types = 0;
	bool is_prefix =
		word[length - 1] == '*' && (length == 1 || word[length - 2] == '.');

	for (int i = 0; i < GA_EVENT_COUNT; i++)
		if (is_prefix ? strncmp(names[i], word, length - 1) == 0
					  : strlen(names[i]) == length &&
							strncmp(names[i], word, length) == 0)
			types |= GA_EVENT_BIT(i);
	return types;
}

bool
ga_event_types_read(const char *list, GaEventTypes *types, const char **wrong,
					size_t *length)
{
	const char *word = list + strspn(list, SEPARATORS);

	*types = 0;
	*wrong = word;
	*length = 0;
	while (*word != '\0')
	{
		size_t span = strcspn(word, SEPARATORS);
		GaEventTypes named = types_named(word, span);

		if (named == 0)
		{
			*wrong = word;
			*length = span;
			return false;
		}
		*types |= named;
		word += span;
		word += strspn(word, SEPARATORS);
	}
	return *types != 0;
}

void
ga_event_types_list(char *list, size_t size)
{
	size_t used = 0;

	list[0] = '\0';
	for (int i = 0; i < GA_EVENT_COUNT && used < size; i++)
		used += (size_t) snprintf(list + used, size - used, "%s%s",
								  i > 0 ? ", " : "", names[i]);
}
