/*
 * receipts.c
 *		receive_receipt(): a provider's callback from the HTTP server in front.
 *
 * Anybody on the internet may call it, with any bytes: it answers with a word
 * and a status, never with an error.  What a callback is and means is read in
 * request/callback; here it is proved, and its events are applied.  A refused
 * callback leaves nothing but a count.
 */
#include "postgres.h"

#include "base/compat.h"
#include <time.h>

#include "api/answer/answer.h"
#include "api/caller.h"
#include "api/execute_right.h"
#include "api/inbound/callback_provider.h"
#include "base/callback_url.h"
#include "base/shared/message_key.h"
#include "common/sha2.h"
#include "dispatch/wake.h"
#include "request/callback/callback.h"
#include "request/callback/receipt.h"
#include "request/soft_json.h"
#include "store/installation_store.h"
#include "store/plan_cache.h"
#include "store/queue/receipt_count_store.h"
#include "store/queue/receipt_store.h"
#include "store/suppression_store.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/* SendGrid's batches end at 768 kB. */
#define BODY_MAX (1024 * 1024)
#define QUERY_MAX 8192

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

/* ---- the events --------------------------------------------------------- */

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
event_digest(const GaCallback *callback, const GaReceiptEvent *event,
			 const GaReceipt *receipt)
{
	GaDigest *digest = palloc(sizeof(GaDigest));
	StringInfoData out;

	initStringInfo(&out);
	append_part(&out, callback->server);
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

/* Which message it is about: as the token says, or else as the event does. */
static void
fill_message(const GaCallbackProof *proof, const char *reference,
			 GaReceipt *receipt)
{
	GaMessageKey key;

	if (proof->message.member_number > 0)
		receipt->ref = proof->message;
	else if (reference != NULL && ga_message_key_read(reference, &key) != NULL)
	{
		receipt->by_group_id = true;
		memcpy(receipt->group_id.data, key.group_id, UUID_LEN);
		receipt->ref.member_number = key.member_number;
		receipt->ref.version = key.version;
	}
}

static void
fill_receipt(const GaCallback *callback, const GaCallbackProof *proof,
			 const GaReceiptEvent *event, GaReceipt *receipt)
{
	fill_message(proof, event->reference, receipt);
	receipt->way = "callback";
	receipt->server = callback->server;
	receipt->message_id = event->message_id;
	receipt->status = event->status;
	receipt->code = event->code;
	receipt->reason = event->reason;
	receipt->suppress = event->suppress;
	receipt->evidence = event->evidence;
	receipt->digest = event_digest(callback, event, receipt);
	receipt->counts_once = event->nonce != NULL && callback->secret != NULL &&
						   callback->kind->is_signed_without_event;
	receipt->may_be_part = callback->kind->tells_each_part;
	receipt->raw = event->raw.data;
	receipt->raw_length = event->raw.length;
}

/* STOP and its like. */
static GaReceiptResult
apply_keyword(const GaCallback *callback, const GaReceiptEvent *event)
{
	const char *contact = event->sender.value;
	bool changed =
		event->keyword == GA_KEYWORD_STOP
			? ga_suppression_add(GA_CHANNEL_MOBILE, contact,
								 &(GaSuppressionCause){
									 .reason = "opted_out",
									 .server = callback->server,
									 .code = "STOP",
									 .evidence = "the person's own message",
								 })
			: ga_suppression_remove_reason(GA_CHANNEL_MOBILE, contact,
										   "opted_out");

	return changed ? GA_RECEIPT_MOVED : GA_RECEIPT_KNOWN;
}

/*
 * A person answered.  The token of one message says nothing about whose answer
 * it is: it takes a signature or the token of the whole server.
 */
static GaReceiptResult
take_reply(const GaCallback *callback, const GaCallbackProof *proof,
		   const GaReceiptEvent *event)
{
	bool is_proved = proof->is_signed || proof->message.member_number == 0;

	return is_proved && event->keyword != GA_KEYWORD_NONE
			   ? apply_keyword(callback, event)
			   : GA_RECEIPT_UNKNOWN;
}

/* ---- the whole ---------------------------------------------------------- */

/* A list may hold receipts and answers of persons. */
static Datum
apply_events(const GaCaller *caller, const GaCallback *callback,
			 const GaCallbackProof *proof, const GaReceiptEvent *events,
			 int count)
{
	GaReceipt *receipts = palloc0(sizeof(GaReceipt) * count);
	GaReceiptResult *results = palloc(sizeof(GaReceiptResult) * count);
	int told = 0;
	int said = 0;
	GaOwnerScope scope;

	for (int i = 0; i < count; i++)
		if (!events[i].is_incoming)
			fill_receipt(callback, proof, &events[i], &receipts[told++]);
	ga_owner_enter(&scope);
	for (int i = 0; i < count; i++)
		if (events[i].is_incoming)
			results[told + said++] = take_reply(callback, proof, &events[i]);
	if (told > 0 && ga_receipts_apply(receipts, told, results))
		ga_wake_at_end();
	/* Counters are locked last. */
	for (int i = told; i < count; i++)
		ga_receipt_count(callback->server, ga_receipt_result_name(results[i]));
	ga_owner_leave(&scope);
	return answer(caller, summary(results, count), count);
}

static Datum
turn_away(const GaCaller *caller, const char *server, const char *result)
{
	GaOwnerScope scope;

	ga_owner_enter(&scope);
	ga_receipt_count(server, result);
	ga_owner_leave(&scope);
	return answer(caller, result, 0);
}

static Datum
receive(const GaCaller *caller, const char *server, GaCallback *callback)
{
	uint8 key[GA_LINK_SECRET_LENGTH];
	GaCallbackProof proof;
	GaReceiptEvent *events;
	GaOwnerScope scope;
	bool is_known;
	bool is_short;
	bool has_key;
	bool is_proved;
	int count;

	ga_owner_enter(&scope);
	is_known =
		server != NULL && ga_callback_provider_find(&scope, server, callback);
	is_short = callback->body.length <= BODY_MAX &&
			   strlen(callback->query) <= QUERY_MAX;
	has_key = is_known && is_short && ga_installation_find_link_secret(key);
	ga_owner_leave(&scope);
	if (!is_known)
		return turn_away(caller, callback->server, "refused");
	if (!is_short)
		return turn_away(caller, callback->server, "unreadable");
	callback->now = (int64) time(NULL);
	is_proved = ga_callback_prove(callback, has_key ? key : NULL, &proof);
	explicit_bzero(key, sizeof(key));
	if (!is_proved)
		return turn_away(caller, callback->server, "refused");
	count = ga_receipt_read(callback, &events);
	if (count == 0)
		return turn_away(caller, callback->server, "unreadable");
	return apply_events(caller, callback, &proof, events, count);
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
	GaCallback callback = {.header = find_header, .query = ""};
	GaCaller caller;

	ga_caller_read(&caller);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return turn_away(&caller, NULL, "unreadable");
	callback.body = (GaBytes){VARDATA_ANY(PG_GETARG_BYTEA_PP(1)),
							  VARSIZE_ANY_EXHDR(PG_GETARG_BYTEA_PP(1))};
	if (!PG_ARGISNULL(2))
		callback.headers = PG_GETARG_JSONB_P(2);
	if (!PG_ARGISNULL(3))
		callback.query = without_mark(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	/* What stands in the body of a GET is nobody's word. */
	if (!PG_ARGISNULL(4) &&
		pg_strcasecmp(text_to_cstring(PG_GETARG_TEXT_PP(4)), "GET") == 0)
		callback.body = ga_bytes("");
	return receive(&caller, NameStr(*PG_GETARG_NAME(0)), &callback);
}

/* The body alone; all else comes by headers. */
PG_FUNCTION_INFO_V1(group_api_receive_receipt_http);

Datum
group_api_receive_receipt_http(PG_FUNCTION_ARGS)
{
	GaCallback callback = {.header = find_header, .query = ""};
	const char *query;
	GaFormFields fields;
	const GaFormField *server;
	GaCaller caller;

	/* The form with all parts as arguments is for others. */
	ga_execute_right_check(fcinfo, GA_BODY_FORMS);
	ga_caller_read(&caller);
	if (PG_ARGISNULL(0))
		return turn_away(&caller, NULL, "unreadable");
	callback.body = (GaBytes){VARDATA_ANY(PG_GETARG_TEXT_PP(0)),
							  VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0))};
	callback.headers = ga_caller_headers(&caller);
	query = find_header(callback.headers, "x-receipt-query");
	if (query != NULL)
		callback.query = without_mark(query);
	fields = ga_form_read(
		(GaBytes){callback.query, strnlen(callback.query, QUERY_MAX)});
	server = ga_form_find(&fields, GA_CALLBACK_SERVER);
	return receive(&caller,
				   server && ga_callback_bytes_are_text(server->value)
					   ? server->value.data
					   : NULL,
				   &callback);
}
