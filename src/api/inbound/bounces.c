/*
 * bounces.c
 *		Mail that came back, as a mail server hands it over.
 *
 * The courier program reads it (a stranger's MIME has no business in a server
 * process) and says what it claims; here it is matched and believed or not.  A
 * token made with our secret proves which message it is about: it stands in the
 * envelope's sender (VERP) and in the ENVID we gave.  A Message-ID proves
 * nothing, since the id of a group is no secret: a setting, off by default, lets it
 * move that one delivery; what it says suppresses nobody.
 *
 * Nothing that proves to be about a message of ours is dropped in silence: when a
 * mail server sent it, and it is neither a delay nor somebody's automatic reply, it
 * is a failure, whatever its form.  The rest is ignored, counted, and kept where it
 * had a token.
 *
 * What is kept of the mail are the report's facts without its tokens: the mail
 * itself may carry the invitation's link.
 */
#include "postgres.h"

#include <ctype.h>

#include "base/compat.h"
#include "base/courier_call.h"
#include "base/guc.h"
#include "base/link_token.h"
#include "base/shared/mail_status.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "dispatch/wake.h"
#include "fmgr.h"
#include "store/group/group_store.h"
#include "store/installation_store.h"
#include "store/invitation_store.h"
#include "store/plan_cache.h"
#include "store/queue/receipt_store.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* The courier reads no more than this either. */
#define MAIL_MAX (4 * 1024 * 1024)
#define REPORT_MAX (256 * 1024)
#define TIMEOUT_MS 20000

typedef struct Bounce
{
	Jsonb *report;
	const char *kind;
	const char *status;		/* NULL: not told */
	const char *diagnostic; /* likewise */
	const char *feedback_type;
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	/* what it is about */
	GaReceipt receipt;
	pg_uuid_t group_id;
	bool is_matched;
	bool is_proved;		/* by a token */
	bool names_another; /* the recipient it tells of is not ours */
} Bounce;

/* ---- reading ---------------------------------------------------------------- */

static const char *
get_text(JsonbContainer *object, const char *name)
{
	JsonbValue found;

	if (getKeyJsonValueFromContainer(object, name, strlen(name), &found) ==
			NULL ||
		found.type != jbvString)
		return NULL;
	return pnstrdup(found.val.string.val, found.val.string.len);
}

/* NULL unless the member is an array (or object, as the caller knows). */
static JsonbContainer *
get_container(JsonbContainer *object, const char *name)
{
	JsonbValue found;

	if (getKeyJsonValueFromContainer(object, name, strlen(name), &found) ==
			NULL ||
		found.type != jbvBinary)
		return NULL;
	return found.val.binary.data;
}

static void
compute_digest(Bounce *bounce, const char *mail, size_t length)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	if (context == NULL || pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) mail, length) < 0 ||
		pg_cryptohash_final(context, bounce->digest, sizeof(bounce->digest)) <
			0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not compute the digest of a mail")));
	pg_cryptohash_free(context);
}

/* "<a@b>" and "A@B" are the contact a@b; NULL: whoever it is about. */
static bool
is_about(JsonbContainer *recipient, const char *contact)
{
	static const char *const names[] = {"final", "original"};

	for (int i = 0; contact != NULL && i < lengthof(names); i++)
	{
		const char *address = get_text(recipient, names[i]);
		size_t length = strlen(contact);

		if (address == NULL)
			continue;
		address += *address == '<';
		if (pg_strncasecmp(address, contact, length) == 0 &&
			(address[length] == '\0' || address[length] == '>'))
			return true;
	}
	return contact == NULL;
}

/* Whether the report names recipients, ours not among them: it was forwarded. */
static bool
names_only_others(const Bounce *bounce, const char *contact)
{
	JsonbContainer *recipients =
		get_container(&bounce->report->root, "recipients");
	int count = recipients ? (int) JsonContainerSize(recipients) : 0;
	bool names_any = false;

	for (int i = 0; i < count && contact != NULL; i++)
	{
		JsonbValue *one = getIthJsonbValueFromContainer(recipients, i);

		if (one == NULL || one->type != jbvBinary ||
			(get_text(one->val.binary.data, "final") == NULL &&
			 get_text(one->val.binary.data, "original") == NULL))
			continue;
		if (is_about(one->val.binary.data, contact))
			return false;
		names_any = true;
	}
	return names_any;
}

