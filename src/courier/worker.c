/*
 * worker.c
 *		The thread of a pool: it sends the provider's messages, over as many
 *		connections at the same time as the provider allows.
 *
 * A turn takes up as many messages as there are connections free, writes PICKED for
 * all of them, together with the outcomes of the turn before, and only then does
 * anything for them.  Should a message kill the courier, the dispatcher knows of it.
 * While that does not read, nothing more is taken up; what is under way goes on.  Then
 * the thread waits for an answer, a new message, that the dispatcher has read, a limit.
 *
 * The transfers of a gateway are run by this thread, none of which may block it; those
 * of a relay by a thread for each connection (courier/performer), while this one still
 * takes up all messages and writes all outcomes.
 *
 * A refusal because there are too many connections, while another one is there, costs
 * no message a try: the message goes back to the front of the queue, its connection is
 * closed, and the pool keeps to one fewer.
 *
 * All pools share the process's file descriptors (courier/descriptors).  Where they
 * run out, no message has had a try: its connection is closed, or waits where it is
 * the only one.  The same holds where a relay's connection gets no thread.
 *
 * While the thread waits, the main thread may begin a message that came alone.
 *
 * Locks: those of the pool, of the output and of the descriptors, each for itself.  A
 * line, its sender and its task belong to whoever holds the transfers (courier/transfers),
 * but while a performer runs.
 */
#include "courier/worker.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/shared/monotonic.h"
#include "courier/descriptors.h"
#include "courier/memory.h"
#include "courier/performer.h"
#include "courier/pool.h"
#include "courier/thread.h"

/* A connection without work is closed after so long; short while others wait for one. */
#define IDLE_S 60
#define IDLE_SHORT_S 1
/* The only connection of a provider waits for some, or for a thread, so often. */
#define DESCRIPTORS_WAIT_MS 200
#define DESCRIPTORS_TRIES 50

typedef struct Line
{
	GaSender *sender;
	GaPerformer *performer; /* where its transfers block */
	GaTask *task;			/* NULL: idle */
	GaMonotonic idle_since;
	struct Line *next; /* in the list it stands in */
} Line;

struct GaPoolWorker
{
	GaPool *pool;
	GaOutput *output;
	const GaCourierProvider *provider;
	GaTransfers *transfers;
	GaBuffer frames; /* to be written */
	GaOutputWaiter written;
	GaBuffer note; /* for the journal */
	GaOutcome outcome;

	Line *idle;	  /* the one used last comes first */
	Line *picked; /* taken up, nothing done for them yet */
	int line_count;
	int busy_count; /* those with a task */

	GaPoolLimit *limit;
	GaMonotonic not_before; /* for want of file descriptors */
	int shortages;
};

/* ---- connections --------------------------------------------------------- */

/* Whether one is free, or may be opened as far as the provider is concerned. */
static bool
has_room(GaPoolWorker *worker)
{
	if (worker->idle)
		return true;
	if (worker->line_count >= worker->limit->connections)
		ga_pool_limit_grow(worker->limit, worker->provider->max_connections);
	return worker->line_count < worker->limit->connections;
}

/* Whether a line still has no thread for its transfers, which block. */
static bool
lacks_performer(const GaPoolWorker *worker, const Line *line)
{
	return ga_provider_blocks(worker->provider) && line->performer == NULL;
}

static void
open_performer(GaPoolWorker *worker, Line *line)
{
	if (lacks_performer(worker, line))
		line->performer = ga_performer_open(worker->transfers);
}

/* NULL: no thread is to be had, and other lines have theirs.  The only one waits for it. */
static Line *
make_line(GaPoolWorker *worker)
{
	Line *line = ga_memory_alloc(sizeof(*line));

	open_performer(worker, line);
	if (lacks_performer(worker, line) && worker->line_count > 0)
	{
		free(line);
		return NULL;
	}
	line->sender = ga_provider_open_sender(
		worker->provider,
		ga_provider_blocks(worker->provider) ? NULL : worker->transfers);
	worker->line_count++;
	return line;
}

/* NULL: there are too few file descriptors or threads, or the connections of an earlier
 * pool are still there. */
static Line *
open_line(GaPoolWorker *worker)
{
	Line *line;

	if (!ga_descriptors_take(worker->line_count == 0))
		return NULL;
	if (!ga_pool_connect(worker->pool, worker->limit->connections))
	{
		ga_descriptors_give_back();
		return NULL;
	}
	line = make_line(worker);
	if (line == NULL)
	{
		ga_descriptors_give_back();
		ga_pool_disconnect(worker->pool);
	}
	return line;
}

