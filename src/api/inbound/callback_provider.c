/*
 * callback_provider.c
 *		Finds the provider of a callback and the secret that it signs with.
 *
 * A secret that is there and cannot be read makes nothing believed: a token alone
 * must not do for what is to be signed.
 */
#include "postgres.h"

#include "api/inbound/callback_provider.h"
#include "base/shared/secret_file.h"
#include "store/provider_store.h"
#include "utils/memutils.h"

/*
 * Anybody can call, so a file that cannot be read is told once in the life of
 * a backend for each provider, and again when it could be read in between.
 */
static void
note_password_file(const char *server, const char *problem)
{
	static List *told = NIL; /* of char *; in TopMemoryContext */
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	ListCell *cell;
	bool known = false;

	foreach (cell, told)
	{
		if (strcmp(lfirst(cell), server) != 0)
			continue;
		known = true;
		if (problem == NULL)
		{
			pfree(lfirst(cell));
			told = foreach_delete_current(told, cell);
		}
	}
	if (problem && !known)
		told = lappend(told, pstrdup(server));
	MemoryContextSwitchTo(old);
	if (problem && !known)
		ereport(LOG,
				(errmsg("the password_file of provider \"%s\" cannot be used: "
						"its receipts are refused",
						server),
				 errdetail("%s.", problem),
				 errhint("SELECT * FROM group_api.test_provider('%s', ...); "
						 "tells when it is well.",
						 server),
				 errhidestmt(true), errhidecontext(true)));
}

/* Empty when it cannot be read, or is none of the owner's to use. */
static const char *
read_password_file(const GaOwnerScope *scope, const GaProviderRow *provider,
				   const char *file)
{
	char line[1024];
	const char *secret = "";
	const char *problem = NULL;

	if (provider->forbidden)
		problem = psprintf("The %s", provider->forbidden);
	else if (ga_secret_file_read(file, line, sizeof(line)) ==
			 GA_SECRET_FILE_READ)
		secret = MemoryContextStrdup(scope->caller_context, line);
	else
		problem = "It must be a file with a first line that the server's user "
				  "alone may read";
	explicit_bzero(line, sizeof(line));
	note_password_file(provider->server, problem);
	return secret;
}

/* From the mapping; NULL: the provider does not sign, or nobody told with what. */
static const char *
find_secret(const GaOwnerScope *scope, const GaProviderRow *provider,
			const GaCallbackKind *kind)
{
	const char *secret = ga_provider_row_setting(provider, "signature_secret");
	const char *file = ga_provider_row_setting(provider, "password_file");

	if (secret == NULL)
		secret = ga_provider_row_setting(provider, "verification_key");
	if (secret != NULL || !kind->is_signed_with_password)
		return secret;
	secret = ga_provider_row_setting(provider, "password");
	if (secret == NULL && file != NULL)
		secret = read_password_file(scope, provider, file);
	return secret;
}

bool
ga_callback_provider_find(const GaOwnerScope *scope, const char *server,
						  GaCallback *callback)
{
	GaProviderRow provider;

	if (!ga_provider_find(scope, server, &provider))
		return false;
	callback->server = provider.server;
	callback->kind = ga_callback_kind_find(provider.kind);
	if (callback->kind == NULL)
		return false;
	callback->callback_url = ga_provider_row_setting(&provider, "callback_url");
	callback->secret = find_secret(scope, &provider, callback->kind);
	callback->secret_is_lost =
		callback->secret != NULL && *callback->secret == '\0';
	return true;
}
