/*
 * jobs.c
 *		The table of jobs in flight and the judgement over their outcomes.
 *
 * Judgement in one place: which state follows which outcome.  Strings of the
 * courier are cut, and checked to be valid in the database, before they are
 * stored: a record that fails would be sent again and again.
 */
#include "postgres.h"

#include "base/guc.h"
#include "common/pg_prng.h"
#include "dispatch/provider/backoff.h"
#include "dispatch/courier/jobs.h"
#include "dispatch/courier/suspects.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

static HTAB *jobs = NULL;
static int suspect_count;

void
ga_jobs_init(void)
{
	HASHCTL control = {.keysize = sizeof(uint64), .entrysize = sizeof(GaJob)};

	jobs =
		hash_create("group_api jobs", 1024, &control, HASH_ELEM | HASH_BLOBS);
}

int
ga_jobs_count(void)
{
	return (int) hash_get_num_entries(jobs);
}

static GaJob *
new_job(uint64 id, GaProvider *provider, pg_uuid_t group_id, int32 number)
{
	bool found;
	GaJob *job = hash_search(jobs, &id, HASH_ENTER, &found);

	Assert(!found);
	memset(job, 0, sizeof(*job));
	job->id = id;
	job->provider = provider;
	job->fingerprint = provider->fingerprint;
	job->group_id = group_id;
	job->number = number;
	job->handed_at = GetCurrentTimestamp();
	return job;
}

GaJob *
ga_job_add(uint64 id, GaProvider *provider, const GaClaim *claim)
{
	GaJob *job = new_job(id, provider, claim->group_id, claim->number);

	job->attempt = claim->attempt;
	job->refusals = claim->refusals;
	job->pauses = claim->pauses;
	job->crashes = claim->crashes;
	job->start_tag = claim->start_tag;
	job->expires_at = claim->expires_at;
	job->is_reminder = claim->reminders > 0;
	strlcpy(job->recipient, claim->contact, sizeof(job->recipient));
	return job;
}

GaJob *
ga_job_add_poll(uint64 id, GaProvider *provider, const GaPoll *poll)
{
	GaJob *job = new_job(id, provider, poll->group_id, poll->number);

	job->attempt = poll->tries;
	job->link_version = poll->link_version;
	job->crashes = poll->crashes;
	job->is_poll = true;
	strlcpy(job->message_id, poll->message_id, sizeof(job->message_id));
	provider->in_flight++;
	provider->questions++;
	return job;
}

GaJob *
ga_job_add_event(uint64 id, GaProvider *provider, const GaDueEvent *event)
{
	GaJob *job = new_job(id, provider, event->group_id, 0);

	job->is_event = true;
	job->event_id = event->id;
	job->attempt = event->tries + 1;
	job->crashes = event->crashes;
	return job;
}

GaJob *
ga_job_find(uint64 id)
{
	return hash_search(jobs, &id, HASH_FIND, NULL);
}

void
ga_job_remove(GaJob *job)
{
	uint64 id = job->id;

	if (job->is_poll)
		job->provider->questions--;
	else if (job->is_suspect)
		job->provider->suspects--;
	if (job->is_suspect)
		suspect_count--;
	hash_search(jobs, &id, HASH_REMOVE, NULL);
}

void
ga_job_suspect(GaJob *job)
{
	job->is_suspect = true;
	suspect_count++;
	if (!job->is_poll)
		job->provider->suspects++;
}

int
ga_jobs_suspect_count(void)
{
	return suspect_count;
}

void
ga_jobs_visit(void (*visit)(GaJob *job, void *arg), void *arg)
{
	HASH_SEQ_STATUS status;
	GaJob *job;

	hash_seq_init(&status, jobs);
	while ((job = hash_seq_search(&status)) != NULL)
		visit(job, arg);
}

const char *
ga_job_text(GaSlice slice)
{
	if (slice.length == 0 || memchr(slice.data, 0, slice.length) != NULL ||
		!pg_verify_mbstr(PG_UTF8, slice.data, (int) slice.length, true))
		return NULL;
	return pnstrdup(slice.data, slice.length);
}

static const char *
join_reason(const char *code, const char *detail)
{
	if (code == NULL)
		return detail;
	/* A detail that begins with the code already says it. */
	if (detail == NULL || strncmp(detail, code, strlen(code)) == 0)
		return detail ? detail : code;
	return psprintf("%s %s", code, detail);
}

const char *
ga_job_reason(const GaOutcomeFrame *outcome)
{
	return join_reason(ga_job_text(outcome->code),
					   ga_job_text(outcome->detail));
}

static bool
begins_with(const char *text, const char *beginning, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (pg_ascii_tolower(text[i]) != pg_ascii_tolower(beginning[i]))
			return false;
	return true;
}

const char *
ga_job_hide_recipient(const GaJob *job, const char *reason)
{
	/* Gateways write numbers without it, too. */
	const char *recipient = job->recipient + (job->recipient[0] == '+');
	size_t length = strlen(recipient);
	StringInfoData hidden;

	if (reason == NULL || length == 0)
		return reason;
	initStringInfo(&hidden);
	while (*reason != '\0')
		if (begins_with(reason, recipient, length))
		{
			appendStringInfoString(&hidden, "***");
			reason += length;
		}
		else
			appendStringInfoChar(&hidden, *reason++);
	return hidden.data;
}

