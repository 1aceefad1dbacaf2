/*
 * provider_trial.c
 *		One short message through a provider, for an operator who asks.
 *
 * The courier program sends it in a child of this backend: the network enters
 * no process of the server.  The provider's settings go to it over its standard
 * input, secrets and all, and appear nowhere else.  This is the one call whose
 * transaction is open while the network is waited for: the operator sees that,
 * can cancel it, and it holds no lock that anybody waits for.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/courier_call.h"
#include "base/provider_config.h"
#include "base/shared/wire.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "request/contact/contact.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#define ANSWER_MAX (256 * 1024)
/* Beyond the provider's own time-outs: starting, and saying goodbye. */
#define SPARE_S 10

/* Inside the owner's scope; the rows outlive it. */
static bool
find_provider(const GaOwnerScope *scope, const char *server,
			  GaProviderConfig *config)
{
	GaProviderRow *rows;
	int count = ga_providers_read(scope, &rows);

	for (int i = 0; i < count; i++)
		if (strcmp(rows[i].server, server) == 0)
		{
			*config = ga_provider_row_config(&rows[i]);
			return true;
		}
	return false;
}

static void
read_provider(const char *server, GaProviderConfig *config)
{
	GaOwnerScope scope;
	bool found;

	ga_owner_enter(&scope);
	found = find_provider(&scope, server, config);
	ga_owner_leave(&scope);
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("provider \"%s\" does not exist", server),
				 errhint("SELECT * FROM group_api.providers; lists them.")));
}

static const char *
read_contact(GaChannel channel, const char *text)
{
	GaContact contact = {0};
	GaContactFault fault = {0};

	if (!ga_contact_check(channel, text, &contact, &fault))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the contact cannot be reached by this provider"),
			 errdetail("It %s.", fault.message),
			 errhint("This provider sends to %s.",
					 channel == GA_CHANNEL_MOBILE
						 ? "mobile numbers in international form, +27701231234"
						 : "e-mail addresses")));
	return contact.value;
}

static void
put_member(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, ",\"%s\":", name);
	escape_json(json, value);
}

/* What the program is to do, as `group_api_courier send` reads it. */
static void
put_order(StringInfo json, const GaProviderConfig *config, const char *contact)
{
	const char *text = psprintf("This is a test of the provider %s of "
								"group_api. Nothing needs to be done.",
								config->server);
	uint32 id[4];

	if (!pg_strong_random(id, sizeof(id)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate the key of a message")));
	appendStringInfoString(json, "{\"provider\":");
	ga_provider_config_put(json, config);
	appendStringInfoString(json, ",\"job\":{\"id\":1");
	put_member(json, "provider", config->server);
	put_member(json, "to", contact);
	if (ga_provider_channel(config) == GA_CHANNEL_EMAIL)
		put_member(json, "subject", "Test of group_api");
	put_member(json, "text", text);
	appendStringInfo(json, ",\"message_key\":\"test-%08x%08x%08x%08x\"}}",
					 id[0], id[1], id[2], id[3]);
}

static int
seconds_of(const GaProviderConfig *config, const char *name)
{
	const char *value = ga_provider_setting(config, name);

	return value ? atoi(value) : 0;
}

/* As long as the courier itself may take (courier/smtp/smtp.c waits five times). */
static int
timeout_ms(const GaProviderConfig *config)
{
	int waits = strcmp(config->kind, "smtp") == 0 ? 5 : 1;

	return 1000 * (seconds_of(config, "connect_timeout") +
				   seconds_of(config, "greeting_timeout") +
				   waits * seconds_of(config, "timeout") + SPARE_S);
}

static bool
begins_with_any(const char *text, const char *const *beginnings)
{
	for (; *beginnings; beginnings++)
		if (strncmp(text, *beginnings, strlen(*beginnings)) == 0)
			return true;
	return false;
}

/* Of the program's answer, or of one of our own (then without flags). */
typedef struct TrialResult
{
	const char *outcome;
	const char *code;
	bool is_unreached;
	bool is_untrusted;
} TrialResult;

/* What to do about it; NULL: nothing that could be told. */
static const char *
hint_for(const GaProviderConfig *config, const TrialResult *result)
{
	static const char *const login[] = {"530",		"534",		"535",	 "538",
										"http 401", "http 403", "20003", NULL};
	const char *server = quote_identifier(config->server);

	if (config->forbidden)
		return psprintf("GRANT pg_read_server_files TO the owner of %s, or "
						"ALTER SERVER %s OWNER TO somebody who has it",
						server, server);
	if (strcmp(result->code, "private address") == 0)
		return psprintf("ALTER SERVER %s OPTIONS (ADD allow_private 'true'); "
						"as a member of pg_read_server_files",
						server);
	if (result->is_untrusted)
		return psprintf("ALTER SERVER %s OPTIONS (ADD ca_file '/...'); names "
						"the authorities to trust; the certificate must be for "
						"the host in the URL",
						server);
	if (result->is_unreached)
		return ga_provider_setting(config, "url")
				   ? psprintf("ALTER SERVER %s OPTIONS (SET url '...'); if "
							  "host or port are wrong, else look for a "
							  "firewall",
							  server)
				   : "look whether this machine can reach the provider: DNS, "
					 "a firewall";
	if (strcmp(result->outcome, "misconfigured") != 0)
		return NULL;
	if (begins_with_any(result->code, login))
		return psprintf(
			ga_provider_setting(config, "password")
				? "ALTER USER MAPPING FOR PUBLIC SERVER %s OPTIONS (SET "
				  "password '...');"
			: ga_provider_setting(config, "password_file")
				? "correct the file of option password_file of %s"
				: "CREATE USER MAPPING FOR PUBLIC SERVER %s OPTIONS (username "
				  "'...', password '...');",
			server);
	return psprintf("correct it with ALTER SERVER %s or ALTER USER MAPPING FOR "
					"PUBLIC SERVER %s",
					server, server);
}

static const char *
text_of(Jsonb *answer, const char *name)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(&answer->root, name, strlen(name),
									 &value) == NULL ||
		value.type != jbvString)
		return "";
	return pnstrdup(value.val.string.val, value.val.string.len);
}

