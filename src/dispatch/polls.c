/*
 * polls.c
 *		Asking providers how their messages fare.
 *
 * Answers are collected and applied in a short transaction each, which waits for
 * nobody: an answer about a row that a caller holds is dropped.  That is no harm,
 * for the next question is scheduled before this one is asked.
 */
#include "postgres.h"

#include "base/digest.h"
#include "base/shared/receipt_table.h"
#include "catalog/pg_type.h"
#include "dispatch/clock.h"
#include "dispatch/courier/couriers.h"
#include "dispatch/courier/suspects.h"
#include "dispatch/one_by_one.h"
#include "dispatch/polls.h"
#include "dispatch/provider/providers.h"
#include "dispatch/work.h"
#include "mb/pg_wchar.h"
#include "store/plan_cache.h"
#include "store/queue/poll_store.h"
#include "store/queue/receipt_store.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Questions under way, all providers together: messages go first. */
#define QUESTIONS_MAX 16
/* Answers kept while a table is locked; what is dropped is asked again. */
#define ANSWERS_MAX 1000
/* Before rows that somebody holds locked are tried again. */
#define LOCKED_RETRY_MS 1000

typedef struct Answer
{
	GaReceipt receipt;
	bool is_last; /* ask no more, whatever it said */
	bool crashed; /* none came: the courier died while it asked */
} Answer;

static MemoryContext context; /* of the answers */
static List *answers;		  /* of Answer * */
static GaMonotonic next_poll;
static bool is_known; /* next_poll is right */

void
ga_polls_init(void)
{
	context = AllocSetContextCreate(TopMemoryContext, "group_api polls context",
									ALLOCSET_SMALL_SIZES);
	is_known = false;
}

void
ga_polls_recheck(void)
{
	is_known = false;
}

/* ---- asking ------------------------------------------------------------- */

static int
questions_under_way(void)
{
	ListCell *cell;
	int count = 0;

	foreach (cell, ga_providers)
		count += ((const GaProvider *) lfirst(cell))->questions;
	return count;
}

/*
 * Names of the providers that may be asked, as text[]; 0 of them: none.  `later`
 * is when one of the others may be, `limit` becomes what the narrowest bears.
 */
static int
askable_servers(GaMonotonic now, Datum *servers, GaMonotonic *later, int *limit)
{
	const char **names =
		palloc(sizeof(char *) * (list_length(ga_providers) + 1));
	ListCell *cell;
	int count = 0;

	*later = GA_MONOTONIC_NEVER;
	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);
		GaMonotonic from = ga_provider_next_question(provider, now);

		if (from > now)
		{
			*later = Min(*later, from);
			continue;
		}
		names[count++] = provider->server;
		*limit = Min(*limit, ga_provider_question_room(provider));
	}
	*servers = ga_row_text_array(names, count);
	return count;
}

static void
put_question(const GaPoll *poll, uint64 id)
{
	GaProvider *provider = ga_provider_named(poll->server);
	GaJobFrame frame = {.job_id = id};
	GaJob *job;

	if (provider == NULL)
		return;
	job = ga_job_add_poll(id, provider, poll);
	ga_provider_sent(provider, 1);
	frame.strings[GA_JOB_PROVIDER] = poll->server;
	frame.strings[GA_JOB_POLL] = poll->message_id;
	ga_couriers_put_job(job, &frame);
}

static void
note_next(GaMonotonic next, GaMonotonic later)
{
	next_poll = Min(next, later);
	is_known = true;
}

/* When the next question is to be put. */
static GaMonotonic
find_next(Datum servers)
{
	TimestampTz found = ga_polls_next(servers);

	return found == 0 ? GA_MONOTONIC_NEVER : ga_clock_when(found);
}

/* True when something is due, as far as is known. */
static bool
is_due(GaMonotonic now, Datum servers, GaMonotonic later)
{
	GaMonotonic next;

	if (is_known)
		return next_poll <= now;
	if (!ga_work_begin(GA_STEP_FIND_QUESTION))
		return false;
	next = find_next(servers);
	ga_work_end();
	note_next(next, later);
	return next_poll <= now;
}

/* Those asked often enough, their answers being lost, are not asked again. */
static int
take_questions(GaMonotonic now, Datum servers, GaMonotonic later, int limit,
			   GaPoll **polls)
{
	int taken = ga_work_is_careful(GA_STEP_ASK)
					? ga_one_by_one_take_polls(servers, limit, polls)
					: ga_polls_take(ga_work_scope(), servers, limit, polls);
	GaMonotonic next = find_next(servers);
	int count = 0;

	for (int i = 0; i < taken; i++)
	{
		GaPoll *poll = &(*polls)[i];

		if (poll->tries > GA_POLL_TRIES_MAX)
			ga_poll_forget(poll->group_id, poll->number, poll->message_id);
		else
			(*polls)[count++] = *poll;
	}
	/* What is left is held by somebody. */
	if (taken < limit && next <= now)
		next = now + LOCKED_RETRY_MS * 1000;
	note_next(next, later);
	return count;
}

