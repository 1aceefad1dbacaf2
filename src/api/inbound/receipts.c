/*
 * receipts.c
 *		receive_receipt(): a provider's callback from the HTTP server in front.
 *
 * Anybody on the internet may call it, with any bytes: it answers with a word
 * and a status, never with an error.  What proves that a callback is honest is
 * in this order: a signature, where the provider signs and its secret is known;
 * otherwise the token in the address we gave.  A refused callback leaves nothing
 * but a count.
 */
#include "postgres.h"

#include <time.h>

#include "access/xact.h"
#include "api/answer/answer.h"
#include "api/caller.h"
#include "api/execute_right.h"
#include "base/callback_url.h"
#include "base/secret_file.h"
#include "dispatch/wake.h"
#include "request/callback/callback.h"
#include "request/contact/contact.h"
#include "request/callback/receipt_meaning.h"
#include "request/soft_json.h"
#include "request/callback/stop_words.h"
#include "store/installation_store.h"
#include "store/invitation_store.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
#include "store/queue/receipt_store.h"
#include "store/suppression_store.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* SendGrid's batches end at 768 kB. */
#define BODY_MAX (1024 * 1024)
#define QUERY_MAX 8192

/* A callback, its provider and what its address names. */
typedef struct Arrival
{
	const char *server;
	GaCallback callback;
	bool secret_is_lost; /* there is one, and it cannot be read */
	bool has_token;		 /* of a message or of the whole server */
	bool is_signed;		 /* by the provider, all of it */
	GaLinkToken message; /* member_number 0: the token names none */
} Arrival;

/* ---- the answer --------------------------------------------------------- */

static Datum
answer(const GaCaller *caller, const char *result, int receipts)
{
	int status = strcmp(result, "refused") == 0		 ? 403
				 : strcmp(result, "unreadable") == 0 ? 400
													 : 200;
	char *text =
		psprintf("{\"result\": \"%s\", \"receipts\": %d}", result, receipts);

	ga_answer_status(caller, status);
	return PointerGetDatum(cstring_to_text(text));
}

/* The best that became of any; every provider's body has one at least. */
static const char *
summary(const GaReceiptResult *results, int count)
{
	GaReceiptResult best = GA_RECEIPT_REPLAYED;

	for (int i = 0; i < count; i++)
		best = Min(best, results[i]);
	return ga_receipt_result_name(best);
}

/* ---- the provider ------------------------------------------------------- */

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
	else if (ga_secret_file_read(file, line, sizeof(line)))
		secret = MemoryContextStrdup(scope->caller_context, line);
	else
		problem = "It must be a file with a first line that the server's user "
				  "alone may read";
	explicit_bzero(line, sizeof(line));
	note_password_file(provider->server, problem);
	return secret;
}

/* Of the mapping: what the provider signs with. */
static void
find_secret(const GaOwnerScope *scope, Arrival *arrival,
			const GaProviderRow *provider)
{
	const char *secret = ga_provider_row_setting(provider, "signature_secret");
	const char *file = ga_provider_row_setting(provider, "password_file");

	if (secret == NULL)
		secret = ga_provider_row_setting(provider, "verification_key");
	if (secret == NULL && ga_signature_uses_password(provider->kind))
	{
		secret = ga_provider_row_setting(provider, "password");
		if (secret == NULL && file != NULL)
			secret = read_password_file(scope, provider, file);
	}
	arrival->secret_is_lost = secret != NULL && *secret == '\0';
	arrival->callback.secret = secret;
}

/* False when no receipts can come from such a server. */
static bool
find_provider(const GaOwnerScope *scope, Arrival *arrival, const char *server)
{
	GaProviderRow provider;

	if (!ga_provider_find(scope, server, &provider))
		return false;
	arrival->server = provider.server;
	if (!ga_receipt_kind_is_known(provider.kind))
		return false;
	arrival->callback.kind = provider.kind;
	arrival->callback.callback_url =
		ga_provider_row_setting(&provider, "callback_url");
	find_secret(scope, arrival, &provider);
	return true;
}

/* ---- the proof ---------------------------------------------------------- */

