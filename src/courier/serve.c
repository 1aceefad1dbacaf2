/*
 * serve.c
 *		Serving a dispatcher over a socketpair.
 *
 * The main thread only reads frames and hands jobs to the pools, or begins one that
 * came alone (courier/pool): it takes no lock that is held for long, and never waits
 * for room to write (output.c), so jobs keep flowing whatever the network does.  The
 * end of the stream is the end of the process: at once where there is no journal.
 * With one, a dispatcher that died, mostly since its server did, leaves a courier
 * behind that ends what is under way and notes there what was taken over, so that the
 * next dispatcher need not send it again.
 */
#include "courier/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/shared/journal.h"
#include "courier/confine.h"
#include "courier/descriptors.h"
#include "courier/memory.h"
#include "courier/output.h"
#include "courier/pool.h"
#include "courier/thread.h"

#define READ_SIZE (256 * 1024)

typedef struct Server
{
	GaOutput output;
	GaBuffer in;
	GaPool **pools;
	size_t pool_count;
	int job_count;	  /* of what was read last */
	bool is_draining; /* takes nothing more */
} Server;

/* The dispatcher cannot be served; the kernel keeps what is written last. */
static void __attribute__((noreturn)) give_up(Server *server, const char *why)
{
	char line[256];
	GaBuffer frame = {0};

	snprintf(line, sizeof(line), "courier: %s", why);
	fprintf(stderr, "group_api_courier: %s\n", why);
	if (ga_wire_put_frame(&frame, GA_FRAME_LOG, line, strlen(line)))
		send(server->output.fd, ga_buffer_start(&frame),
			 ga_buffer_length(&frame), MSG_NOSIGNAL | MSG_DONTWAIT);
	_exit(2);
}

static GaPool *
find_in(GaPool **pools, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(ga_pool_name(pools[i]), name) == 0)
			return pools[i];
	return NULL;
}

static GaPool *
find_pool(const Server *server, const char *name)
{
	return find_in(server->pools, server->pool_count, name);
}

static void
route_task(Server *server, GaTask *task)
{
	GaPool *pool = find_pool(server, task->job.provider);
	char detail[512];

	if (pool)
	{
		ga_pool_push(pool, task);
		return;
	}
	snprintf(detail, sizeof(detail),
			 "the courier has no provider called \"%s\"", task->job.provider);
	ga_pool_refuse_task(task, &server->output,
						(GaVerdict){GA_OUTCOME_MISCONFIGURED, 0, -1},
						"provider", detail);
}

/* Whether that much is known of the provider: each reload opens it anew. */
static bool
had_fault(const Server *server, const GaPool *pool)
{
	for (size_t i = 0; i < server->pool_count; i++)
	{
		GaPool *old = server->pools[i];

		if (old && ga_pool_fault(old) &&
			strcmp(ga_pool_name(old), ga_pool_name(pool)) == 0)
			return strcmp(ga_pool_fault(old), ga_pool_fault(pool)) == 0;
	}
	return false;
}

/* Keeps the pool of a provider nothing has changed about, and its warm
 * connections. */
static GaPool *
keep_or_open(Server *server, const json_t *config)
{
	const char *name = json_string_value(json_object_get(config, "name"));
	GaPool *pool;

	for (size_t i = 0; name && i < server->pool_count; i++)
		if (server->pools[i] &&
			strcmp(ga_pool_name(server->pools[i]), name) == 0 &&
			ga_pool_is_for(server->pools[i], config))
		{
			pool = server->pools[i];
			server->pools[i] = NULL;
			return pool;
		}
	pool = ga_pool_open(config, &server->output);
	if (ga_pool_fault(pool) && !had_fault(server, pool))
		ga_output_log(&server->output, "provider \"%s\" cannot be used: %s",
					  ga_pool_name(pool), ga_pool_fault(pool));
	return pool;
}

