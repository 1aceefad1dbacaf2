/*
 * jobs.h
 *		What is in flight: claimed, handed to the courier, not yet recorded.
 */
#ifndef GA_DISPATCH_COURIER_JOBS_H
#define GA_DISPATCH_COURIER_JOBS_H

#include "postgres.h"

#include "base/shared/wire.h"
#include "dispatch/provider/providers.h"
#include "store/events/webhook_store.h"
#include "store/queue/poll_store.h"
#include "store/queue/queue_store.h"

typedef struct GaJob
{
	uint64 id; /* hash key */
	GaProvider *provider;
	const char *fingerprint; /* of the provider's settings when handed over */
	pg_uuid_t group_id;
	int32 number;
	int32 attempt;
	int32 segments;
	int32 refusals; /* of this message, put off before */
	int32 pauses;	/* that this message alone was the reason of */
	TimestampTz expires_at;
	bool is_reminder;
	TimestampTz handed_at;
	bool is_poll;		  /* only asks how a message fares */
	bool is_event;		  /* tells a webhook: dispatch/events */
	int64 event_id;		  /* then */
	int32 link_version;	  /* of a poll */
	char message_id[256]; /* of a poll: the message it is about */
	int64 start_tag;	  /* its place in the queue */
	bool picked;		  /* the courier took it up: bytes may have left */
	int32 crashes;		  /* couriers that died of it, or of one beside it */
	bool is_suspect;	  /* so it is tried alone, or waits for that */
	bool is_alone;		  /* in the hands of the courier that has it alone */
	char recipient[256];  /* of a message; empty otherwise */
} GaJob;

extern void ga_jobs_init(void);
extern int ga_jobs_count(void);
extern GaJob *ga_job_add(uint64 id, GaProvider *provider, const GaClaim *claim);
/* A question about a message; `attempt` is its number. */
extern GaJob *ga_job_add_poll(uint64 id, GaProvider *provider,
							  const GaPoll *poll);
/* An event for a webhook. */
extern GaJob *ga_job_add_event(uint64 id, GaProvider *provider,
							   const GaDueEvent *event);
extern GaJob *ga_job_find(uint64 id);
extern void ga_job_remove(GaJob *job);
/* Calls for every job; the callback may remove the job it is given. */
extern void ga_jobs_visit(void (*visit)(GaJob *job, void *arg), void *arg);

/*
 * What an outcome means for the row: the next state, when to try again, and why.
 * Strings are palloc'ed.  Also tells whether the provider must be paused.  Whom an
 * unsure refusal blames is decided by the provider's evidence, which grows.
 */
extern void ga_job_judge(const GaJob *job, const GaOutcomeFrame *outcome,
						 TimestampTz now, GaRecord *record,
						 bool *pause_provider);

/* A slice as text, palloc'ed; NULL: it is empty, or the database could not store it. */
extern const char *ga_job_text(GaSlice slice);

/* The code and the provider's words, palloc'ed; NULL: it said nothing. */
extern const char *ga_job_reason(const GaOutcomeFrame *outcome);

/*
 * A reason without the recipient, in capitals or not, palloc'ed: for what is told of
 * the provider to those who may see no contacts.  NULL stays NULL.
 */
extern const char *ga_job_hide_recipient(const GaJob *job, const char *reason);

/* The job is to be tried alone (dispatch/courier/suspects). */
extern void ga_job_suspect(GaJob *job);
/* Those of them that are not done yet. */
extern int ga_jobs_suspect_count(void);

/*
 * A job the courier had taken up when it ended: uncertain.  `died`: not by our own
 * hand, so the message is suspected; one that was so often enough is set aside.
 */
extern void ga_job_lose(const GaJob *job, TimestampTz now, bool died,
						GaRecord *record);

/* A job the courier never took up: back to the queue as if not claimed. */
extern void ga_job_give_back(const GaJob *job, TimestampTz now,
							 GaRecord *record);

#endif /* GA_DISPATCH_COURIER_JOBS_H */
