/*
 * bounces.c
 *		Mail that came back, as a mail server hands it over.
 *
 * The courier program reads it and says what it claims (bounce_report.c); here it
 * is matched and believed or not.  A
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

#include "api/inbound/bounce_report.h"
#include "base/compat.h"
#include "base/digest.h"
#include "base/guc.h"
#include "base/link_token.h"
#include "base/shared/mail_status.h"
#include "base/shared/message_key.h"
#include "dispatch/wake.h"
#include "fmgr.h"
#include "store/group/group_store.h"
#include "store/installation_store.h"
#include "store/invitation_store.h"
#include "store/plan_cache.h"
#include "store/queue/receipt_count_store.h"
#include "store/queue/receipt_store.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/uuid.h"

typedef struct Bounce
{
	GaBounceReport report;
	GaDigest digest;
	/* what it is about */
	GaReceipt receipt;
	pg_uuid_t group_id;
	bool is_matched;
	bool is_proved; /* by a token */
} Bounce;

/* ---- matching --------------------------------------------------------------- */

static bool
match_tokens(Bounce *bounce)
{
	uint8 secret[GA_LINK_SECRET_LENGTH];
	bool found = false;
	ListCell *cell;

	ga_installation_read_link_secret(secret);
	foreach (cell, ga_bounce_report_tokens(&bounce->report))
	{
		found = ga_link_token_read(secret, GA_LINK_RECEIPT, lfirst(cell),
								   &bounce->receipt.ref);
		if (found)
			break;
	}
	explicit_bzero(secret, sizeof(secret));
	return found;
}

/* inv-GROUP.NUMBER.VERSION[.more]@domain, as the message's key is made */
static bool
match_message_id(Bounce *bounce)
{
	const char *id = ga_bounce_report_message_id(&bounce->report);
	GaReceipt *receipt = &bounce->receipt;
	const char *behind;
	GaMessageKey key;

	if (!ga_settings.bounce_trust_message_id || id == NULL)
		return false;
	behind = ga_message_key_read(id, &key);
	if (behind == NULL || (*behind != '.' && *behind != '@'))
		return false;
	memcpy(receipt->group_id.data, key.group_id, UUID_LEN);
	receipt->ref.member_number = key.member_number;
	receipt->ref.version = key.version;
	receipt->by_group_id = true;
	return true;
}

/* Inside the owner's scope. */
static void
match(Bounce *bounce)
{
	if (match_tokens(bounce))
		bounce->is_proved = bounce->is_matched = ga_group_find_number(
			bounce->receipt.ref.group_number, &bounce->group_id);
	else if (match_message_id(bounce))
	{
		bounce->is_matched = true;
		bounce->group_id = bounce->receipt.group_id;
	}
}

/* ---- judging ---------------------------------------------------------------- */

/* "the mailbox is full (5.2.2: 552 5.2.2 over quota)" */
static const char *
failure_reason(const GaBounceReport *report)
{
	const char *words =
		report->names_another
			? "an address it was forwarded to refused it"
			: ga_mail_status_words(report->status, report->diagnostic);
	StringInfoData reason;

	initStringInfo(&reason);
	appendStringInfoString(&reason,
						   words ? words : "the mail came back undelivered");
	if (report->status && report->diagnostic)
		appendStringInfo(&reason, " (%s: %s)", report->status,
						 report->diagnostic);
	else if (report->status || report->diagnostic)
		appendStringInfo(&reason, " (%s)",
						 report->status ? report->status : report->diagnostic);
	return reason.data;
}

static void
judge(Bounce *bounce)
{
	const GaBounceReport *report = &bounce->report;
	GaReceipt *receipt = &bounce->receipt;

	receipt->code = report->status;
	if (report->kind == GA_BOUNCE_FAILED)
	{
		receipt->status = GA_RECEIPT_FAILED;
		receipt->reason = failure_reason(report);
		if (!report->names_another &&
			ga_mail_status_is_dead(report->status, report->diagnostic))
		{
			receipt->suppress = "bounced";
			receipt->evidence =
				ga_mail_status_words(report->status, report->diagnostic);
		}
	}
	else if (report->kind == GA_BOUNCE_COMPLAINT)
	{
		receipt->status = GA_RECEIPT_NOTHING;
		receipt->code = report->feedback_type;
		receipt->suppress =
			report->feedback_type != NULL &&
					pg_strncasecmp(report->feedback_type, "opt-out", 7) == 0
				? "unsubscribed"
				: "complained";
	}
	else if (report->kind == GA_BOUNCE_OTHER)
		receipt->is_ignored = true;
	else if (report->kind == GA_BOUNCE_DELIVERED)
		receipt->status = GA_RECEIPT_DELIVERED;
	else
		receipt->status = GA_RECEIPT_NOTHING;
	/* The list holds for everybody's messages. */
	if (!bounce->is_proved)
		receipt->suppress = NULL;
}

static const char *
apply(Bounce *bounce)
{
	GaOwnerScope scope;
	GaBounceReport *report = &bounce->report;
	GaReceipt *receipt = &bounce->receipt;
	const char *result = "unknown";

	receipt->way = "bounce";
	receipt->digest = bounce->digest.bytes;
	receipt->raw = ga_bounce_report_raw(report);
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
		ga_bounce_report_narrow(report, contact);
		if (ga_bounce_report_is_answer(report, contact))
			report->kind = GA_BOUNCE_OTHER;
		/* Whatever its form: a mail server's own is a failure. */
		if (report->kind == GA_BOUNCE_OTHER && bounce->is_proved &&
			ga_bounce_report_is_by_server(report, contact))
			report->kind = GA_BOUNCE_FAILED;
		judge(bounce);
		MemoryContextSwitchTo(old);
		if (ga_receipts_apply(receipt, 1, &applied))
			ga_wake_at_end();
		result = ga_receipt_result_name(applied);
	}
	else if (report->kind == GA_BOUNCE_OTHER)
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
	const GaBounceReport *report = &bounce->report;
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"result\" : \"%s\", \"status\" : ", result);
	if (report->status)
		escape_json(&json, report->status);
	else
		appendStringInfoString(&json, "null");
	if (bounce->is_matched && strcmp(result, "unknown") != 0)
		appendStringInfo(&json, ", \"group\" : \"%s\", \"member\" : %d}",
						 DatumGetCString(DirectFunctionCall1(
							 uuid_out, UUIDPGetDatum(&bounce->group_id))),
						 bounce->receipt.ref.member_number);
	else
		appendStringInfoString(&json, ", \"group\" : null, \"member\" : null}");
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

	if (!ga_bounce_report_read(bytes, length, &bounce.report))
	{
		GaOwnerScope scope;

		ga_owner_enter(&scope);
		ga_receipt_count("bounce", "unreadable");
		ga_owner_leave(&scope);
		PG_RETURN_DATUM(make_answer(&bounce, "unreadable"));
	}
	bounce.digest = ga_digest_hash(PG_SHA256, (GaBytes){bytes, length});
	if (bounce.digest.length == 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not compute the digest of a mail")));
	PG_RETURN_DATUM(make_answer(&bounce, apply(&bounce)));
}
