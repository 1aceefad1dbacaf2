/*
 * courier_desk.c
 *		The dispatcher's dealings with the courier.
 *
 * A courier that cannot be started, or dies before it took up anything, is
 * started again after a pause of one second to one minute, and the log says so
 * once.  When one dies, the jobs it had taken up are uncertain and the others go
 * back as if they had never been claimed (dispatch/courier/jobs).
 *
 * Must never log a frame: jobs and settings hold addresses, links and secrets.
 */
#include "postgres.h"

#include <signal.h>

#include "base/compat.h"
#include "common/hashfn.h"
#include "dispatch/courier/courier_desk.h"
#include "dispatch/courier/courier_link.h"
#include "dispatch/courier/jobs.h"
#include "dispatch/records.h"
#include "dispatch/seat.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* After a courier that could not be started or died at once. */
#define FIRST_WAIT_MS 1000
#define LAST_WAIT_MS 60000
/* How long messages under way may still end when the server stops. */
#define FAREWELL_MS 700

static GaHearOutcome hear_outcome;
static GaCourierLink courier = {.fd = PGINVALID_SOCKET};
static char *config; /* JSON with secrets; in TopMemoryContext */
static GaMonotonic not_before;
static int wait_ms;
static bool told;		/* that it cannot be started */
static bool has_worked; /* the one that runs took something up */
static bool is_draining;

static void
stop_courier(int code, Datum arg)
{
	ga_courier_stop(&courier);
	pg_atomic_write_u32(&ga_seat->courier_pid, 0);
}

void
ga_desk_start_early(void)
{
	const char *reason;

	/* Whatever is in the way, ga_desk_open() will tell. */
	(void) ga_courier_start(&courier, &reason);
}

void
ga_desk_init(GaHearOutcome hear)
{
	hear_outcome = hear;
	before_shmem_exit(stop_courier, (Datum) 0);
	pg_atomic_write_u32(&ga_seat->courier_pid, (uint32) courier.pid);
}

void
ga_desk_configure(const char *json)
{
	if (config != NULL)
	{
		explicit_bzero(config, strlen(config));
		pfree(config);
	}
	config = MemoryContextStrdup(TopMemoryContext, json);
	if (ga_courier_is_open(&courier) && !is_draining)
		ga_courier_put(&courier, GA_FRAME_CONFIG, config, strlen(config));
}

static void
wait_a_while(void)
{
	wait_ms = wait_ms == 0 ? FIRST_WAIT_MS : Min(wait_ms * 2, LAST_WAIT_MS);
	not_before = ga_monotonic_in_ms(wait_ms);
}

bool
ga_desk_open(GaMonotonic now)
{
	const char *reason;

	if (is_draining)
		return false;
	if (ga_courier_is_open(&courier))
		return true;
	if (now < not_before)
		return false;
	if (!ga_courier_start(&courier, &reason))
	{
		ga_seat_note(GA_TROUBLE_NO_COURIER);
		wait_a_while();
		if (!told)
			ereport(WARNING,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the courier of group_api cannot be started; "
							"invitations wait"),
					 errdetail_internal("%s", reason),
					 errhint("Run \"make install\" of group_api, or set "
							 "group_api.courier_path.")));
		told = true;
		return false;
	}
	told = false;
	has_worked = false;
	pg_atomic_write_u32(&ga_seat->courier_pid, (uint32) courier.pid);
	ga_courier_put(&courier, GA_FRAME_CONFIG, config, strlen(config));
	return true;
}

bool
ga_desk_is_open(void)
{
	return ga_courier_is_open(&courier);
}

GaMonotonic
ga_desk_not_before(void)
{
	return not_before;
}

void
ga_desk_forgive(void)
{
	wait_ms = 0;
	not_before = 0;
}

void
ga_desk_put_job(const char *json, size_t length)
{
	ga_courier_put(&courier, GA_FRAME_JOB, json, length);
}

void
ga_desk_flush(void)
{
	ga_courier_flush(&courier);
}

/*
 * Once for the server, since dispatchers come and go; and again when one that is
 * started later is confined differently.
 */
static void
note_confinement(const char *said)
{
	uint32 hash = hash_bytes((const unsigned char *) said, (int) strlen(said));

	if (pg_atomic_exchange_u32(&ga_slots->confinement_told, hash) != hash)
		ereport(LOG,
				(errmsg("the courier of group_api is confined by: %s", said)));
}