static void
begin_record(const GaJob *job, TimestampTz now, GaRecord *record)
{
	memset(record, 0, sizeof(*record));
	record->job_id = job->id;
	record->group_id = job->group_id;
	record->number = job->number;
	record->attempt = job->attempt;
	record->start_tag = job->start_tag;
	record->server = job->provider->server;
	record->segments = job->segments;
	record->started_at = job->handed_at;
	record->channel = job->provider->channel;
}

/* Tries again later, unless it was tried often enough or is over by then. */
static void
try_again(const GaJob *job, TimestampTz now, int64 floor_ms, GaRecord *record)
{
	int64 wait_ms;

	if (!record->give_back && job->attempt >= ga_settings.max_attempts)
	{
		record->delivery = GA_DELIVERY_FAILED;
		record->reason =
			psprintf("given up after %d tries: %s", job->attempt,
					 record->reason ? record->reason : "no answer");
		return;
	}
	wait_ms = ga_backoff_ms(job->attempt, ga_settings.retry_base,
							ga_settings.retry_cap, floor_ms,
							pg_prng_double(&pg_global_prng_state));
	record->due = TimestampTzPlusMilliseconds(now, wait_ms);
	record->delivery = GA_DELIVERY_QUEUED;
	if (job->expires_at != 0 && record->due >= job->expires_at)
	{
		record->due = 0;
		/* Of a reminder, the invitation itself was sent before. */
		record->delivery =
			job->is_reminder ? GA_DELIVERY_SENT : GA_DELIVERY_FAILED;
		record->expired = true;
		record->reason =
			psprintf(job->is_reminder
						 ? "the reminder could not be sent before the expiry: "
						   "%s"
						 : "expired before it could be sent: %s",
					 record->reason ? record->reason : "no answer");
	}
}

/*
 * All of it was handed over and no answer came.  Sent again it may arrive twice, left
 * alone perhaps never: which is worse the operator says, with on_uncertain.
 */
static void
judge_uncertain(const GaJob *job, const GaOutcomeFrame *outcome,
				TimestampTz now, GaRecord *record)
{
	if (job->provider->hold_uncertain)
		record->delivery = GA_DELIVERY_UNCERTAIN;
	else
		try_again(job, now, outcome->retry_after_ms, record);
}

/* Back to the queue behind others, so that these are tried first. */
static void
put_off(const GaJob *job, TimestampTz now, int refusals, GaRecord *record)
{
	record->delivery = GA_DELIVERY_QUEUED;
	record->due = TimestampTzPlusMilliseconds(
		now, ga_evidence_wait_ms(Min(refusals, job->refusals)));
	record->give_back = true;
	record->in_doubt = true;
	record->refusals = refusals;
	record->pauses = job->pauses;
}

/*
 * Whether others can speak for the provider: while a message of somebody else is under
 * way, its answer will tell whom the refusal was about.
 */
static GaRuling
rule(const GaJob *job, const GaOutcomeFrame *outcome)
{
	GaProvider *provider = job->provider;
	GaDoubt doubt = {
		.words =
			ga_evidence_words(outcome->code.data, outcome->code.length,
							  outcome->detail.data, outcome->detail.length),
		.recipient = ga_evidence_recipient(job->recipient),
		.blames_us = outcome->outcome == GA_OUTCOME_MISCONFIGURED,
		.is_others_turn = provider->in_flight - provider->questions > 1,
		.refusals = job->refusals,
		.pauses = job->pauses,
	};

	return ga_evidence_rule(&provider->evidence, &doubt);
}

/* What is a guess is decided by what else the provider does. */
static void
judge_unsure(const GaJob *job, const GaOutcomeFrame *outcome, TimestampTz now,
			 GaRecord *record, bool *pause_provider)
{
	/* Paused or changed meanwhile: that decides for what was under way. */
	if (!job->picked || job->provider->is_paused ||
		job->fingerprint != job->provider->fingerprint)
	{
		put_off(job, now, job->refusals, record);
		if (!job->picked)
			record->due = now;
		return;
	}
	switch (rule(job, outcome))
	{
		case GA_RULING_PUT_OFF:
			put_off(job, now, job->refusals + 1, record);
			break;
		case GA_RULING_REJECT:
			record->delivery = GA_DELIVERY_FAILED;
			break;
		case GA_RULING_PAUSE:
			put_off(job, now, job->refusals, record);
			*pause_provider = true;
			break;
		case GA_RULING_PAUSE_ALONE:
			put_off(job, now, 0, record);
			record->pauses = job->pauses + 1;
			*pause_provider = true;
			break;
		case GA_RULING_SET_ASIDE:
			record->delivery = GA_DELIVERY_FAILED;
			record->reason = psprintf(
				"set aside, since it alone paused its provider %d times: %s",
				job->pauses,
				record->reason ? record->reason : "no reason given");
			break;
	}
}