static void
take_config(Server *server, json_t *root)
{
	json_t *providers = json_object_get(root, "providers");
	size_t count = json_array_size(providers);
	GaPool **pools = ga_memory_alloc((count + 1) * sizeof(*pools));
	GaTask *left = NULL;
	GaTask **tail = &left;

	if (!json_is_array(providers))
		give_up(server, "a CONFIG frame without providers");
	for (size_t i = 0; i < count; i++)
		pools[i] = keep_or_open(server, json_array_get(providers, i));
	for (size_t i = 0; i < server->pool_count; i++)
	{
		if (server->pools[i])
			*tail = ga_pool_close(
				server->pools[i],
				find_in(pools, count, ga_pool_name(server->pools[i])));
		while (*tail)
			tail = &(*tail)->next;
	}
	free(server->pools);
	server->pools = pools;
	server->pool_count = count;
	while (left)
	{
		GaTask *task = left;

		left = task->next;
		route_task(server, task);
	}
}

/* The task and all it says are one piece of memory. */
static void
take_job(Server *server, GaSlice payload)
{
	GaTask *task = ga_memory_alloc_raw(sizeof(*task) + payload.length);
	char complaint[128];

	server->job_count++;
	memcpy(task->frame, payload.data, payload.length);
	explicit_bzero((char *) payload.data, payload.length);
	payload.data = task->frame;
	if (!ga_job_read_frame(&task->job, payload, complaint, sizeof(complaint)))
		give_up(server, complaint);
	route_task(server, task);
}

static void *
end_with_pools(void *context)
{
	GaOutput *output = context;

	ga_pools_wait();
	ga_output_drain(output);
	if (output->journal)
		ga_journal_set_busy(output->journal, 0);
	_exit(0);
}

/*
 * The dispatcher stops.  What nobody has taken up it keeps for its next life;
 * what is under way may end, as long as the dispatcher lets us live.  Until then
 * the main thread answers.
 */
static void
drain(Server *server)
{
	if (server->is_draining)
		return;
	server->is_draining = true;
	for (size_t i = 0; i < server->pool_count; i++)
	{
		GaTask *task = ga_pool_close(server->pools[i], NULL);

		while (task)
		{
			GaTask *next = task->next;

			ga_pool_free_task(task);
			task = next;
		}
	}
	server->pool_count = 0;
	if (!ga_thread_start(end_with_pools, &server->output))
		(void) end_with_pools(&server->output);
}

/* By the thread that reads jobs, since its life is what is asked about. */
static void
answer_ping(Server *server)
{
	GaBuffer frame = {0};

	if (ga_wire_put_frame(&frame, GA_FRAME_PONG, "", 0))
		ga_output_write(&server->output, &frame);
	ga_buffer_free(&frame);
}

static void
take_frame(Server *server, GaFrameType type, GaSlice payload)
{
	json_t *root;

	if (type == GA_FRAME_DRAIN)
		drain(server);
	else if (type == GA_FRAME_PING)
		answer_ping(server);
	else if (type != GA_FRAME_CONFIG && type != GA_FRAME_JOB)
		give_up(server, "a frame of unknown type");
	if (type == GA_FRAME_DRAIN || type == GA_FRAME_PING || server->is_draining)
		return;
	if (type == GA_FRAME_JOB)
	{
		take_job(server, payload);
		return;
	}
	root = json_loadb(payload.data, payload.length, 0, NULL);
	if (!json_is_object(root))
		give_up(server, "a frame that is not a JSON object");
	take_config(server, root);
	json_decref(root);
	explicit_bzero((char *) payload.data, payload.length);
}

static void
take_frames(Server *server)
{
	GaFrameType type;
	GaSlice payload;

	for (;;)
	{
		switch (ga_wire_peek(&server->in, &type, &payload))
		{
			case GA_WIRE_INCOMPLETE:
				return;
			case GA_WIRE_BROKEN:
				give_up(server, "a frame that is too long");
			case GA_WIRE_FRAME:
				take_frame(server, type, payload);
				ga_buffer_consume(&server->in,
								  GA_FRAME_HEADER + payload.length);
		}
	}
}

/* ---- after the dispatcher's end ------------------------------------------- */

/* What a signal's handler needs of it. */
static GaJournal *outlived_by;
static pid_t dispatcher;

static void
end_now(int number)
{
	(void) number;
	_exit(0);
}