/* The first recipient with this fate, and who is meant if that is told. */
static bool
find_recipient(Bounce *bounce, const char *fate, const char *contact)
{
	JsonbContainer *recipients =
		get_container(&bounce->report->root, "recipients");
	int count = recipients ? (int) JsonContainerSize(recipients) : 0;

	for (int i = 0; i < count; i++)
	{
		JsonbValue *one = getIthJsonbValueFromContainer(recipients, i);
		const char *action;

		if (one == NULL || one->type != jbvBinary)
			continue;
		action = get_text(one->val.binary.data, "action");
		if (action == NULL || strcmp(action, fate) != 0 ||
			!is_about(one->val.binary.data, contact))
			continue;
		bounce->status = get_text(one->val.binary.data, "status");
		bounce->diagnostic = get_text(one->val.binary.data, "diagnostic");
		return true;
	}
	return false;
}

/* Of a report about several, what it says of ours, where it names ours. */
static void
narrow(Bounce *bounce, const char *contact)
{
	static const char *const fates[] = {"failed", "delayed", "delivered",
										"relayed", "expanded"};

	bounce->names_another = names_only_others(bounce, contact);
	for (int i = 0; contact != NULL && i < lengthof(fates); i++)
		if (find_recipient(bounce, fates[i], contact))
		{
			bounce->kind = fates[i];
			return;
		}
}

/* False: the program could not make sense of it. */
static bool
read_mail(Bounce *bounce, const char *mail, size_t length)
{
	GaCourierCall call = {.verb = "bounce",
						  .input = mail,
						  .input_length = Min(length, (size_t) MAIL_MAX),
						  .output_max = REPORT_MAX,
						  .timeout_ms = TIMEOUT_MS,
						  .reads_strangers = true};

	ga_courier_call(&call);
	/* What a mail can cost is bounded by CPU time: the machine stands still. */
	if (call.end == GA_COURIER_TIMED_OUT)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
						errmsg("the mail was not read within %d seconds",
							   TIMEOUT_MS / 1000),
						errhint("Hand it in again later; the mail server does "
								"so when its program exits with 75.")));
	if (call.end != GA_COURIER_EXITED || call.status != 0 ||
		!ga_json_is_valid(call.output.data, call.output.len))
		return false;
	bounce->report = DatumGetJsonbP(
		DirectFunctionCall1(jsonb_in, CStringGetDatum(call.output.data)));
	if (!JB_ROOT_IS_OBJECT(bounce->report))
		return false;
	bounce->kind = get_text(&bounce->report->root, "kind");
	if (bounce->kind == NULL)
		return false;
	bounce->feedback_type = get_text(&bounce->report->root, "feedback_type");
	(void) find_recipient(bounce, bounce->kind, NULL);
	return true;
}

/* ---- matching --------------------------------------------------------------- */

static bool
match_token(Bounce *bounce, const uint8 *secret, const char *text)
{
	return ga_link_token_read(secret, GA_LINK_RECEIPT, text,
							  &bounce->receipt.ref);
}

/* name+TOKEN@domain */
static bool
match_address(Bounce *bounce, const uint8 *secret, const char *address)
{
	const char *at = strrchr(address, '@');
	char *local = at ? pnstrdup(address, at - address) : NULL;
	const char *plus = local ? strrchr(local, '+') : NULL;

	return plus != NULL && match_token(bounce, secret, plus + 1);
}

static bool
match_addresses(Bounce *bounce, const uint8 *secret)
{
	JsonbContainer *addresses = get_container(&bounce->report->root, "to");
	int count = addresses ? (int) JsonContainerSize(addresses) : 0;

	for (int i = 0; i < count; i++)
	{
		JsonbValue *one = getIthJsonbValueFromContainer(addresses, i);

		if (one != NULL && one->type == jbvString &&
			match_address(bounce, secret,
						  pnstrdup(one->val.string.val, one->val.string.len)))
			return true;
	}
	return false;
}

static bool
match_envelope_id(Bounce *bounce, const uint8 *secret)
{
	const char *id = get_text(&bounce->report->root, "envelope_id");
	size_t length = id ? strlen(id) : 0;

	if (length == 0)
		return false;
	/* See courier/smtp/smtp.c: an older libcurl cannot but add it. */
	if (id[length - 1] == '>')
		length--;
	return match_token(bounce, secret, pnstrdup(id, length));
}

