/*
 * couriers.c
 *		The dispatcher's dealings with its couriers.
 *
 * A courier that cannot be started, or dies before it took up anything, is
 * started again after a pause of one second to one minute, and the log says so
 * once.  When one dies, the jobs it had taken up are uncertain and the others go
 * back as if they had never been claimed (dispatch/courier/jobs).
 *
 * Any of those it had taken up may be the reason.  So when they are claimed again
 * they wait (dispatch/courier/suspects), and each is tried alone in a second courier that
 * is started for it, while the first one goes on with everything else: whoever
 * kills that one is known.
 *
 * A courier that does not answer (dispatch/courier/courier_watch) is killed; the rest is
 * as when it dies.
 *
 * Must never log a frame: jobs and settings hold addresses, links and secrets.
 */
#include "postgres.h"

#include <signal.h>

#include "base/compat.h"
#include "common/hashfn.h"
#include "dispatch/courier/couriers.h"
#include "dispatch/courier/courier_socket.h"
#include "dispatch/courier/courier_watch.h"
#include "dispatch/courier/suspects.h"
#include "dispatch/events/event_telling.h"
#include "dispatch/polls.h"
#include "dispatch/records.h"
#include "dispatch/own_slot.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* After a courier that could not be started or died at once. */
#define FIRST_WAIT_MS 1000
#define LAST_WAIT_MS 60000
/* How long messages under way may still end when the server stops. */
#define SHUTDOWN_MS 700

typedef struct Courier
{
	GaCourierSocket socket;
	GaCourierWatch watch;
	bool has_worked; /* it took something up */
	bool is_hung;	 /* and killed for that */
} Courier;

static GaOutcomeHandler handle_outcome;
/* The one that has all but the suspects, and the one that has one of these. */
static Courier usual = {.socket.fd = PGINVALID_SOCKET};
static Courier alone = {.socket.fd = PGINVALID_SOCKET};
static Courier *const couriers[GA_COURIER_SOCKETS] = {&usual, &alone};
static char *config; /* JSON with secrets; in TopMemoryContext */
static GaMonotonic not_before;
static int wait_ms;
static bool told; /* that it cannot be started */
static bool is_draining;

/* ---- starting and stopping ----------------------------------------------- */

/* Whoever comes next finds in the journal how that ended which is under way. */
static void
stop_couriers(int code, Datum arg)
{
	if (ga_jobs_count() > 0)
		ga_courier_leave(&usual.socket);
	for (int i = 0; i < GA_COURIER_SOCKETS; i++)
		ga_courier_stop(&couriers[i]->socket);
	pg_atomic_write_u32(&ga_own_slot->courier_pid, 0);
}

void
ga_couriers_start_early(void)
{
	const char *reason;

	/* Whatever is in the way, ga_couriers_open() will tell. */
	(void) ga_courier_start(&usual.socket, true, &reason);
	ga_watch_begin(&usual.watch);
}

void
ga_couriers_init(GaOutcomeHandler hear)
{
	handle_outcome = hear;
	before_shmem_exit(stop_couriers, (Datum) 0);
	pg_atomic_write_u32(&ga_own_slot->courier_pid, (uint32) usual.socket.pid);
	pg_atomic_write_u64(&ga_own_slot->courier_silent_since, 0);
}

void
ga_couriers_configure(const char *json)
{
	if (config != NULL)
	{
		explicit_bzero(config, strlen(config));
		pfree(config);
	}
	config = MemoryContextStrdup(TopMemoryContext, json);
	if (ga_courier_is_open(&usual.socket) && !is_draining)
		ga_courier_put(&usual.socket, GA_FRAME_CONFIG, config, strlen(config));
}

static void
wait_a_while(void)
{
	wait_ms = wait_ms == 0 ? FIRST_WAIT_MS : Min(wait_ms * 2, LAST_WAIT_MS);
	not_before = ga_monotonic_in_ms(wait_ms);
}