static void
close_line(GaPoolWorker *worker, Line *line)
{
	if (line->performer)
		ga_performer_close(line->performer);
	ga_provider_close_sender(line->sender);
	free(line);
	worker->line_count--;
	ga_descriptors_give_back();
	ga_pool_disconnect(worker->pool);
}

static Line *
find_line(GaPoolWorker *worker)
{
	Line *line = worker->idle;

	if (line == NULL)
		return open_line(worker);
	worker->idle = line->next;
	return line;
}

static void
put_idle(GaPoolWorker *worker, Line *line)
{
	line->idle_since = ga_monotonic_now();
	line->next = worker->idle;
	worker->idle = line;
}

static int64_t
idle_us(void)
{
	return (int64_t) (ga_descriptors_are_short() ? IDLE_SHORT_S : IDLE_S) *
		   1000000;
}

/* Those that had no work for too long, or all of them. */
static void
close_idle(GaPoolWorker *worker, bool all)
{
	GaMonotonic before = ga_monotonic_now() - idle_us();
	Line **place = &worker->idle;

	while (*place)
	{
		Line *line = *place;

		if (!all && line->idle_since > before)
			place = &line->next;
		else
		{
			*place = line->next;
			close_line(worker, line);
		}
	}
}

/* ---- outcomes ------------------------------------------------------------ */

/* Whether the answer is about the provider and holds for the next message. */
static bool
speaks_for_all(const GaVerdict *verdict)
{
	return verdict->outcome == GA_OUTCOME_MISCONFIGURED ||
		   (verdict->outcome == GA_OUTCOME_RETRY &&
			(verdict->flags & GA_OUTCOME_PROVIDER_FAULT) &&
			verdict->retry_after_ms > 0);
}

/*
 * Gives the waiting messages back untried, so without PICKED: to try each of
 * them with a wrong password would lock the account, and a gateway that asked
 * for a pause is to have it.
 */
static void
spare_waiting(GaPoolWorker *worker)
{
	GaTask *task;

	while ((task = ga_pool_take(worker->pool)) != NULL)
	{
		ga_outcome_put(&worker->frames, task->job.id, &worker->outcome);
		ga_pool_free_task(task);
	}
}

/*
 * The provider takes no more connections while others of ours are there: the
 * message goes back to the front of the queue.  False: it is the only one, so that
 * the refusal counts.
 */
static bool
give_up_connection(GaPoolWorker *worker, Line *line, GaTask *task)
{
	if (worker->line_count == 1 || !ga_pool_put_back(worker->pool, task))
		return false;
	close_line(worker, line);
	ga_pool_limit_refused(worker->limit, worker->line_count);
	return true;
}

static void
tell_shortage(GaPoolWorker *worker)
{
	bool is_news;
	int allowed = ga_descriptors_shrink(&is_news);

	if (is_news)
		ga_output_log(worker->output,
					  "too few file descriptors: the courier keeps to %d "
					  "connections at once; raise the limit under which the "
					  "server runs (ulimit -n, or LimitNOFILE of its service)",
					  allowed);
}

/*
 * There are too few file descriptors, or threads, so the message goes back to the front
 * of the queue.  False: there was time enough.
 */
static bool
wait_for_resources(GaPoolWorker *worker, Line *line, GaTask *task)
{
	if (!lacks_performer(worker, line))
		tell_shortage(worker);
	if (worker->line_count == 1 && worker->shortages++ >= DESCRIPTORS_TRIES)
		return false;
	if (!ga_pool_put_back(worker->pool, task))
		return false;
	if (worker->line_count > 1)
		close_line(worker, line);
	else
	{
		put_idle(worker, line);
		worker->not_before = ga_monotonic_in_ms(DESCRIPTORS_WAIT_MS);
	}
	return true;
}

/* Before anybody is told, and without the provider's words, so that there is room. */
static void
note_accepted(GaPoolWorker *worker, const GaTask *task)
{
	GaBuffer *note = &worker->note;
	char *words = worker->outcome.detail;
	char first = words[0];

	words[0] = '\0';
	ga_outcome_put(note, task->job.id, &worker->outcome);
	words[0] = first;
	ga_journal_note(worker->output->journal, worker->output->generation,
					task->job.id, ga_buffer_start(note) + GA_FRAME_HEADER,
					ga_buffer_length(note) - GA_FRAME_HEADER);
	ga_buffer_consume(note, ga_buffer_length(note));
}