/* False when there is a token and it is none of ours. */
static bool
read_token(Arrival *arrival)
{
	const GaFormField *field =
		ga_form_find(&arrival->callback.query_fields, GA_CALLBACK_RECEIPT);
	uint8 secret[GA_LINK_SECRET_LENGTH];
	GaLinkToken account;
	bool is_valid;

	if (field == NULL)
		return true;
	is_valid = field->value.length < GA_LINK_TOKEN_MAX &&
			   strlen(field->value.data) == field->value.length &&
			   ga_link_secret_find(secret) &&
			   ga_link_token_read(secret, GA_LINK_RECEIPT, field->value.data,
								  &arrival->message);
	explicit_bzero(secret, sizeof(secret));
	if (!is_valid)
		return false;
	arrival->has_token = true;
	if (arrival->message.member_number > 0)
		return true;
	/* It names a server: is it this one? */
	account = ga_callback_account(arrival->server);
	return account.group_number == arrival->message.group_number;
}

static bool
is_believed(Arrival *arrival)
{
	if (arrival->secret_is_lost || !read_token(arrival))
		return false;
	switch (ga_signature_check(&arrival->callback))
	{
		case GA_SIGNATURE_GOOD:
			arrival->is_signed = true;
			return true;
		case GA_SIGNATURE_NONE:
		case GA_SIGNATURE_PARTLY:
			return arrival->has_token;
		case GA_SIGNATURE_BAD:
			break;
	}
	return false;
}

/* ---- the events --------------------------------------------------------- */

static bool
read_number(const char **at, int32 *number)
{
	int64 value = 0;
	const char *start = *at;

	while (**at >= '0' && **at <= '9' && value <= PG_INT32_MAX)
		value = value * 10 + *(*at)++ - '0';
	*number = (int32) value;
	return *at > start && value >= 1 && value <= PG_INT32_MAX;
}

/* Where a provider takes no dot, an underscore stands for it. */
static bool
skip_dot(const char **at)
{
	bool found = **at == '.' || **at == '_';

	*at += found;
	return found;
}

/* Our key of a message: inv-<32 digits>.<member>.<version>, and maybe .r<n> */
static bool
read_key(const char *key, GaReceipt *receipt)
{
	if (strncmp(key, "inv-", 4) != 0 ||
		strspn(key + 4, "0123456789abcdef") != 2 * UUID_LEN)
		return false;
	key += 4;
	for (int i = 0; i < UUID_LEN; i++)
	{
		char pair[3] = {key[2 * i], key[2 * i + 1], '\0'};

		receipt->group_id.data[i] = (unsigned char) strtol(pair, NULL, 16);
	}
	key += 2 * UUID_LEN;
	if (!skip_dot(&key) || !read_number(&key, &receipt->ref.member_number) ||
		!skip_dot(&key) || !read_number(&key, &receipt->ref.version))
	{
		receipt->ref.member_number = 0;
		return false;
	}
	receipt->by_group_id = true;
	return true;
}

static void
append_part(StringInfo out, const char *text)
{
	appendStringInfo(out, "%zu:%s", text ? strlen(text) : 0, text ? text : "");
}

/*
 * The same event has the same digest, however often and with whatever headers
 * it comes.
 */