static void
hear_frame(GaFrameType type, GaSlice payload, TimestampTz now)
{
	GaOutcomeFrame outcome;
	uint64_t job_id;
	GaJob *job;

	switch (type)
	{
		case GA_FRAME_PICKED:
			has_worked = true;
			if (ga_wire_get_picked(payload, &job_id) &&
				(job = ga_job_find(job_id)) != NULL)
				job->picked = true;
			break;
		case GA_FRAME_OUTCOME:
			if (ga_wire_get_outcome(payload, &outcome))
				hear_outcome(&outcome, now);
			else
				courier.ended = true;
			break;
		case GA_FRAME_STARTED:
			note_confinement(pnstrdup(payload.data, payload.length));
			break;
		case GA_FRAME_LOG:
			ereport(LOG, (errmsg("group_api courier: %s",
								 pnstrdup(payload.data, payload.length))));
			break;
		default:
			break;
	}
}

static void
read_frames(TimestampTz now)
{
	GaFrameType type;
	GaSlice payload;
	GaWireResult result;

	while ((result = ga_wire_peek(&courier.in, &type, &payload)) ==
		   GA_WIRE_FRAME)
	{
		hear_frame(type, payload, now);
		ga_buffer_consume(&courier.in, GA_FRAME_HEADER + payload.length);
	}
	if (result == GA_WIRE_BROKEN)
		courier.ended = true;
}

/* The courier is dead: what it had taken up may have been sent. */
static void
lose_job(GaJob *job, void *arg)
{
	TimestampTz now = *(TimestampTz *) arg;
	MemoryContext old = MemoryContextSwitchTo(ga_records_context());

	/* A question is asked again by itself. */
	if (job->is_poll)
		;
	else if (job->picked)
		ga_job_lose(job, now, ga_records_add());
	else
		ga_job_give_back(job, now, ga_records_add());
	MemoryContextSwitchTo(old);
	job->provider->in_flight--;
	ga_job_remove(job);
}

static void
bury_courier(TimestampTz now)
{
	int lost = ga_jobs_count();

	ga_jobs_visit(lose_job, &now);
	if (!is_draining)
		ereport(LOG, (errmsg("the courier of group_api ended unexpectedly"),
					  errdetail("%d messages were in its hands.", lost)));
	ga_courier_stop(&courier);
	pg_atomic_write_u32(&ga_seat->courier_pid, 0);
	/* One that did some work may be replaced at once. */
	if (has_worked || is_draining)
		wait_ms = 0;
	else
	{
		ga_seat_note(GA_TROUBLE_NO_COURIER);
		wait_a_while();
	}
	has_worked = false;
}

void
ga_desk_collect(TimestampTz now)
{
	if (!ga_courier_is_open(&courier))
		return;
	ga_courier_fill(&courier);
	read_frames(now);
	if (courier.ended)
		bury_courier(now);
}

/* Waits for the courier's end until `end`, hearing what it says. */
static void
hear_last_words(GaMonotonic end)
{
	GaMonotonic now = ga_monotonic_now();

	while (!courier.ended && now < end)
	{
		ga_courier_flush(&courier);
		(void) WaitLatchOrSocket(
			MyLatch, WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
			courier.fd, (end - now) / 1000 + 1,
			ga_wait_event("GroupApiFarewell"));
		now = ga_monotonic_now();
		ga_courier_fill(&courier);
		read_frames(GetCurrentTimestamp());
	}
}

void
ga_desk_close(void)
{
	TimestampTz now;

	if (ga_courier_is_open(&courier))
	{
		ga_courier_put(&courier, GA_FRAME_DRAIN, "", 0);
		hear_last_words(ga_monotonic_in_ms(FAREWELL_MS));
		/* After the kill nothing more can leave. */
		kill(courier.pid, SIGKILL);
		hear_last_words(ga_monotonic_in_ms(FAREWELL_MS));
	}
	now = GetCurrentTimestamp();
	ga_jobs_visit(lose_job, &now);
}

void
ga_desk_drain(void)
{
	if (is_draining || !ga_courier_is_open(&courier))
		return;
	is_draining = true;
	ga_courier_put(&courier, GA_FRAME_DRAIN, "", 0);
	ga_courier_flush(&courier);
}

int
ga_desk_wait_ms(void)
{
	return pg_atomic_read_u32(&ga_seat->trouble) == GA_TROUBLE_NO_COURIER
			   ? wait_ms
			   : 0;
}

void
ga_desk_take_over(int last_wait_ms)
{
	wait_ms = last_wait_ms;
	/* The log has it already. */
	told = wait_ms > 0;
}

int
ga_desk_events(void)
{
	int events = 0;

	if (ga_courier_is_open(&courier))
		events |= WL_SOCKET_READABLE;
	if (ga_courier_has_output(&courier))
		events |= WL_SOCKET_WRITEABLE;
	return events;
}

pgsocket
ga_desk_socket(void)
{
	return courier.fd;
}

void
ga_desk_end_trouble(void)
{
	if (pg_atomic_read_u32(&ga_seat->trouble) != GA_TROUBLE_NO_COURIER ||
		has_worked)
		ga_seat_note(GA_TROUBLE_NONE);
}
