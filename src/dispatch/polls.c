/*
 * polls.c
 *		Asking providers how their messages fare.
 *
 * Answers are collected and applied in one short transaction, which waits for
 * nobody: an answer about a row that a caller holds is dropped.  That is no harm,
 * for the next question is scheduled before this one is asked.
 */
#include "postgres.h"

#include "base/receipt_table.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "dispatch/courier_desk.h"
#include "dispatch/polls.h"
#include "dispatch/providers.h"
#include "dispatch/work.h"
#include "mb/pg_wchar.h"
#include "store/plan_cache.h"
#include "store/poll_store.h"
#include "store/receipt_store.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Questions of one turn, all providers together. */
#define POLLS_PER_TURN 64

typedef struct Answer
{
	GaReceipt receipt;
	bool is_last; /* ask no more, whatever it said */
} Answer;

static MemoryContext context; /* of the answers */
static List *answers;		  /* of Answer * */
static TimestampTz next_poll;
static bool is_known; /* next_poll is right */

void
ga_polls_init(void)
{
	context = AllocSetContextCreate(TopMemoryContext, "group_api polls context",
									ALLOCSET_SMALL_SIZES);
	is_known = false;
}

void
ga_polls_look_again(void)
{
	is_known = false;
}

/* ---- asking ------------------------------------------------------------- */

static bool
may_be_asked(const GaProvider *provider, TimestampTz now)
{
	return provider->polls && !provider->gone && !provider->is_paused &&
		   provider->rest_until <= now;
}

/* Names of the providers that may be asked, as text[]; 0 of them: none. */
static int
askable_servers(TimestampTz now, Datum *servers)
{
	const char **names =
		palloc(sizeof(char *) * (list_length(ga_providers) + 1));
	ListCell *cell;
	int count = 0;

	foreach (cell, ga_providers)
	{
		const GaProvider *provider = lfirst(cell);

		if (may_be_asked(provider, now))
			names[count++] = provider->server;
	}
	*servers = ga_text_array(names, count);
	return count;
}

static void
put_question(const GaPoll *poll, uint64 id)
{
	GaProvider *provider = ga_provider_named(poll->server);
	StringInfoData json;

	if (provider == NULL)
		return;
	(void) ga_job_add_poll(id, provider, poll);
	provider->in_flight++;
	ga_provider_sent(provider, 1);
	initStringInfo(&json);
	appendStringInfo(&json, "{\"id\":" UINT64_FORMAT ",\"provider\":", id);
	escape_json(&json, poll->server);
	appendStringInfoString(&json, ",\"poll\":");
	escape_json(&json, poll->message_id);
	appendStringInfoChar(&json, '}');
	ga_desk_put_job(json.data, json.len);
}

void
ga_polls_ask(TimestampTz now, uint64 *next_id)
{
	Datum servers;
	GaPoll *polls;
	int count;

	if ((is_known && next_poll > now) || askable_servers(now, &servers) == 0 ||
		!ga_desk_open(now) || !ga_work_begin("group_api: asking for receipts"))
		return;
	count = ga_polls_take(ga_work_scope(), servers, POLLS_PER_TURN, &polls);
	next_poll = ga_polls_next(servers);
	ga_work_end();
	if (next_poll == 0)
		next_poll = DT_NOEND;
	is_known = true;
	for (int i = 0; i < count; i++)
		put_question(&polls[i], ++*next_id);
	if (count > 0)
		ga_desk_flush();
}

/* ---- the answers -------------------------------------------------------- */

static const char *
keep_text(GaSlice slice)
{
	if (slice.length == 0 || memchr(slice.data, 0, slice.length) != NULL ||
		!pg_verify_mbstr(PG_UTF8, slice.data, (int) slice.length, true))
		return NULL;
	return pnstrdup(slice.data, slice.length);
}

/* The same answer twice is one event. */
static const uint8 *
digest_of(const GaReceipt *receipt)
{
	uint8 *digest = palloc(PG_SHA256_DIGEST_LENGTH);
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	int32 facts[3] = {receipt->ref.member_number, receipt->ref.version,
					  (int32) receipt->status};

	if (hash == NULL || pg_cryptohash_init(hash) < 0 ||
		pg_cryptohash_update(hash, (const uint8 *) "poll", 4) < 0 ||
		pg_cryptohash_update(hash, receipt->group_id.data, UUID_LEN) < 0 ||
		pg_cryptohash_update(hash, (uint8 *) facts, sizeof(facts)) < 0 ||
		pg_cryptohash_final(hash, digest, PG_SHA256_DIGEST_LENGTH) < 0)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not hash a receipt")));
	pg_cryptohash_free(hash);
	return digest;
}

static GaReceiptStatus
status_of(uint32 flags)
{
	if (flags & GA_OUTCOME_IS_DELIVERED)
		return GA_RECEIPT_DELIVERED;
	if (flags & GA_OUTCOME_IS_FAILED)
		return GA_RECEIPT_FAILED;
	return GA_RECEIPT_NOTHING;
}

void
ga_polls_hear(const GaJob *job, const GaOutcomeFrame *outcome)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Answer *answer = palloc0(sizeof(Answer));
	GaReceipt *receipt = &answer->receipt;

	receipt->way = "poll";
	receipt->server = pstrdup(job->provider->server);
	receipt->by_group_id = true;
	receipt->group_id = job->group_id;
	receipt->ref.member_number = job->number;
	receipt->ref.version = job->link_version;
	receipt->code = keep_text(outcome->code);
	receipt->reason = keep_text(outcome->detail);
	if (outcome->outcome == GA_OUTCOME_ACCEPTED)
		receipt->status = status_of(outcome->flags);
	if (outcome->flags & GA_OUTCOME_OPTED_OUT)
		receipt->suppress = "opted_out";
	else if (outcome->flags & GA_OUTCOME_DEAD_CONTACT)
		receipt->suppress = "bounced";
	receipt->digest = digest_of(receipt);
	answer->is_last = outcome->outcome == GA_OUTCOME_REJECTED ||
					  job->attempt >= GA_POLL_TRIES_MAX;
	if (receipt->status != GA_RECEIPT_NOTHING || answer->is_last)
		answers = lappend(answers, answer);
	MemoryContextSwitchTo(old);
}

/* False while a caller holds the invitation: the next question will do. */
static bool
apply(const Answer *answer)
{
	const GaReceipt *receipt = &answer->receipt;

	return receipt->status == GA_RECEIPT_NOTHING || ga_receipt_try(receipt);
}

void
ga_polls_record(TimestampTz now)
{
	ListCell *cell;

	if (answers == NIL || !ga_work_begin("group_api: recording receipts"))
		return;
	foreach (cell, answers)
	{
		const Answer *answer = lfirst(cell);

		if (apply(answer))
			ga_poll_forget(answer->receipt.group_id,
						   answer->receipt.ref.member_number);
	}
	ga_work_end();
	answers = NIL;
	MemoryContextReset(context);
}

TimestampTz
ga_polls_next_turn(void)
{
	ListCell *cell;

	if (answers != NIL)
		return 0;
	foreach (cell, ga_providers)
	{
		const GaProvider *provider = lfirst(cell);

		if (provider->polls && !provider->gone && !provider->is_paused)
			return Max(Max(is_known ? next_poll : 0, provider->rest_until),
					   ga_desk_is_open() ? 0 : ga_desk_not_before());
	}
	return DT_NOEND;
}