static const uint8 *
event_digest(const Arrival *arrival, const GaReceiptEvent *event,
			 const GaReceipt *receipt)
{
	GaDigest *digest = palloc(sizeof(GaDigest));
	StringInfoData out;

	initStringInfo(&out);
	append_part(&out, arrival->server);
	append_part(&out, event->nonce);
	if (event->nonce == NULL)
	{
		appendBinaryStringInfo(&out, (const char *) receipt->group_id.data,
							   UUID_LEN);
		appendStringInfo(&out, INT64_FORMAT ".%d.%d", receipt->ref.group_number,
						 receipt->ref.member_number, receipt->ref.version);
		append_part(&out, event->message_id);
		append_part(&out, event->word);
		append_part(&out, event->code);
		append_part(&out, event->text);
		append_part(&out, event->time);
	}
	*digest = ga_digest_hash(PG_SHA256, (GaBytes){out.data, out.len});
	if (digest->length == 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not compute the digest of a receipt")));
	return digest->bytes;
}

static void
fill_receipt(const Arrival *arrival, const GaReceiptEvent *event,
			 GaReceipt *receipt)
{
	const char *kind = arrival->callback.kind;
	GaReceiptMeaning meaning = ga_receipt_meaning(kind, event);

	receipt->way = "callback";
	receipt->server = arrival->server;
	if (arrival->message.member_number > 0)
		receipt->ref = arrival->message;
	else if (event->reference != NULL)
		(void) read_key(event->reference, receipt);
	receipt->message_id = event->message_id;
	receipt->status = meaning.status;
	receipt->code = event->code;
	receipt->reason = meaning.reason;
	receipt->suppress = meaning.suppress;
	receipt->evidence = meaning.evidence;
	receipt->digest = event_digest(arrival, event, receipt);
	receipt->counts_once =
		event->nonce != NULL && ga_signature_counts_once(&arrival->callback);
	receipt->may_be_part = ga_receipt_tells_each_part(kind);
	receipt->raw = event->raw.data;
	receipt->raw_length = event->raw.length;
}

/* ---- messages that come in ---------------------------------------------- */

/* "27701231234" and "+27 70 123 1234"; false: it is no number of a person. */
static bool
read_sender(const char *sender, GaContact *contact)
{
	GaContactFault fault;
	StringInfoData number;

	initStringInfo(&number);
	appendStringInfoChar(&number, '+');
	for (; *sender; sender++)
		if (*sender >= '0' && *sender <= '9')
			appendStringInfoChar(&number, *sender);
	return ga_contact_check(GA_CHANNEL_MOBILE, number.data, contact, &fault);
}

static GaReceiptResult
obey(const Arrival *arrival, GaWish wish, const GaContact *contact)
{
	bool changed =
		wish == GA_WISH_STOP
			? ga_suppression_add(GA_CHANNEL_MOBILE, contact->value,
								 &(GaSuppressionCause){
									 .reason = "opted_out",
									 .server = arrival->server,
									 .code = "STOP",
									 .evidence = "the person's own message",
								 })
			: ga_suppression_remove_reason(GA_CHANNEL_MOBILE, contact->value,
										   "opted_out");
	return changed ? GA_RECEIPT_MOVED : GA_RECEIPT_KNOWN;
}

/*
 * A person answered.  The token of one message says nothing about whose answer
 * it is: it takes a signature or the token of the whole server.
 */
static GaReceiptResult
take_answer(const Arrival *arrival, const GaReceiptEvent *event)
{
	bool is_proved = arrival->is_signed || arrival->message.member_number == 0;
	GaWish wish = is_proved ? ga_wish_read(event->said) : GA_WISH_NONE;
	GaContact contact;

	if (wish == GA_WISH_NONE || !read_sender(event->sender, &contact))
		return GA_RECEIPT_UNKNOWN;
	return obey(arrival, wish, &contact);
}

/* ---- the whole ---------------------------------------------------------- */

/* A list may hold receipts and answers of persons. */
static Datum
apply_events(const GaCaller *caller, const Arrival *arrival,
			 const GaReceiptEvent *events, int count)
{
	GaReceipt *receipts = palloc0(sizeof(GaReceipt) * count);
	GaReceiptResult *results = palloc(sizeof(GaReceiptResult) * count);
	int told = 0;
	int said = 0;
	GaOwnerScope scope;

	for (int i = 0; i < count; i++)
		if (events[i].said == NULL)
			fill_receipt(arrival, &events[i], &receipts[told++]);
	ga_owner_enter(&scope);
	for (int i = 0; i < count; i++)
		if (events[i].said != NULL)
			results[told + said++] = take_answer(arrival, &events[i]);
	if (told > 0 && ga_receipts_apply(receipts, told, results))
		ga_wake_at_end();
	/* Counters are locked last. */
	for (int i = told; i < count; i++)
		ga_receipt_count(arrival->server, ga_receipt_result_name(results[i]));
	ga_owner_leave(&scope);
	return answer(caller, summary(results, count), count);
}

static Datum
turn_away(const GaCaller *caller, const Arrival *arrival, const char *result)
{
	GaOwnerScope scope;

	ga_owner_enter(&scope);
	ga_receipt_count(arrival->server, result);
	ga_owner_leave(&scope);
	return answer(caller, result, 0);
}

static Datum
receive(const GaCaller *caller, const char *server, Arrival *arrival)
{
	GaCallback *callback = &arrival->callback;
	GaReceiptEvent *events;
	GaOwnerScope scope;
	bool is_believable;
	int count;

	ga_owner_enter(&scope);
	is_believable = server != NULL && find_provider(&scope, arrival, server);
	ga_owner_leave(&scope);
	if (!is_believable)
		return turn_away(caller, arrival, "refused");
	if (callback->body.length > BODY_MAX || strlen(callback->query) > QUERY_MAX)
		return turn_away(caller, arrival, "unreadable");
	callback->now = (int64) time(NULL);
	ga_callback_open(callback);
	ga_owner_enter(&scope);
	is_believable = is_believed(arrival);
	ga_owner_leave(&scope);
	if (!is_believable)
		return turn_away(caller, arrival, "refused");
	count = ga_receipt_read(callback, &events);
	if (count == 0)
		return turn_away(caller, arrival, "unreadable");
	return apply_events(caller, arrival, events, count);
}

/* The value of a header; a list of several counts by its first. */
static const char *
header_value(JsonbValue *value)
{
	if (value->type == jbvBinary &&
		JsonContainerIsArray(value->val.binary.data))
		value = getIthJsonbValueFromContainer(value->val.binary.data, 0);
	return value ? ga_soft_json_text(value) : NULL;
}

/* GaHeaderLookup over a jsonb object. */
static const char *
find_header(void *headers, const char *name)
{
	size_t length = strlen(name);
	JsonbIteratorToken token;
	JsonbIterator *iterator;
	JsonbValue value;

	if (headers == NULL || !JB_ROOT_IS_OBJECT((Jsonb *) headers))
		return NULL;
	iterator = JsonbIteratorInit(&((Jsonb *) headers)->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		bool found = token == WJB_KEY && value.val.string.len == (int) length &&
					 pg_strncasecmp(value.val.string.val, name, length) == 0;

		if (token == WJB_KEY &&
			JsonbIteratorNext(&iterator, &value, true) == WJB_VALUE && found)
			return header_value(&value);
	}
	return NULL;
}

static const char *
without_mark(const char *query)
{
	return query + (*query == '?');
}

PG_FUNCTION_INFO_V1(group_api_receive_receipt);

Datum
group_api_receive_receipt(PG_FUNCTION_ARGS)
{
	Arrival arrival = {.callback = {.header = find_header, .query = ""}};
	GaCallback *callback = &arrival.callback;
	GaCaller caller;

	ga_caller_read(&caller);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return turn_away(&caller, &arrival, "unreadable");
	callback->body = (GaBytes){VARDATA_ANY(PG_GETARG_BYTEA_PP(1)),
							   VARSIZE_ANY_EXHDR(PG_GETARG_BYTEA_PP(1))};
	if (!PG_ARGISNULL(2))
		callback->headers = PG_GETARG_JSONB_P(2);
	if (!PG_ARGISNULL(3))
		callback->query = without_mark(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	/* What stands in the body of a GET is nobody's word. */
	if (!PG_ARGISNULL(4) &&
		pg_strcasecmp(text_to_cstring(PG_GETARG_TEXT_PP(4)), "GET") == 0)
		callback->body = ga_bytes("");
	return receive(&caller, NameStr(*PG_GETARG_NAME(0)), &arrival);
}

/* The body alone; all else comes by headers. */
PG_FUNCTION_INFO_V1(group_api_receive_receipt_http);

Datum
group_api_receive_receipt_http(PG_FUNCTION_ARGS)
{
	Arrival arrival = {.callback = {.header = find_header, .query = ""}};
	GaCallback *callback = &arrival.callback;
	const char *query;
	GaFormFields fields;
	const GaFormField *server;
	GaCaller caller;

	/* The form with all parts as arguments is for others. */
	ga_execute_right_check(fcinfo, GA_BODY_FORMS);
	ga_caller_read(&caller);
	if (PG_ARGISNULL(0))
		return turn_away(&caller, &arrival, "unreadable");
	callback->body = (GaBytes){VARDATA_ANY(PG_GETARG_TEXT_PP(0)),
							   VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0))};
	callback->headers = ga_caller_headers(&caller);
	query = find_header(callback->headers, "x-receipt-query");
	if (query != NULL)
		callback->query = without_mark(query);
	fields = ga_form_read(
		(GaBytes){callback->query, strnlen(callback->query, QUERY_MAX)});
	server = ga_form_find(&fields, GA_CALLBACK_SERVER);
	return receive(
		&caller,
		server && ga_bytes_are_text(server->value) ? server->value.data : NULL,
		&arrival);
}

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
			ga_reload_at_commit();
		CommandCounterIncrement();
		PushCopiedSnapshot(GetActiveSnapshot());
		UpdateActiveSnapshotCommandId();
		ga_link_secret_read(secret);
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
