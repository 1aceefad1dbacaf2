/*
 * adopt.c
 *		Saying that a copy is to send, and asking whose data these are.
 *
 * adopt() tells what it will send before it does, and how many waits there are; its
 * NOTICE names no contact.  With dry_run nothing is changed.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/extension.h"
#include "base/uuid.h"
#include "dispatch/wake.h"
#include "store/events/consumer_store.h"
#include "store/installation_store.h"
#include "store/plan_cache.h"
#include "store/role_store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* What becomes of the links that the origin sent. */
static const char *
links_in_words(GaOrigin origin, const GaAdoption *plan, bool keep_links)
{
	if (origin == GA_ORIGIN_OWN || origin == GA_ORIGIN_MOVED)
		return "Links that were sent stay valid.";
	if (!keep_links)
		return "Links that the origin sent are not valid here.";
	return plan->has_key
			   ? "Links that the origin sent are valid here, too, and "
				 "whoever answers by one answers in one of the two."
			   : "The key of the links did not come along.";
}

static void
tell_plan(GaOrigin origin, const GaAdoption *plan, bool keep_links,
		  bool dry_run)
{
	int64 sent = plan->waiting - plan->expired;

	ereport(
		NOTICE,
		(errmsg(dry_run ? "adopt() would let " INT64_FORMAT
						  " invitations be sent to " INT64_FORMAT " contacts"
						: INT64_FORMAT
					" invitations will be sent to " INT64_FORMAT " contacts",
				sent, plan->contacts),
		 errdetail(INT64_FORMAT
				   " SMS and " INT64_FORMAT " e-mails of " INT64_FORMAT
				   " groups; " INT64_FORMAT " of them were being "
				   "sent when the data were copied and may have "
				   "arrived. " INT64_FORMAT " others have expired. %s",
				   plan->sms, plan->mails, plan->groups, plan->under_way,
				   plan->expired, links_in_words(origin, plan, keep_links))));
}

static void
require_list(const GaAdoption *plan)
{
	if (plan->forgotten > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the suppression list cannot be read"),
				 errdetail(INT64_FORMAT " contacts are on it, but the salt of "
										"their hashes did not come along.",
						   plan->forgotten),
				 errhint("Copy the row of group_api_private.suppression_salt "
						 "from the origin; or SELECT group_api.adopt("
						 "forget_suppressions => true); and they get messages "
						 "again.")));
}

static void
adopt(bool keep_links, bool forgets)
{
	/* What pg_upgrade moved here keeps its roles; only others go by their names. */
	int64 former_cluster = ga_installation_former_cluster();

	if (!ga_installation_adopt(keep_links, forgets))
	{
		ereport(NOTICE, (errmsg("another session adopted the data just now")));
		return;
	}
	if (former_cluster != 0)
	{
		ga_roles_follow_upgrade(former_cluster);
		ga_consumers_follow_upgrade(former_cluster);
	}
	ga_roles_adopt();
	ga_consumers_adopt();
}

/* The number that is asked for; -1: none.  It is the fourth argument. */
static int
shard_asked(FunctionCallInfo fcinfo)
{
	int shard = PG_ARGISNULL(3) ? -1 : PG_GETARG_INT32(3);

	if (!PG_ARGISNULL(3) && (shard < 0 || shard > GA_SHARD_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("shard must be 0 to %d, not %d", GA_SHARD_MAX, shard)));
	return shard;
}

static void
number_shard(int shard)
{
	if (shard < 0 || shard == ga_installation_shard())
		return;
	ga_installation_set_shard(shard);
	ereport(NOTICE, (errmsg("the database is shard %d", shard)));
}

PG_FUNCTION_INFO_V1(group_api_adopt);

Datum
group_api_adopt(PG_FUNCTION_ARGS)
{
	bool keep_links = !PG_ARGISNULL(0) && PG_GETARG_BOOL(0);
	bool dry_run = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	bool forgets = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	int shard = shard_asked(fcinfo);
	GaOwnerScope scope;
	GaAdoption plan;
	GaOrigin origin;

	ga_owner_enter(&scope);
	origin = ga_installation_origin();
	ga_installation_plan_adoption(&plan);
	tell_plan(origin, &plan, keep_links, dry_run);
	/* So that nobody ends all links of a running system by accident. */
	if (origin == GA_ORIGIN_OWN)
		ereport(NOTICE, (errmsg("the data belong to this database already: "
								"nothing is changed")));
	else if (!forgets)
		require_list(&plan);
	if (origin != GA_ORIGIN_OWN && !dry_run)
		adopt(keep_links || origin == GA_ORIGIN_MOVED, forgets);
	if (!dry_run)
		number_shard(shard);
	ga_owner_leave(&scope);
	if (!dry_run)
	{
		ga_wake_at_commit(DT_NOBEGIN);
		ga_wake_reload_at_commit();
	}
	PG_RETURN_INT64(plan.waiting);
}

static const char *
origin_in_words(void)
{
	switch (ga_installation_origin())
	{
		case GA_ORIGIN_OWN:
			return ga_installation_moved_from() != 0 ? "moved" : "own";
		case GA_ORIGIN_EMPTY:
			return "empty";
		case GA_ORIGIN_MOVED:
			return "moved";
		case GA_ORIGIN_FOREIGN:
			break;
	}
	return "foreign";
}

/* By what health() tells first. */
static bool
is_unable_to_look(void)
{
	return !ga_extension_fits() ||
		   (OidIsValid(ga_owner()) && !ga_owner_can_serve(ga_owner()));
}

PG_FUNCTION_INFO_V1(group_api_data_origin);

Datum
group_api_data_origin(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	const char *words;

	if (is_unable_to_look())
		PG_RETURN_TEXT_P(cstring_to_text("unknown"));
	ga_owner_enter(&scope);
	words = origin_in_words();
	ga_owner_leave(&scope);
	PG_RETURN_TEXT_P(cstring_to_text(words));
}

PG_FUNCTION_INFO_V1(group_api_is_adopted);

Datum
group_api_is_adopted(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	bool adopted;

	if (is_unable_to_look())
		PG_RETURN_BOOL(false);
	ga_owner_enter(&scope);
	adopted = !ga_installation_is_foreign();
	ga_owner_leave(&scope);
	PG_RETURN_BOOL(adopted);
}
