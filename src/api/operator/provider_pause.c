/*
 * provider_pause.c
 *		Pausing and resuming a provider by hand.
 */
#include "postgres.h"

#include "dispatch/wake.h"
#include "fmgr.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
#include "utils/builtins.h"

static void
require_provider(const char *server)
{
	if (!ga_provider_exists(server))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("provider \"%s\" does not exist", server),
				 errhint("SELECT * FROM group_api.providers; lists them.")));
}

PG_FUNCTION_INFO_V1(group_api_pause);

Datum
group_api_pause(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	const char *server;
	const char *reason;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the provider must not be null"),
						errhint("SELECT * FROM group_api.providers; lists "
								"them.")));
	server = NameStr(*PG_GETARG_NAME(0));
	reason = PG_ARGISNULL(1) ? "paused by an operator"
							 : text_to_cstring(PG_GETARG_TEXT_PP(1));
	ga_owner_enter(&scope);
	require_provider(server);
	ga_provider_pause(server, false, NULL, 0, reason);
	ga_owner_leave(&scope);
	ga_wake_reload_at_commit();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(group_api_resume);

Datum
group_api_resume(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	bool was_paused;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the provider must not be null"),
						errhint("SELECT * FROM group_api.providers; lists "
								"them.")));
	ga_owner_enter(&scope);
	require_provider(NameStr(*PG_GETARG_NAME(0)));
	was_paused = ga_provider_resume(NameStr(*PG_GETARG_NAME(0)));
	ga_owner_leave(&scope);
	ga_wake_reload_at_commit();
	PG_RETURN_BOOL(was_paused);
}
