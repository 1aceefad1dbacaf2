/*
 * provider_validator.c
 *		Checks the options of CREATE SERVER and CREATE USER MAPPING.
 *
 * One C function serves all wrappers; the SQL function it is called through
 * (smtp_validator, twilio_validator, ...) tells which.  The table of options is
 * base/shared/provider_options, shared with the courier.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "base/compat.h"
#include "base/public_key.h"
#include "base/shared/peer_address.h"
#include "base/shared/provider_options.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "request/literal_key.h"
#include "request/nearest.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static const char *
kind_of(Oid function)
{
	char *name = get_func_name(function);
	char *end = name ? strstr(name, "_validator") : NULL;

	return end ? pnstrdup(name, end - name) : "";
}

static const char *
list_of_options(const char *kind, int place)
{
	StringInfoData out;

	initStringInfo(&out);
	for (const GaProviderOption *option = ga_provider_options;
		 option->name != NULL; option++)
		if (ga_provider_option_is_for(option, kind, place))
			appendStringInfo(&out, "%s%s", out.len ? ", " : "", option->name);
	return out.len ? out.data : "none";
}

/* What other programs call it, too far from our word to be a slip of the hand. */
static const struct
{
	const char *theirs;
	const char *ours;
} other_words[] = {{"user", "username"},
				   {"login", "username"},
				   {"user_name", "username"},
				   {"host", "url"},
				   {"hostname", "url"},
				   {"server", "url"},
				   {"relay", "url"},
				   {"port", "url"},
				   {"endpoint", "url"},
				   {"host", "base_url"},
				   {"endpoint", "base_url"},
				   {"url", "base_url"},
				   {"pass", "password"},
				   {"pwd", "password"},
				   {"token", "bearer_token"},
				   {"token", "password"},
				   {"key", "password"},
				   {"api_key", "password"},
				   {"apikey", "password"},
				   {"auth_token", "password"},
				   {"secret_key", "password"},
				   {"from", "sender"},
				   {"ssl", "tls"},
				   {"starttls", "tls"},
				   {"use_tls", "tls"},
				   {"sslmode", "tls"},
				   {"sid", "account_sid"},
				   {"account", "account_sid"},
				   {"account", "auth_id"},
				   {"ca", "ca_file"},
				   {"cacert", "ca_file"},
				   {"helo", "ehlo_name"},
				   {"replyto", "reply_to"},
				   {"webhook", "callback_url"}};

/* In these places, GA_OPTION_ON_... */
static const char *
option_that_is_meant(const char *kind, const char *name, int places)
{
	GaNearest nearest;

	for (size_t i = 0; i < lengthof(other_words); i++)
		if (pg_strcasecmp(other_words[i].theirs, name) == 0 &&
			ga_provider_option_find(kind, other_words[i].ours, places) != NULL)
			return other_words[i].ours;
	ga_nearest_begin(&nearest, name, strlen(name));
	for (const GaProviderOption *option = ga_provider_options;
		 option->name != NULL; option++)
		if (ga_provider_option_is_for(option, kind, places))
			ga_nearest_try(&nearest, option->name);
	return nearest.name;
}

static const char *
name_of_place(int place)
{
	return place == GA_OPTION_ON_SERVER ? "server (CREATE SERVER)"
										: "user mapping (CREATE USER MAPPING)";
}

/* As the beginning of a hint; empty: nobody can tell. */
static const char *
question_what_is_meant(const char *kind, int place, int elsewhere,
					   const char *name)
{
	const char *meant = option_that_is_meant(kind, name, place);

	if (meant != NULL)
		return psprintf("Did you mean \"%s\"? ", meant);
	meant = option_that_is_meant(kind, name, elsewhere);
	return meant != NULL ? psprintf("Did you mean \"%s\" of the %s? ", meant,
									name_of_place(elsewhere))
						 : "";
}

static void
unknown_option(const char *kind, int place, const char *name)
{
	int elsewhere = place == GA_OPTION_ON_SERVER ? GA_OPTION_ON_MAPPING
												 : GA_OPTION_ON_SERVER;
	bool misplaced = ga_provider_option_find(kind, name, elsewhere) != NULL;

	ereport(
		ERROR,
		(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
		 errmsg("invalid option \"%s\" for a provider of kind %s", name, kind),
		 misplaced
			 ? errdetail("It belongs to the %s.", name_of_place(elsewhere))
			 : 0,
		 errhint("%sValid options here are: %s.",
				 misplaced
					 ? ""
					 : question_what_is_meant(kind, place, elsewhere, name),
				 list_of_options(kind, place))));
}

/*
 * A file's content goes to a host the provider names, and a private host answers
 * to the server as to a friend: so only for who may read such things anyway.  The
 * server's owner is asked again when it is used (store/provider_store).
 */
static void
require_right(const GaProviderOption *option)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to set option \"%s\"", option->name),
			 option->type == GA_OPTION_FILE
				 ? errdetail("It names a file on the server.")
				 : errdetail("It opens the server's private network."),
			 errhint("GRANT pg_read_server_files TO %s; or let a superuser "
					 "own the server.",
					 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
}

/*
 * What can be told without a name service; the courier looks at every address
 * it connects to.  A superuser means what he writes, as long as the server is
 * his.
 */
