/*
 * provider_pause.c
 *		Pausing and resuming a provider by hand.
 */
#include "postgres.h"

#include "access/xact.h"
#include "dispatch/provider/counters.h"
#include "dispatch/wake.h"
#include "fmgr.h"
#include "store/events/webhook_store.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
#include "store/queue/backoff_store.h"
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

/* The provider that the first argument names; error 22004 for null. */
static const char *
server_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the provider must not be null"),
						errhint("SELECT * FROM group_api.providers; lists "
								"them.")));
	return NameStr(*PG_GETARG_NAME(0));
}

PG_FUNCTION_INFO_V1(group_api_pause);

Datum
group_api_pause(PG_FUNCTION_ARGS)
{
	GaOwnerScope scope;
	const char *server;
	const char *reason;

	server = server_argument(fcinfo);
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
	const char *server;
	bool was_paused;
	bool was_failing;
	uint64 waited;

	server = server_argument(fcinfo);
	ga_owner_enter(&scope);
	require_provider(server);
	was_paused = ga_provider_resume(server);
	waited = ga_backoff_end(server);
	/* While it was paused none of its events could be told. */
	ga_webhook_count_anew(server);
	ga_owner_leave(&scope);
	/* At once; the dispatcher takes it up when it hears of the commit. */
	was_failing = ga_counters_resume(server);
	ga_wake_reload_at_commit();
	if (waited > 0)
		ga_wake_at_commit(GetCurrentTransactionStartTimestamp());
	PG_RETURN_BOOL(was_paused || was_failing);
}