/* "NUMBER." or "NUMBER@"; 0: there is none. */
static int32
read_number(const char **text)
{
	char *end;
	long number;

	if (!isdigit((unsigned char) **text))
		return 0;
	errno = 0;
	number = strtol(*text, &end, 10);
	if (errno != 0 || number <= 0 || number > PG_INT32_MAX ||
		(*end != '.' && *end != '@'))
		return 0;
	*text = end + 1;
	return (int32) number;
}

/* inv-GROUP.NUMBER.VERSION[.more]@domain, as the message's key is made */
static bool
match_message_id(Bounce *bounce)
{
	const char *id = get_text(&bounce->report->root, "message_id");
	GaReceipt *receipt = &bounce->receipt;

	if (!ga_settings.bounce_trust_message_id || id == NULL ||
		strncmp(id, "inv-", 4) != 0)
		return false;
	id += 4;
	if (strspn(id, "0123456789abcdef") != UUID_LEN * 2 ||
		id[UUID_LEN * 2] != '.')
		return false;
	hex_decode(id, UUID_LEN * 2, (char *) receipt->group_id.data);
	id += UUID_LEN * 2 + 1;
	receipt->ref.member_number = read_number(&id);
	receipt->ref.version = receipt->ref.member_number ? read_number(&id) : 0;
	receipt->by_group_id = receipt->ref.version > 0;
	return receipt->by_group_id;
}

/* Inside the owner's scope. */
static void
match(Bounce *bounce)
{
	uint8 secret[GA_LINK_SECRET_LENGTH];
	bool found;

	ga_link_secret_read(secret);
	found =
		match_addresses(bounce, secret) || match_envelope_id(bounce, secret);
	explicit_bzero(secret, sizeof(secret));
	if (found)
		bounce->is_proved = bounce->is_matched = ga_group_find_number(
			bounce->receipt.ref.group_number, &bounce->group_id);
	else if (match_message_id(bounce))
	{
		bounce->is_matched = true;
		bounce->group_id = bounce->receipt.group_id;
	}
}

/* ---- judging ---------------------------------------------------------------- */

/* A mail server's own, that is neither an answer of a person nor a complaint. */
static bool
is_failure_of_some_form(const Bounce *bounce, const char *contact)
{
	const char *from = get_text(&bounce->report->root, "from");
	JsonbValue by_server;

	if (!bounce->is_proved || bounce->feedback_type != NULL ||
		(from != NULL && contact != NULL && pg_strcasecmp(from, contact) == 0))
		return false;
	return getKeyJsonValueFromContainer(&bounce->report->root, "is_by_server",
										strlen("is_by_server"),
										&by_server) != NULL &&
		   by_server.type == jbvBool && by_server.val.boolean;
}

/* "the mailbox is full (5.2.2: 552 5.2.2 over quota)" */
static const char *
failure_reason(const Bounce *bounce)
{
	const char *words =
		bounce->names_another
			? "an address it was forwarded to refused it"
			: ga_mail_status_words(bounce->status, bounce->diagnostic);
	StringInfoData reason;

	initStringInfo(&reason);
	appendStringInfoString(&reason,
						   words ? words : "the mail came back undelivered");
	if (bounce->status && bounce->diagnostic)
		appendStringInfo(&reason, " (%s: %s)", bounce->status,
						 bounce->diagnostic);
	else if (bounce->status || bounce->diagnostic)
		appendStringInfo(&reason, " (%s)",
						 bounce->status ? bounce->status : bounce->diagnostic);
	return reason.data;
}