/* A provider that rests as a whole keeps its messages, each in its place. */
static void
judge_retry(const GaJob *job, const GaOutcomeFrame *outcome, TimestampTz now,
			GaRecord *record)
{
	/* As if it had never been claimed. */
	if (outcome->flags & GA_OUTCOME_NO_TRY)
	{
		record->delivery = GA_DELIVERY_QUEUED;
		record->due = now;
		record->give_back = true;
		record->outcome = NULL;
		record->reason = NULL;
		return;
	}
	/* Told to come later: that was no try. */
	record->give_back = outcome->retry_after_ms >= 0;
	if (outcome->retry_after_ms > 0 &&
		(outcome->flags & GA_OUTCOME_PROVIDER_FAULT))
	{
		record->delivery = GA_DELIVERY_QUEUED;
		record->due = now;
	}
	else
		try_again(job, now, outcome->retry_after_ms, record);
}

/*
 * What becomes of the row.  Of a refusal that might be about us as well as about the
 * recipient (GA_OUTCOME_UNSURE) the class is only the courier's guess, so it is judged
 * apart, before the classes are looked at.  "Misconfigured" without doubt pauses the
 * provider, and the message keeps its place: it is not the message's fault.
 */
void
ga_job_judge(const GaJob *job, const GaOutcomeFrame *outcome, TimestampTz now,
			 GaRecord *record, bool *pause_provider)
{
	*pause_provider = false;
	begin_record(job, now, record);
	record->outcome = ga_wire_outcome_name(outcome->outcome);
	record->code = ga_job_text(outcome->code);
	record->detail = ga_job_text(outcome->detail);
	record->message_id = ga_job_text(outcome->message_id);
	record->captured = ga_job_text(outcome->captured);
	if (record->captured != NULL)
		record->recipient = pstrdup(job->recipient);
	record->elapsed_us = outcome->elapsed_us;
	/* The courier lives: it is not this message that kills it. */
	record->counts_crashes = job->crashes > 0;
	record->reason = join_reason(record->code, record->detail);
	if ((outcome->flags & GA_OUTCOME_UNSURE) &&
		(outcome->outcome == GA_OUTCOME_REJECTED ||
		 outcome->outcome == GA_OUTCOME_MISCONFIGURED))
	{
		judge_unsure(job, outcome, now, record, pause_provider);
		return;
	}
	switch (outcome->outcome)
	{
		case GA_OUTCOME_ACCEPTED:
			ga_evidence_accept(&job->provider->evidence);
			record->delivery = GA_DELIVERY_SENT;
			record->reason = NULL;
			record->polled = job->provider->polls && record->message_id != NULL;
			break;
		case GA_OUTCOME_REJECTED:
			record->delivery = GA_DELIVERY_FAILED;
			if (outcome->flags & GA_OUTCOME_OPTED_OUT)
				record->suppress = "opted_out";
			else if (outcome->flags & GA_OUTCOME_DEAD_CONTACT)
				record->suppress = "bounced";
			break;
		case GA_OUTCOME_RETRY:
			judge_retry(job, outcome, now, record);
			break;
		case GA_OUTCOME_MISCONFIGURED:
			record->delivery = GA_DELIVERY_QUEUED;
			record->due = now;
			record->give_back = true;
			*pause_provider = true;
			break;
		case GA_OUTCOME_UNCERTAIN:
			judge_uncertain(job, outcome, now, record);
			break;
	}
}

/* It alone was in the courier's hands when that died, again. */
static void
set_aside(const GaJob *job, GaRecord *record)
{
	record->delivery = GA_DELIVERY_FAILED;
	record->due = 0;
	record->set_aside = true;
	record->reason =
		psprintf("set aside, since the courier died %d times while sending it",
				 job->crashes + 1);
}

void
ga_job_lose(const GaJob *job, TimestampTz now, bool died, GaRecord *record)
{
	GaOutcomeFrame outcome = {
		.job_id = job->id,
		.outcome = GA_OUTCOME_UNCERTAIN,
		.retry_after_ms = -1,
		.elapsed_us = Max(now - job->handed_at, 0),
		.code = {"courier", 7},
		.detail = {"the courier died while sending", 30},
	};
	bool ignored;

	ga_job_judge(job, &outcome, now, record, &ignored);
	record->counts_crashes = died;
	record->crashes = Min(job->crashes + 1, PG_INT16_MAX);
	if (died && record->crashes >= GA_CRASHES_MAX && !record->expired &&
		!job->provider->hold_uncertain && ga_suspects_blame())
		set_aside(job, record);
	/* Alone it can harm nobody, so it need not wait. */
	else if (record->due != 0 && (!died || record->crashes < GA_CRASHES_MAX))
		record->due = now;
}

void
ga_job_give_back(const GaJob *job, TimestampTz now, GaRecord *record)
{
	begin_record(job, now, record);
	record->delivery = GA_DELIVERY_QUEUED;
	record->due = now;
	record->give_back = true;
}