static void
tell(GaPoolWorker *worker, const GaTask *task)
{
	/* What is captured went nowhere, and has the message with its link. */
	if (worker->output->journal != NULL &&
		worker->outcome.verdict.outcome == GA_OUTCOME_ACCEPTED &&
		worker->outcome.captured.length == 0)
		note_accepted(worker, task);
	ga_outcome_put(&worker->frames, task->job.id, &worker->outcome);
}

/* What becomes of a message by worker->outcome. */
static void
settle(GaPoolWorker *worker, Line *line)
{
	GaTask *task = line->task;
	GaVerdict *verdict = &worker->outcome.verdict;

	line->task = NULL;
	worker->busy_count--;
	if ((verdict->flags & GA_OUTCOME_NO_TRY) &&
		wait_for_resources(worker, line, task))
		return;
	worker->shortages = 0;
	if ((verdict->flags & GA_OUTCOME_CROWDED) &&
		give_up_connection(worker, line, task))
		return;
	/* What was learnt travels with each outcome. */
	if (worker->limit->connections < worker->provider->max_connections)
		verdict->flags |=
			GA_OUTCOME_WITH_CONNECTIONS(worker->limit->connections);
	tell(worker, task);
	ga_pool_free_task(task);
	put_idle(worker, line);
	if (speaks_for_all(verdict))
		spare_waiting(worker);
}

/* ---- messages ------------------------------------------------------------ */

/* false: it cannot be begun. */
static bool
start_transfer(GaPoolWorker *worker, Line *line)
{
	if (!ga_provider_blocks(worker->provider))
		return ga_transfers_add(worker->transfers,
								ga_provider_handle(line->sender), line);
	open_performer(worker, line);
	if (line->performer)
		ga_performer_run(line->performer, line->sender, line);
	return line->performer != NULL;
}

static void
run_transfer(GaPoolWorker *worker, Line *line)
{
	while (!start_transfer(worker, line))
		if (ga_provider_end(line->sender, &line->task->job, CURLE_FAILED_INIT,
							&worker->outcome))
		{
			if (lacks_performer(worker, line))
				ga_outcome_set_no_try(&worker->outcome,
									  "no thread could be started");
			settle(worker, line);
			return;
		}
}

static void
begin(GaPoolWorker *worker, Line *line)
{
	if (ga_provider_begin(line->sender, &line->task->job, &worker->outcome))
		run_transfer(worker, line);
	else
		settle(worker, line);
}

/* There is no connection for it; of a pool that was closed it goes to the dispatcher. */
static void
leave_waiting(GaPoolWorker *worker, GaTask *task)
{
	if (ga_pool_put_back(worker->pool, task))
		return;
	ga_outcome_set_no_try(&worker->outcome,
						  "the provider was defined anew meanwhile");
	ga_outcome_put(&worker->frames, task->job.id, &worker->outcome);
	ga_pool_free_task(task);
}

/* As many as there are connections for. */
static void
pick_up(GaPoolWorker *worker)
{
	if (!ga_output_await(worker->output, &worker->written) ||
		worker->not_before > ga_monotonic_now())
		return;
	while (has_room(worker))
	{
		GaTask *task = ga_pool_take(worker->pool);
		Line *line = task ? find_line(worker) : NULL;

		if (line == NULL)
		{
			if (task)
				leave_waiting(worker, task);
			return;
		}
		line->task = task;
		line->next = worker->picked;
		worker->picked = line;
		worker->busy_count++;
		if (!ga_wire_put_picked(&worker->frames, task->job.id))
			abort();
	}
}

/* False: PICKED is not yet where it outlives the courier. */
static bool
begin_picked(GaPoolWorker *worker)
{
	if (!ga_output_await(worker->output, &worker->written))
		return false;
	while (worker->picked)
	{
		Line *line = worker->picked;

		worker->picked = line->next;
		begin(worker, line);
	}
	return true;
}

/* Until there is nothing to take up, or nothing to send it over. */
static void
take_tasks(GaPoolWorker *worker)
{
	do
	{
		if (worker->picked == NULL)
			pick_up(worker);
		if (ga_buffer_length(&worker->frames) > 0)
			(void) ga_output_write(worker->output, &worker->frames);
	} while (worker->picked && begin_picked(worker));
}