static void
judge(Bounce *bounce)
{
	GaReceipt *receipt = &bounce->receipt;

	receipt->code = bounce->status;
	if (strcmp(bounce->kind, "failed") == 0)
	{
		receipt->status = GA_RECEIPT_FAILED;
		receipt->reason = failure_reason(bounce);
		if (!bounce->names_another &&
			ga_mail_status_is_dead(bounce->status, bounce->diagnostic))
		{
			receipt->suppress = "bounced";
			receipt->evidence =
				ga_mail_status_words(bounce->status, bounce->diagnostic);
		}
	}
	else if (strcmp(bounce->kind, "complaint") == 0)
	{
		receipt->status = GA_RECEIPT_NOTHING;
		receipt->code = bounce->feedback_type;
		receipt->suppress =
			bounce->feedback_type != NULL &&
					pg_strncasecmp(bounce->feedback_type, "opt-out", 7) == 0
				? "unsubscribed"
				: "complained";
	}
	else if (strcmp(bounce->kind, "other") == 0)
		receipt->is_ignored = true;
	else if (strcmp(bounce->kind, "delivered") == 0)
		receipt->status = GA_RECEIPT_DELIVERED;
	else
		receipt->status = GA_RECEIPT_NOTHING;
	/* The list holds for everybody's messages. */
	if (!bounce->is_proved)
		receipt->suppress = NULL;
}

/* The report without what would let others forge one. */
static const char *
make_raw(const Bounce *bounce)
{
	static const char *const tokens[] = {"to", "envelope_id"};
	Datum report = JsonbPGetDatum(bounce->report);
	Jsonb *left;

	for (int i = 0; i < lengthof(tokens); i++)
		report = DirectFunctionCall2(jsonb_delete, report,
									 CStringGetTextDatum(tokens[i]));
	left = DatumGetJsonbP(report);
	return JsonbToCString(NULL, &left->root, VARSIZE(left));
}

static const char *
apply(Bounce *bounce)
{
	GaOwnerScope scope;
	GaReceipt *receipt = &bounce->receipt;
	const char *result = "unknown";

	receipt->way = "bounce";
	receipt->digest = bounce->digest;
	receipt->raw = make_raw(bounce);
	receipt->raw_length = strlen(receipt->raw);
	ga_owner_enter(&scope);
	match(bounce);
	if (bounce->is_matched)
	{
		const char *contact = ga_invitation_contact(&scope, &bounce->group_id,
													receipt->ref.member_number);
		GaReceiptResult applied;
		MemoryContext old;

		/* What is read here is told after the scope has ended. */
		old = MemoryContextSwitchTo(scope.caller_context);
		narrow(bounce, contact);
		if (strcmp(bounce->kind, "other") == 0 &&
			is_failure_of_some_form(bounce, contact))
			bounce->kind = "failed";
		judge(bounce);
		MemoryContextSwitchTo(old);
		if (ga_receipts_apply(receipt, 1, &applied))
			ga_wake_at_end();
		result = ga_receipt_result_name(applied);
	}
	else if (strcmp(bounce->kind, "other") == 0)
	{
		result = "ignored";
		ga_receipt_count("bounce", result);
	}
	else
		ga_receipt_count("bounce", "refused");
	ga_owner_leave(&scope);
	return result;
}

static Datum
make_answer(const Bounce *bounce, const char *result)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"result\" : \"%s\", \"status\" : ", result);
	if (bounce->status)
		escape_json(&json, bounce->status);
	else
		appendStringInfoString(&json, "null");
	if (bounce->is_matched && strcmp(result, "unknown") != 0)
		appendStringInfo(&json, ", \"group\" : \"%s\", \"number\" : %d}",
						 DatumGetCString(DirectFunctionCall1(
							 uuid_out, UUIDPGetDatum(&bounce->group_id))),
						 bounce->receipt.ref.member_number);
	else
		appendStringInfoString(&json, ", \"group\" : null, \"number\" : null}");
	return PointerGetDatum(cstring_to_text(json.data));
}

PG_FUNCTION_INFO_V1(group_api_ingest_bounce);

Datum
group_api_ingest_bounce(PG_FUNCTION_ARGS)
{
	bytea *mail = PG_ARGISNULL(0) ? NULL : PG_GETARG_BYTEA_PP(0);
	const char *bytes = mail ? VARDATA_ANY(mail) : "";
	size_t length = mail ? VARSIZE_ANY_EXHDR(mail) : 0;
	Bounce bounce = {0};

	if (!read_mail(&bounce, bytes, length))
	{
		GaOwnerScope scope;

		ga_owner_enter(&scope);
		ga_receipt_count("bounce", "unreadable");
		ga_owner_leave(&scope);
		PG_RETURN_DATUM(make_answer(&bounce, "unreadable"));
	}
	compute_digest(&bounce, bytes, length);
	PG_RETURN_DATUM(make_answer(&bounce, apply(&bounce)));
}