static bool
open_courier(Courier *courier, GaMonotonic now)
{
	const char *reason;

	if (ga_courier_is_open(&courier->socket))
		return !is_draining;
	if (is_draining || now < not_before)
		return false;
	if (!ga_courier_start(&courier->socket, courier == &usual, &reason))
	{
		ga_own_slot_note(GA_TROUBLE_NO_COURIER);
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
	courier->has_worked = courier->is_hung = false;
	ga_watch_begin(&courier->watch);
	ga_courier_put(&courier->socket, GA_FRAME_CONFIG, config, strlen(config));
	return true;
}

bool
ga_couriers_open(GaMonotonic now)
{
	bool is_open = open_courier(&usual, now);

	pg_atomic_write_u32(&ga_own_slot->courier_pid, (uint32) usual.socket.pid);
	return is_open;
}

bool
ga_couriers_is_open(void)
{
	return ga_courier_is_open(&usual.socket);
}

GaMonotonic
ga_couriers_next_start(void)
{
	return not_before;
}

void
ga_couriers_reset_backoff(void)
{
	wait_ms = 0;
	not_before = 0;
}

/* ---- handing over -------------------------------------------------------- */

static bool
has_work(const Courier *courier)
{
	return courier == &alone ? ga_courier_is_open(&alone.socket)
							 : ga_jobs_count() > ga_jobs_suspect_count();
}

void
ga_couriers_put_job(GaJob *job, const GaJobFrame *frame)
{
	if (job->crashes > 0)
		ga_suspects_add(job, frame);
	else
		ga_courier_put_job(&usual.socket, frame);
}

void
ga_couriers_flush(void)
{
	for (int i = 0; i < GA_COURIER_SOCKETS; i++)
	{
		Courier *courier = couriers[i];

		if (!ga_courier_is_open(&courier->socket))
			continue;
		if (has_work(courier) && ga_watch_is_ping_due(&courier->watch))
		{
			ga_courier_put(&courier->socket, GA_FRAME_PING, "", 0);
			ga_watch_pinged(&courier->watch);
		}
		ga_courier_flush(&courier->socket);
	}
}

/* Whose provider may be sent nothing for now goes back, to be claimed later. */
static void
give_back(GaJob *job, TimestampTz now)
{
	if (job->is_event)
		ga_event_telling_give_back(job);
	else if (!job->is_poll)
		ga_records_add_given_back(job, now);
	job->provider->in_flight--;
	ga_job_remove(job);
}

void
ga_couriers_try_suspect(GaMonotonic now, bool may_send)
{
	size_t length;
	char *payload;

	while (ga_suspects_wait() && !ga_courier_is_open(&alone.socket) &&
		   now >= not_before)
	{
		GaJob *job = ga_suspects_take(&payload, &length);

		if (job == NULL)
			return;
		if (!may_send || job->provider->gone || job->provider->is_paused ||
			!job->provider->was_usable || !open_courier(&alone, now))
			give_back(job, GetCurrentTimestamp());
		else
		{
			job->is_alone = true;
			job->handed_at = GetCurrentTimestamp();
			ga_courier_put(&alone.socket, GA_FRAME_JOB, payload, length);
		}
		pfree(payload);
	}
}

/* ---- what they say -------------------------------------------------------- */

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
handle_picked(Courier *courier, GaSlice payload)
{
	uint64_t job_id;
	GaJob *job;

	courier->has_worked = true;
	if (ga_wire_get_picked(payload, &job_id) &&
		(job = ga_job_find(job_id)) != NULL)
		job->picked = true;
}

static void
handle_frame(Courier *courier, GaFrameType type, GaSlice payload,
			 TimestampTz now)
{
	GaOutcomeFrame outcome;

	ga_watch_note_frame(&courier->watch, type == GA_FRAME_PONG);
	switch (type)
	{
		case GA_FRAME_PICKED:
			handle_picked(courier, payload);
			break;
		case GA_FRAME_OUTCOME:
			ga_suspects_note_success();
			if (ga_wire_get_outcome(payload, &outcome))
				handle_outcome(&outcome, now);
			else
				courier->socket.ended = true;
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
read_frames(Courier *courier, TimestampTz now)
{
	GaFrameType type;
	GaSlice payload;
	GaWireResult result;

	while ((result = ga_wire_peek(&courier->socket.in, &type, &payload)) ==
		   GA_WIRE_FRAME)
	{
		handle_frame(courier, type, payload, now);
		ga_buffer_consume(&courier->socket.in,
						  GA_FRAME_HEADER + payload.length);
	}
	if (result == GA_WIRE_BROKEN)
		courier->socket.ended = true;
}

/* ---- when one dies ------------------------------------------------------- */

typedef struct Loss
{
	TimestampTz now;
	const Courier *courier; /* NULL: whoever has them */
	bool died;				/* not by our own hand */
	int count;
} Loss;

/* What a courier had taken up may have been sent. */
static void
lose_job(GaJob *job, void *arg)
{
	Loss *loss = arg;

	if (loss->courier == &usual && job->is_suspect)
		return;
	if (loss->courier == &alone && !job->is_alone)
		return;
	loss->count++;
	if (job->is_poll && job->picked && loss->died)
		ga_polls_lose(job);
	if (job->is_poll || !job->picked)
	{
		/* A question is asked again by itself. */
		give_back(job, loss->now);
		return;
	}
	if (job->is_event)
		ga_event_telling_lose(job, loss->died, loss->now);
	else
		ga_records_add_lost(job, loss->now, loss->died);
	job->provider->in_flight--;
	ga_job_remove(job);
}

static void
reap_courier(Courier *courier, TimestampTz now)
{
	Loss loss = {.now = now, .courier = courier, .died = !is_draining};
	bool worked =
		courier->has_worked || (courier->is_hung && courier->watch.has_spoken);

	ga_jobs_visit(lose_job, &loss);
	if (!is_draining && !courier->is_hung)
		ereport(LOG, (errmsg("the courier of group_api ended unexpectedly"),
					  errdetail("%d messages were in its hands.", loss.count)));
	ga_courier_stop(&courier->socket);
	if (courier == &usual)
		pg_atomic_write_u32(&ga_own_slot->courier_pid, 0);
	if (courier->is_hung)
		pg_atomic_write_u64(&ga_own_slot->courier_replaced_at,
							(uint64) GetCurrentTimestamp());
	/* One that did some work may be replaced at once. */
	if (is_draining || (worked && !ga_suspects_is_courier_broken()))
		wait_ms = 0;
	else
	{
		ga_own_slot_note(GA_TROUBLE_NO_COURIER);
		wait_a_while();
	}
	courier->has_worked = courier->is_hung = false;
	ga_watch_begin(&courier->watch);
}

/* Its end is noticed as any other is. */
static void
kill_hung(Courier *courier)
{
	courier->is_hung = true;
	ereport(WARNING,
			(errmsg("the courier of group_api makes no progress; it is "
					"replaced"),
			 errdetail("The process %d answered nothing for %ld s.",
					   (int) courier->socket.pid,
					   (long) (courier->watch.silent_us / 1000000))));
	kill(courier->socket.pid, SIGKILL);
}

/* For health(): since when one of them has owed an answer. */
static void
publish_silence(void)
{
	long longest_ms = 0;

	for (int i = 0; i < GA_COURIER_SOCKETS; i++)
	{
		GaCourierWatch *watch = &couriers[i]->watch;

		if (ga_courier_is_open(&couriers[i]->socket) && has_work(couriers[i]) &&
			ga_watch_is_late(watch))
			longest_ms = Max(longest_ms, (long) (watch->silent_us / 1000));
	}
	pg_atomic_write_u64(
		&ga_own_slot->courier_silent_since,
		longest_ms == 0 ? 0
						: (uint64) (ga_monotonic_now() - longest_ms * 1000));
}

static void
collect(Courier *courier, TimestampTz now)
{
	if (!ga_courier_is_open(&courier->socket))
		return;
	ga_courier_fill(&courier->socket);
	read_frames(courier, now);
	ga_watch_check(&courier->watch);
	if (courier->socket.ended)
		reap_courier(courier, now);
	else if (has_work(courier) && !courier->is_hung &&
			 ga_watch_is_hung(&courier->watch))
		kill_hung(courier);
}

static void
find_alone(GaJob *job, void *arg)
{
	*(bool *) arg |= job->is_alone;
}

/* The next one gets another: what this one left behind is not its fault. */
static void
close_alone(void)
{
	bool is_under_way = false;

	if (!ga_courier_is_open(&alone.socket))
		return;
	ga_jobs_visit(find_alone, &is_under_way);
	if (!is_under_way)
		ga_courier_stop(&alone.socket);
}

void
ga_couriers_collect(TimestampTz now)
{
	for (int i = 0; i < GA_COURIER_SOCKETS; i++)
		collect(couriers[i], now);
	close_alone();
	publish_silence();
}

long
ga_couriers_next_check_ms(GaMonotonic now)
{
	long next = -1;

	for (int i = 0; i < GA_COURIER_SOCKETS; i++)
	{
		Courier *courier = couriers[i];
		long ms;

		if (!ga_courier_is_open(&courier->socket) || !has_work(courier) ||
			courier->is_hung)
			continue;
		ms = ga_watch_next_turn_ms(&courier->watch);
		next = next < 0 ? ms : Min(next, ms);
	}
	if (ga_suspects_wait() && !ga_courier_is_open(&alone.socket) &&
		!is_draining)
	{
		long ms = ga_monotonic_ms_between(now, not_before);

		next = next < 0 ? ms : Min(next, ms);
	}
	return next;
}

/* ---- the end ------------------------------------------------------------- */

static bool
all_have_ended(void)
{
	for (int i = 0; i < GA_COURIER_SOCKETS; i++)
		if (ga_courier_is_open(&couriers[i]->socket) &&
			!couriers[i]->socket.ended)
			return false;
	return true;
}

/* Waits for the couriers' end until `end`, and reads what they write. */
static void
read_until_end(GaMonotonic end)
{
	GaMonotonic now = ga_monotonic_now();
	GaWaitSocket sockets[GA_COURIER_SOCKETS];

	while (!all_have_ended() && now < end)
	{
		ga_couriers_flush();
		ga_couriers_sockets(sockets);
		(void) ga_wait_for_events(sockets, GA_COURIER_SOCKETS,
								  (end - now) / 1000 + 1,
								  ga_wait_event("GroupApiCourierShutdown"));
		ResetLatch(MyLatch); /* who commits meanwhile sets it still */
		now = ga_monotonic_now();
		for (int i = 0; i < GA_COURIER_SOCKETS; i++)
		{
			if (!ga_courier_is_open(&couriers[i]->socket))
				continue;
			ga_courier_fill(&couriers[i]->socket);
			read_frames(couriers[i], GetCurrentTimestamp());
		}
	}
}

void
ga_couriers_close(void)
{
	Loss loss = {.courier = NULL};

	ga_couriers_drain();
	read_until_end(ga_monotonic_in_ms(SHUTDOWN_MS));
	/* After the kill nothing more can leave. */
	for (int i = 0; i < GA_COURIER_SOCKETS; i++)
		if (ga_courier_is_open(&couriers[i]->socket))
			kill(couriers[i]->socket.pid, SIGKILL);
	read_until_end(ga_monotonic_in_ms(SHUTDOWN_MS));
	loss.now = GetCurrentTimestamp();
	ga_jobs_visit(lose_job, &loss);
}

static void
give_back_waiting(GaJob *job, void *arg)
{
	if (job->is_suspect && !job->is_alone)
		give_back(job, *(TimestampTz *) arg);
}

void
ga_couriers_drain(void)
{
	TimestampTz now = GetCurrentTimestamp();

	if (is_draining)
		return;
	ga_suspects_forget();
	ga_jobs_visit(give_back_waiting, &now);
	is_draining = !all_have_ended();
	for (int i = 0; i < GA_COURIER_SOCKETS; i++)
		if (ga_courier_is_open(&couriers[i]->socket))
			ga_courier_put(&couriers[i]->socket, GA_FRAME_DRAIN, "", 0);
	ga_couriers_flush();
}

int
ga_couriers_wait_ms(void)
{
	return pg_atomic_read_u32(&ga_own_slot->trouble) == GA_TROUBLE_NO_COURIER
			   ? wait_ms
			   : 0;
}

void
ga_couriers_take_over(int last_wait_ms)
{
	wait_ms = last_wait_ms;
	/* The log has it already. */
	told = wait_ms > 0;
}

void
ga_couriers_sockets(GaWaitSocket *sockets)
{
	for (int i = 0; i < GA_COURIER_SOCKETS; i++)
		sockets[i] = ga_courier_wait_socket(&couriers[i]->socket);
}

void
ga_couriers_end_trouble(void)
{
	if (pg_atomic_read_u32(&ga_own_slot->trouble) != GA_TROUBLE_NO_COURIER ||
		usual.has_worked)
		ga_own_slot_note(GA_TROUBLE_NONE);
}
