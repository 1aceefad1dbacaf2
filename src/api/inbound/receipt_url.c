/*
 * receipt_url.c
 *		receipt_url(): the address that is entered at a provider by hand, for all
 *		of its callbacks.
 */
#include "postgres.h"

#include "base/callback_url.h"
#include "dispatch/wake.h"
#include "access/xact.h"
#include "fmgr.h"
#include "store/installation_store.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(group_api_receipt_url);

Datum
group_api_receipt_url(PG_FUNCTION_ARGS)
{
	uint8 secret[GA_LINK_SECRET_LENGTH];
	GaProviderRow provider;
	const char *base = NULL;
	GaOwnerScope scope;
	const char *server;
	bool is_there;
	char *url;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	server = NameStr(*PG_GETARG_NAME(0));
	ga_owner_enter(&scope);
	is_there = ga_provider_find(&scope, server, &provider);
	if (is_there)
		base = ga_provider_row_setting(&provider, "callback_url");
	if (base != NULL)
	{
		/* The key must be there before anything is signed with it. */
		if (ga_installation_claim(NULL))
			ga_wake_reload_at_commit();
		CommandCounterIncrement();
		PushCopiedSnapshot(GetActiveSnapshot());
		UpdateActiveSnapshotCommandId();
		ga_installation_read_link_secret(secret);
		PopActiveSnapshot();
	}
	ga_owner_leave(&scope);
	if (!is_there)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("provider \"%s\" does not exist", server),
				 errhint("SELECT * FROM group_api.providers; lists them.")));
	if (base == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("provider \"%s\" has no callback_url", server),
						errhint("ALTER SERVER %s OPTIONS (ADD callback_url "
								"'https://...');",
								quote_identifier(server))));
	url =
		ga_callback_url_make(base, server, secret, ga_callback_account(server));
	explicit_bzero(secret, sizeof(secret));
	PG_RETURN_TEXT_P(cstring_to_text(url));
}