/*
 * What is under way has some time, for which the next dispatcher waits.  A timer ends it,
 * whatever the threads, the main thread among them, are held up by.
 */
static void
start_last_second(void)
{
	static volatile sig_atomic_t is_started;
	const struct itimerval longest = {
		.it_value = {GA_JOURNAL_SENDS_MS / 1000,
					 GA_JOURNAL_SENDS_MS % 1000 * 1000}};

	if (is_started)
		return;
	is_started = 1;
	ga_journal_set_busy(outlived_by, ga_monotonic_in_ms(GA_JOURNAL_LINGER_MS));
	setitimer(ITIMER_REAL, &longest, NULL);
}

/* Of SIGCONT, by the kernel when the dispatcher ends, or by somebody while it lives. */
static void
note_end(int number)
{
	(void) number;
	if (getppid() != dispatcher)
		start_last_second();
}

/* One that somebody stopped goes on, and finds the end of the stream. */
static void
expect_end(GaJournal *journal, pid_t parent)
{
	struct sigaction action = {.sa_flags = SA_RESTART};

	outlived_by = journal;
	dispatcher = parent;
	action.sa_handler = end_now;
	sigaction(SIGALRM, &action, NULL);
	action.sa_handler = note_end;
	sigaction(SIGCONT, &action, NULL);
	prctl(PR_SET_PDEATHSIG, SIGCONT);
}

/* Nothing more is taken up; the timer ends it, or the last message does. */
static void __attribute__((noreturn)) outlive(Server *server)
{
	if (server->output.journal == NULL)
		_exit(0);
	start_last_second();
	drain(server);
	for (;;)
		pause();
}

/*
 * NULL: there is none that is known, as where the dispatcher is of another version.  The
 * memory stays when its descriptor is closed.
 */
static GaJournal *
open_journal(int fd)
{
	struct stat object;
	void *memory;

	/* What is shorter would end us by SIGBUS. */
	if (fd < 0 || fstat(fd, &object) != 0 ||
		object.st_size < (off_t) ga_journal_size())
		return NULL;
	memory = mmap(NULL, ga_journal_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
				  fd, 0);
	return memory == MAP_FAILED || !ga_journal_is_known(memory) ? NULL : memory;
}

/* Nothing of the server's comes along: no descriptor, no signal state. */
static void
shed_inheritance(int fd)
{
	sigset_t none;

	if (fd > 3)
		close_range(3, (unsigned) fd - 1, 0);
	close_range(fd < 3 ? 3 : (unsigned) fd + 1, ~0U, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_IGN); /* a Ctrl-C is meant for the terminal's owner */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
tell_confinement(Server *server, const char *said)
{
	GaBuffer frame = {0};

	if (ga_wire_put_frame(&frame, GA_FRAME_STARTED, said, strlen(said)))
		ga_output_write(&server->output, &frame);
	ga_buffer_free(&frame);
}

void
ga_serve(int fd, bool tells, int journal_fd)
{
	static Server server;
	GaJournal *journal = open_journal(journal_fd);
	/* As long as the end of the dispatcher that started us is ours. */
	uint32_t generation = journal ? ga_journal_generation(journal) : 0;
	pid_t parent = getppid();
	char said[128];

	if (journal)
		expect_end(journal, parent);
	else
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	shed_inheritance(fd);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	ga_confine(GA_CONFINE_SENDER, said, sizeof(said));
	ga_descriptors_start();
	if (!ga_output_open(&server.output, fd, journal, generation))
		_exit(3);
	if (tells)
		tell_confinement(&server, said);
	for (;;)
	{
		char *room = ga_buffer_reserve(&server.in, READ_SIZE);
		ssize_t length = room ? read(fd, room, READ_SIZE) : -1;

		if (length == 0)
			outlive(&server);
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0 && room)
			outlive(&server);
		if (length < 0)
			_exit(3);
		server.in.end += (size_t) length;
		server.job_count = 0;
		take_frames(&server);
		for (size_t i = 0; i < server.pool_count; i++)
			ga_pool_wake(server.pools[i], server.job_count == 1);
	}
}