static void
end_done(GaPoolWorker *worker)
{
	CURLcode result;
	Line *line;

	while ((line = ga_transfers_take_done(worker->transfers, &result)) != NULL)
		if (ga_provider_end(line->sender, &line->task->job, result,
							&worker->outcome))
			settle(worker, line);
		else
			run_transfer(worker, line);
}

/* ---- other threads ------------------------------------------------------- */

void
ga_worker_wake(GaPoolWorker *worker)
{
	ga_transfers_wake(worker->transfers);
}

/* One of a lower priority is not hurried. */
bool
ga_worker_try_hold(GaPoolWorker *worker)
{
	return !ga_provider_has_low_priority(worker->provider) &&
		   ga_transfers_try_hold(worker->transfers);
}

/* A new connection is left to the thread, since it takes a while to be opened. */
bool
ga_worker_begin_waiting(GaPoolWorker *worker)
{
	int busy = worker->busy_count + 1;

	if (worker->idle == NULL || !ga_provider_is_connected(worker->idle->sender))
		return false;
	take_tasks(worker);
	return ga_transfers_run_due(worker->transfers) == busy &&
		   worker->busy_count == busy && worker->picked == NULL;
}

void
ga_worker_release(GaPoolWorker *worker)
{
	ga_transfers_release(worker->transfers);
}

/* ---- the thread ---------------------------------------------------------- */

static long
sooner(long one_ms, long other_ms)
{
	return one_ms < 0 || other_ms < one_ms ? other_ms : one_ms;
}

/* Milliseconds until there is something to do without an event; -1: never. */
static long
wait_ms(GaPoolWorker *worker)
{
	GaMonotonic now = ga_monotonic_now();
	GaMonotonic oldest = GA_MONOTONIC_NEVER;
	long wait = -1;

	if (worker->not_before > now)
		wait = sooner(wait, ga_monotonic_ms_between(now, worker->not_before));
	for (const Line *line = worker->idle; line; line = line->next)
		oldest = line->idle_since;
	if (oldest != GA_MONOTONIC_NEVER)
		wait = sooner(wait, ga_monotonic_ms_between(now, oldest + idle_us()));
	return wait;
}

/* False: the pool needs no thread any more, and is gone. */
static bool
take_turn(GaPoolWorker *worker)
{
	take_tasks(worker);
	if (worker->idle)
		close_idle(worker, ga_pool_is_closed(worker->pool));
	if (worker->line_count == 0 && ga_pool_leave(worker->pool))
		return false;
	ga_transfers_run(worker->transfers, wait_ms(worker));
	end_done(worker);
	return true;
}

/* Without what it needs itself: as for a message, so long, so often. */
static void
open_transfers(GaPoolWorker *worker)
{
	const struct timespec pause = {0, DESCRIPTORS_WAIT_MS * 1000000};

	for (int i = 0; worker->transfers == NULL && i < DESCRIPTORS_TRIES; i++)
	{
		if (i > 0)
			nanosleep(&pause, NULL);
		worker->transfers = ga_transfers_open();
		if (worker->transfers == NULL)
			tell_shortage(worker);
	}
}

/* No message can be sent, and none was tried. */
static void
give_all_back(GaPoolWorker *worker)
{
	ga_outcome_set_no_try(&worker->outcome,
						  "the courier has too few file descriptors");
	do
	{
		spare_waiting(worker);
		(void) ga_output_write(worker->output, &worker->frames);
	} while (!ga_pool_leave(worker->pool));
}

static void
wake(void *context)
{
	ga_worker_wake(context);
}

void *
ga_worker_run(void *context)
{
	GaPoolWorker worker = {.pool = context};

	worker.output = ga_pool_output(worker.pool);
	worker.provider = ga_pool_provider(worker.pool);
	worker.limit = ga_pool_limit(worker.pool);
	if (ga_provider_has_low_priority(worker.provider))
		ga_thread_lower_priority();
	open_transfers(&worker);
	if (worker.transfers == NULL)
		give_all_back(&worker);
	else
	{
		worker.written = (GaOutputWaiter){wake, &worker, false, NULL};
		ga_pool_set_worker(worker.pool, &worker);
		while (take_turn(&worker))
			;
		ga_output_forget(worker.output, &worker.written);
		ga_transfers_close(worker.transfers);
	}
	ga_buffer_free(&worker.frames);
	ga_buffer_free(&worker.note);
	ga_text_free(&worker.outcome.captured);
	return NULL;
}