static bool
is_true_in(Jsonb *answer, const char *name)
{
	JsonbValue value;

	return getKeyJsonValueFromContainer(&answer->root, name, strlen(name),
										&value) != NULL &&
		   value.type == jbvBool && value.val.boolean;
}

static void
put_hint(StringInfo json, const char *hint)
{
	appendStringInfoString(json, ", \"hint\" : ");
	if (hint)
		escape_json(json, hint);
	else
		appendStringInfoString(json, "null");
	appendStringInfoChar(json, '}');
}

/* Members of the program's answer, in the order it has them. */
static void
put_answer(StringInfo json, const GaProviderConfig *config, Jsonb *answer)
{
	static const char *const names[] = {"outcome", "code", "detail",
										"message_id", "elapsed_ms"};
	TrialResult result = {
		.outcome = text_of(answer, "outcome"),
		.code = text_of(answer, "code"),
		.is_unreached = is_true_in(answer, "unreached"),
		.is_untrusted = is_true_in(answer, "untrusted"),
	};

	for (int i = 0; i < lengthof(names); i++)
	{
		JsonbValue value;
		bool found =
			getKeyJsonValueFromContainer(&answer->root, names[i],
										 strlen(names[i]), &value) != NULL;

		appendStringInfo(json, "%s\"%s\" : ", i == 0 ? "{" : ", ", names[i]);
		if (found && value.type == jbvString)
			escape_json(json,
						pnstrdup(value.val.string.val, value.val.string.len));
		else if (found && value.type == jbvNumeric)
			appendStringInfoString(
				json, DatumGetCString(DirectFunctionCall1(
						  numeric_out, NumericGetDatum(value.val.numeric))));
		else
			appendStringInfoString(json, "null");
	}
	put_hint(json, hint_for(config, &result));
}

/* An outcome of our own: the program told none. */
static void
put_failure(StringInfo json, const GaProviderConfig *config,
			const char *outcome, const char *code, const char *detail)
{
	TrialResult result = {.outcome = outcome, .code = code};

	appendStringInfo(json, "{\"outcome\" : \"%s\", \"code\" : \"%s\"", outcome,
					 code);
	appendStringInfoString(json, ", \"detail\" : ");
	escape_json(json, detail);
	appendStringInfoString(json,
						   ", \"message_id\" : null, \"elapsed_ms\" : null");
	put_hint(json, hint_for(config, &result));
}

/* The first line of the program's complaint without its name. */
static const char *
first_line(const char *complaint)
{
	static const char name[] = "group_api_courier: ";

	if (strncmp(complaint, name, strlen(name)) == 0)
		complaint += strlen(name);
	return pnstrdup(complaint, strcspn(complaint, "\r\n"));
}

static Datum
tell(const GaProviderConfig *config, const GaCourierCall *call)
{
	StringInfoData json;

	initStringInfo(&json);
	if (call->end == GA_COURIER_TIMED_OUT)
		put_failure(&json, config, ga_wire_outcome_name(GA_OUTCOME_UNCERTAIN),
					"timeout",
					"the courier took longer than the provider's time-outs");
	else if (call->end == GA_COURIER_EXITED && call->status == 2)
		put_failure(&json, config,
					ga_wire_outcome_name(GA_OUTCOME_MISCONFIGURED), "provider",
					first_line(call->complaint));
	else if (call->end == GA_COURIER_EXITED &&
			 ga_json_is_valid(call->output.data, call->output.len))
		put_answer(&json, config,
				   DatumGetJsonbP(DirectFunctionCall1(
					   jsonb_in, CStringGetDatum(call->output.data))));
	else
		put_failure(&json, config, ga_wire_outcome_name(GA_OUTCOME_UNCERTAIN),
					"courier", "the courier died while sending");
	return PointerGetDatum(cstring_to_text(json.data));
}

PG_FUNCTION_INFO_V1(group_api_test_provider);

Datum
group_api_test_provider(PG_FUNCTION_ARGS)
{
	GaProviderConfig config;
	GaCourierCall call = {.verb = "send", .output_max = ANSWER_MAX};
	StringInfoData order;
	const char *contact;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the provider and the contact must not be null"),
						errhint("SELECT group_api.test_provider('mail', "
								"'you@example.com');")));
	read_provider(NameStr(*PG_GETARG_NAME(0)), &config);
	if (ga_provider_channel(&config) == GA_CHANNEL_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a webhook, which takes no messages",
						config.server),
				 errhint("SELECT group_api.replay_events(%s, now() - interval "
						 "'1 hour'); tells it again what happened.",
						 quote_literal_cstr(config.server))));
	contact = read_contact(ga_provider_channel(&config),
						   text_to_cstring(PG_GETARG_TEXT_PP(1)));
	initStringInfo(&order);
	put_order(&order, &config, contact);
	call.input = order.data;
	call.input_length = order.len;
	call.timeout_ms = timeout_ms(&config);
	ga_courier_call(&call);
	explicit_bzero(order.data, order.len);
	PG_RETURN_DATUM(tell(&config, &call));
}