static void
check_host(const GaProviderOption *option, const char *url, bool allow_private)
{
	const char *host = strstr(url, "://") + 3;
	size_t length = strcspn(host, "/?#");
	struct sockaddr_storage address;

	/* The port comes after the brackets of an IPv6 address. */
	if (*host == '[' && memchr(host, ']', length))
		length = strcspn(host, "]") + 1;
	else
		length = Min(length, strcspn(host, ":"));
	if (!ga_peer_read(host, length, &address))
		return;
	if (ga_peer_is_metadata((struct sockaddr *) &address))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("option \"%s\" must not name a cloud's metadata "
						"service",
						option->name),
				 errhint("Option \"%s\": %s.", option->name, option->help)));
	if (!allow_private && !superuser() &&
		ga_peer_is_private((struct sockaddr *) &address))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to name a private address in option "
						"\"%s\"",
						option->name),
				 errhint("Set option allow_private to true, which members of "
						 "pg_read_server_files may do.")));
}

static void
check_value(const GaProviderOption *option, const char *value)
{
	char complaint[768] = "must be a JSON object"; /* may list all events */
	bool good =
		ga_provider_option_check(option, value, complaint, sizeof(complaint));

	/* The shared check looks at the braces only. */
	if (good && option->type == GA_OPTION_JSON)
		good = ga_json_is_valid(value, strlen(value));
	if (good && option->type == GA_OPTION_KEY &&
		!ga_public_key_is_usable(value))
	{
		good = false;
		snprintf(complaint, sizeof(complaint),
				 "must be a public key of the curve P-256 in base64");
	}
	/* The value itself is not repeated: it may be a secret. */
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("option \"%s\" %s", option->name, complaint),
				 errhint("Option \"%s\": %s.", option->name, option->help)));
}

/* Everybody reads the options of a server; the value is not repeated. */
static void
refuse_literal_key(const GaProviderOption *option, const char *value)
{
	bool is_url = option->type == GA_OPTION_URL;
	const char *name =
		is_url ? ga_literal_key_in_url(value) : ga_literal_key_in_json(value);

	if (name == NULL)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
		 errmsg("option \"%s\" holds what looks like a key in \"%s\"",
				option->name, name),
		 errdetail("Everybody can read the options of a server."),
		 errhint("CREATE USER MAPPING FOR PUBLIC SERVER ... OPTIONS (password "
				 "'the key'); and write %s here.",
				 is_url ? psprintf("%s={password}", name)
				 : pg_strcasecmp(name, "Authorization") == 0
					 ? "\"Authorization\": \"Bearer {password}\""
					 : psprintf("\"%s\": \"{password}\"", name))));
}

/* GaOptionLookup over a list of DefElem. */
static const char *
given_value(void *given, const char *name)
{
	ListCell *cell;

	foreach (cell, (List *) given)
		if (strcmp(lfirst_node(DefElem, cell)->defname, name) == 0)
			return defGetString(lfirst(cell));
	return NULL;
}

/* All that lack are told at once. */
static void
check_required(const char *kind, List *given)
{
	StringInfoData names;
	StringInfoData helps;
	int count = 0;

	initStringInfo(&names);
	initStringInfo(&helps);
	for (const GaProviderOption *option = ga_provider_options;
		 option->name != NULL; option++)
	{
		if (!(option->flags & GA_OPTION_REQUIRED) ||
			!ga_provider_option_is_for(option, kind, GA_OPTION_ON_SERVER) ||
			given_value(given, option->name) != NULL)
			continue;
		appendStringInfo(&names, "%s\"%s\"", count ? ", " : "", option->name);
		appendStringInfo(&helps, "%sOption \"%s\": %s.", count ? " " : "",
						 option->name, option->help);
		count++;
	}
	if (count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 count == 1 ? errmsg("option %s is required for a provider of "
									 "kind %s",
									 names.data, kind)
							: errmsg("options %s are required for a provider "
									 "of kind %s",
									 names.data, kind),
				 errhint("%s", helps.data)));
}

PG_FUNCTION_INFO_V1(group_api_provider_validator);

Datum
group_api_provider_validator(PG_FUNCTION_ARGS)
{
	List *given = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid catalog = PG_GETARG_OID(1);
	const char *kind = kind_of(fcinfo->flinfo->fn_oid);
	int place = catalog == ForeignServerRelationId ? GA_OPTION_ON_SERVER
				: catalog == UserMappingRelationId ? GA_OPTION_ON_MAPPING
												   : 0;
	const char *private = given_value(given, "allow_private");
	bool allow_private = private && strcmp(private, "true") == 0;
	char complaint[256];
	ListCell *cell;

	foreach (cell, given)
	{
		DefElem *element = lfirst_node(DefElem, cell);
		const GaProviderOption *option =
			ga_provider_option_find(kind, element->defname, place);

		if (option == NULL)
			unknown_option(kind, place, element->defname);
		if (ga_provider_option_asks_right(option, defGetString(element)))
			require_right(option);
		check_value(option, defGetString(element));
		if (option->type == GA_OPTION_URL &&
			strcmp(option->name, "callback_url") != 0)
			check_host(option, defGetString(element), allow_private);
		if (option->type == GA_OPTION_JSON ||
			(option->type == GA_OPTION_URL && strcmp(kind, "http") == 0 &&
			 strcmp(option->name, "callback_url") != 0))
			refuse_literal_key(option, defGetString(element));
	}
	if (place == GA_OPTION_ON_SERVER)
		check_required(kind, given);
	if (place != 0 &&
		!ga_provider_options_agree(kind, place, given_value, given, complaint,
								   sizeof(complaint)))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						errmsg("the options of a provider of kind %s do not "
							   "agree",
							   kind),
						errdetail_internal("%s", complaint)));
	PG_RETURN_VOID();
}
