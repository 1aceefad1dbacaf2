/*
 * channel_notice.c
 *		A NOTICE where no provider can take the messages of a new group.
 *
 * Asked of the catalog once a session, and again when providers change or the
 * dispatcher found that nobody takes the channel: a group costs no query more.
 * Callers are not told why (api/disclosure).
 */
#include "postgres.h"

#include "api/channel_notice.h"
#include "dispatch/stats.h"
#include "miscadmin.h"
#include "store/provider_store.h"
#include "utils/inval.h"
#include "utils/syscache.h"

/* Channels for which a provider was seen, a bit each. */
static uint32 served;

static void
forget(Datum arg, int cache, uint32 hash)
{
	served = 0;
}

static void
tell_channel(const GaOwnerScope *scope, GaChannel channel)
{
	if ((served & (1U << channel)) != 0 &&
		!ga_stats_channel_is_closed(MyDatabaseId, channel))
		return;
	if (ga_provider_waiting_reason(scope, channel) == NULL)
	{
		served |= 1U << channel;
		return;
	}
	ereport(NOTICE,
			(errmsg("no provider for %s takes messages now: invitations of "
					"this group wait",
					ga_channel_name(channel)),
			 errhint("SELECT * FROM group_api.health(); tells what helps.")));
}

void
ga_channel_notice_tell(const GaOwnerScope *scope, const GaGroup *group)
{
	static bool is_registered = false;
	uint32 wanted = 0;

	if (!is_registered)
		CacheRegisterSyscacheCallback(FOREIGNSERVEROID, forget, (Datum) 0);
	is_registered = true;
	for (int i = 0; i < group->member_count; i++)
		if (group->members[i].delivery == GA_DELIVERY_QUEUED)
			wanted |= 1U << group->members[i].channel;
	if (wanted & (1U << GA_CHANNEL_MOBILE))
		tell_channel(scope, GA_CHANNEL_MOBILE);
	if (wanted & (1U << GA_CHANNEL_EMAIL))
		tell_channel(scope, GA_CHANNEL_EMAIL);
}