void
ga_polls_ask(GaMonotonic now, uint64 *next_id)
{
	GaMonotonic later;
	Datum servers;
	GaPoll *polls;
	int limit = QUESTIONS_MAX - questions_under_way();
	int count;

	if ((is_known && next_poll > now) || limit <= 0)
		return;
	if (askable_servers(now, &servers, &later, &limit) == 0)
	{
		note_next(GA_MONOTONIC_NEVER, later);
		return;
	}
	if (!is_due(now, servers, later) || !ga_couriers_open(now) ||
		!ga_work_begin(GA_STEP_ASK))
		return;
	count = take_questions(now, servers, later, limit, &polls);
	ga_work_end();
	for (int i = 0; i < count; i++)
		put_question(&polls[i], ++*next_id);
	if (count > 0)
		ga_couriers_flush();
}

/* ---- the answers -------------------------------------------------------- */

/* The same answer about the same message is one event. */
static const uint8 *
digest_of(const GaReceipt *receipt)
{
	uint8 *digest = palloc(PG_SHA256_DIGEST_LENGTH);
	int32 facts[3] = {receipt->ref.member_number, receipt->ref.version,
					  (int32) receipt->status};
	StringInfoData event;

	initStringInfo(&event);
	appendBinaryStringInfo(&event, "poll", 4);
	appendBinaryStringInfo(&event, (const char *) receipt->group_id.data,
						   UUID_LEN);
	appendBinaryStringInfo(&event, (const char *) facts, sizeof(facts));
	appendStringInfoString(&event, receipt->message_id);
	ga_digest_sha256((GaBytes){event.data, event.len}, digest);
	pfree(event.data);
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

/* About the message of a question; in the memory of the answers. */
static Answer *
new_answer(const GaJob *job)
{
	Answer *answer;
	GaReceipt *receipt;

	/* Answers that say nothing are not kept, so nothing else empties it. */
	if (answers == NIL)
		MemoryContextReset(context);
	answer = palloc0(sizeof(Answer));
	receipt = &answer->receipt;
	receipt->way = "poll";
	receipt->server = pstrdup(job->provider->server);
	receipt->by_group_id = true;
	receipt->group_id = job->group_id;
	receipt->ref.member_number = job->number;
	receipt->ref.version = job->link_version;
	receipt->message_id = pstrdup(job->message_id);
	return answer;
}

void
ga_polls_lose(const GaJob *job)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Answer *answer = new_answer(job);

	is_known = false;
	answer->crashed = true;
	answers = lappend(answers, answer);
	MemoryContextSwitchTo(old);
}

void
ga_polls_note_answer(const GaJob *job, const GaOutcomeFrame *outcome)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Answer *answer = new_answer(job);
	GaReceipt *receipt = &answer->receipt;

	/* Its provider may be asked again. */
	is_known = false;
	receipt->code = ga_job_text(outcome->code);
	receipt->reason = ga_job_text(outcome->detail);
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

/* Nobody needs the answer as much as others need the courier. */
static void
note_crash(const GaReceipt *receipt)
{
	if (!ga_poll_note_crash(receipt->group_id, receipt->ref.member_number,
							receipt->message_id, GA_CRASHES_MAX))
		return;
	ereport(WARNING,
			(errmsg("group_api asks no more how a message fares, since the "
					"courier died %d times while asking",
					GA_CRASHES_MAX),
			 errdetail_internal(
				 "member %d of group %s", receipt->ref.member_number,
				 DatumGetCString(DirectFunctionCall1(
					 uuid_out, UUIDPGetDatum(&receipt->group_id))))));
}

/* What somebody else is busy with is asked again by itself. */
static void
apply(const void *arg)
{
	const Answer *answer = arg;
	const GaReceipt *receipt = &answer->receipt;

	if (answer->crashed)
	{
		note_crash(receipt);
		return;
	}
	if (!ga_poll_lock(receipt->group_id, receipt->ref.member_number))
		return;
	if (receipt->status != GA_RECEIPT_NOTHING)
		(void) ga_receipt_try(receipt);
	ga_poll_forget(receipt->group_id, receipt->ref.member_number,
				   receipt->message_id);
}

void
ga_polls_record(void)
{
	/* Each alone: one that meets a lock takes no other along. */
	while (answers != NIL && ga_work_begin(GA_STEP_RECORD_ANSWER))
	{
		(void) ga_work_attempt(apply, linitial(answers));
		answers = list_delete_first(answers);
	}
	if (answers != NIL && list_length(answers) < ANSWERS_MAX)
		return;
	answers = NIL;
	MemoryContextReset(context);
}

GaMonotonic
ga_polls_next_turn(void)
{
	ListCell *cell;
	bool polls = false;

	foreach (cell, ga_providers)
	{
		const GaProvider *provider = lfirst(cell);

		polls |= provider->polls && !provider->gone && !provider->is_paused;
	}
	if (answers != NIL)
		return ga_work_not_before(GA_STEP_RECORD_ANSWER);
	/* With as many under way as may be, an outcome will tell. */
	if (!polls || questions_under_way() >= QUESTIONS_MAX)
		return GA_MONOTONIC_NEVER;
	return Max(Max(is_known ? next_poll : 0,
				   ga_couriers_is_open() ? 0 : ga_couriers_next_start()),
			   Max(ga_work_not_before(GA_STEP_FIND_QUESTION),
				   ga_work_not_before(GA_STEP_ASK)));
}
