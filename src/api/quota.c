/*
 * quota.c
 *		The daily caps of a caller: groups and pictures.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/quota.h"
#include "base/guc.h"
#include "store/plan_cache.h"
#include "utils/timestamp.h"

#define KILOBYTE 1024

int
ga_quota_wait_s(void)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	/* The epoch begins a day of UTC. */
	return (int) ((USECS_PER_DAY - now % USECS_PER_DAY) / USECS_PER_SEC) + 1;
}

static bool
is_over(int64 used, int64 added, int64 cap)
{
	return cap > 0 && added > 0 && used + added > cap;
}

bool
ga_quota_allows(const GaOwnerScope *scope, const GaCaller *caller,
				GaUsage added, GaViolations *violations)
{
	static const char *const hint = "Try again tomorrow (UTC).";
	int64 most_groups = ga_settings.groups_daily_cap;
	int64 most_bytes = (int64) ga_settings.pictures_daily_cap * KILOBYTE;
	MemoryContext old;
	GaUsage used;
	bool too_many;
	bool too_large;

	if (caller->is_operator || (most_groups == 0 && most_bytes == 0))
		return true;
	used = ga_usage_read(caller->user.id);
	too_many = is_over(used.groups, added.groups, most_groups);
	too_large = is_over(used.picture_bytes, added.picture_bytes, most_bytes);
	/* A fault is told after the scope has ended. */
	old = MemoryContextSwitchTo(scope->caller_context);
	if (too_many)
		ga_violation_add(violations, "", GA_VIOLATION_QUOTA, hint,
						 "the caller has made as many groups today as "
						 "group_api.groups_daily_cap allows");
	if (too_large)
		ga_violation_add(violations, "", GA_VIOLATION_QUOTA, hint,
						 "the caller's pictures of today are larger than "
						 "group_api.pictures_daily_cap allows");
	MemoryContextSwitchTo(old);
	return !too_many && !too_large;
}

void
ga_quota_count(const GaCaller *caller, GaUsage made)
{
	if (caller->is_operator ||
		(ga_settings.groups_daily_cap == 0 &&
		 ga_settings.pictures_daily_cap == 0) ||
		(made.groups == 0 && made.picture_bytes == 0))
		return;
	ga_usage_add(caller->user.id, made);
}
