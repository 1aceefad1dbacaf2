/*
 * transfers.c
 *		The transfers that one thread has under way at the same time.
 *
 * One thread for all connections of a provider, since with a thread for each of them
 * most of the time went into waking threads: two switches for each answer, and three
 * polls of a single socket.  What libcurl does not run that way has threads all the
 * same (courier/performer), which post the ends of their transfers here.
 *
 * libcurl wants to be told whenever a socket can be read or written, and stops wanting
 * that after each transfer, though the connection is kept.  So sockets that are ours
 * stay in the epoll set as they were.  When something comes on one that no transfer
 * uses (mostly its end), it is taken out; who uses the connection next looks at it.
 *
 * Locks: `held` is with the thread whose transfers they are, and free while it waits, so
 * that another one may begin a transfer meanwhile; that one never waits for it, and sets
 * a timer where the wait would be too long for that transfer.  `lock` protects `ended`
 * alone, and is held for a few instructions.
 */
#include "courier/transfers.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/shared/monotonic.h"
#include "courier/memory.h"

#define EVENTS_MAX 64

typedef struct Watch
{
	uint32_t events; /* asked of epoll; 0: it is not in the set */
	bool is_ours;	 /* of a connection, not one that libcurl uses inside */
	bool is_used;	 /* by a transfer */
} Watch;

struct GaTransfers
{
	CURLM *multi;
	int epoll_fd;
	int wake_fd;
	int timer_fd;		/* ends a wait that began before run_at was known */
	GaMonotonic run_at; /* when libcurl wants to be run */
	int running;		/* of libcurl's transfers */
	Watch *watches;		/* by descriptor */
	int watch_count;

	pthread_mutex_t held; /* with all above, but wake_fd */
	pthread_mutex_t lock;
	GaTransferEnd *ended; /* elsewhere; the one posted last comes first */
};

/* The kernel gives the lowest number that is free, so the array stays short. */
static Watch *
watch_of(GaTransfers *transfers, int fd)
{
	int count = transfers->watch_count;

	if (fd >= count)
	{
		count = fd + 64;
		transfers->watches =
			realloc(transfers->watches, (size_t) count * sizeof(Watch));
		if (transfers->watches == NULL)
			abort();
		memset(transfers->watches + transfers->watch_count, 0,
			   (size_t) (count - transfers->watch_count) * sizeof(Watch));
		transfers->watch_count = count;
	}
	return &transfers->watches[fd];
}

/*
 * Asks epoll for these events; 0 takes the socket out.  What is asked of it already
 * costs no system call, which is the case between two messages on one connection.
 */
static void
ask_epoll(GaTransfers *transfers, int fd, uint32_t events)
{
	Watch *watch = watch_of(transfers, fd);
	struct epoll_event event = {.events = events, .data.fd = fd};
	int operation = watch->events == 0 ? EPOLL_CTL_ADD
					: events == 0	   ? EPOLL_CTL_DEL
									   : EPOLL_CTL_MOD;

	if (watch->events == events)
		return;
	(void) epoll_ctl(transfers->epoll_fd, operation, fd, &event);
	watch->events = events;
}

/*
 * libcurl says what it waits for on a socket.  Where it waits for nothing any more the
 * connection has become idle, or is about to be closed, which it does not tell apart:
 * ours stays in the set, and ga_transfers_note_closed() takes it out.
 */
static int
hear_socket(CURL *curl, curl_socket_t fd, int what, void *context, void *unused)
{
	GaTransfers *transfers = context;
	Watch *watch = watch_of(transfers, fd);

	(void) curl, (void) unused;
	watch->is_used = what != CURL_POLL_REMOVE;
	if (watch->is_used)
		ask_epoll(transfers, fd,
				  (what & CURL_POLL_IN ? EPOLLIN : 0) |
					  (what & CURL_POLL_OUT ? EPOLLOUT : 0));
	else if (!watch->is_ours)
		ask_epoll(transfers, fd, 0);
	return 0;
}

/* libcurl says when to run it though no socket moves: for its time-outs, or at once. */
static int
hear_timer(CURLM *multi, long wait_ms, void *context)
{
	GaTransfers *transfers = context;

	(void) multi;
	transfers->run_at =
		wait_ms < 0 ? GA_MONOTONIC_NEVER : ga_monotonic_in_ms(wait_ms);
	return 0;
}

/* Of our own; its number is that of none of libcurl's. */
static bool
watch_own(const GaTransfers *transfers, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(transfers->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

GaTransfers *
ga_transfers_open(void)
{
	GaTransfers *transfers = ga_memory_alloc(sizeof(*transfers));

	transfers->run_at = GA_MONOTONIC_NEVER;
	transfers->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	transfers->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	transfers->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	transfers->multi = curl_multi_init();
	pthread_mutex_init(&transfers->lock, NULL);
	pthread_mutex_init(&transfers->held, NULL);
	pthread_mutex_lock(&transfers->held);
	if (transfers->multi == NULL || !watch_own(transfers, transfers->wake_fd) ||
		!watch_own(transfers, transfers->timer_fd))
	{
		ga_transfers_close(transfers);
		return NULL;
	}
	curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, hear_socket);
	curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
	curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, hear_timer);
	curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
	return transfers;
}

void
ga_transfers_close(GaTransfers *transfers)
{
	curl_multi_cleanup(transfers->multi);
	if (transfers->epoll_fd >= 0)
		close(transfers->epoll_fd);
	if (transfers->wake_fd >= 0)
		close(transfers->wake_fd);
	if (transfers->timer_fd >= 0)
		close(transfers->timer_fd);
	pthread_mutex_unlock(&transfers->held);
	pthread_mutex_destroy(&transfers->held);
	pthread_mutex_destroy(&transfers->lock);
	free(transfers->watches);
	free(transfers);
}

bool
ga_transfers_add(GaTransfers *transfers, CURL *curl, void *context)
{
	curl_easy_setopt(curl, CURLOPT_PRIVATE, context);
	return curl_multi_add_handle(transfers->multi, curl) == CURLM_OK;
}

static void
run_one(GaTransfers *transfers, curl_socket_t fd, int what)
{
	(void) curl_multi_socket_action(transfers->multi, fd, what,
									&transfers->running);
}

static void
run_due(GaTransfers *transfers, GaMonotonic now)
{
	if (transfers->run_at > now)
		return;
	transfers->run_at = GA_MONOTONIC_NEVER;
	run_one(transfers, CURL_SOCKET_TIMEOUT, 0);
}

/*
 * One that no transfer uses has met its end, or bytes that nobody asked for.  libcurl
 * would not read them, so epoll would tell of them for ever: it is taken out of the set.
 */
static void
hear_event(GaTransfers *transfers, const struct epoll_event *event)
{
	int fd = event->data.fd;
	uint32_t events = event->events;
	uint64_t count;

	if (fd == transfers->wake_fd || fd == transfers->timer_fd)
	{
		if (read(fd, &count, sizeof(count)) < 0)
			return;
	}
	else if (watch_of(transfers, fd)->is_used)
		run_one(transfers, fd,
				(events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
					(events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
					(events & EPOLLERR ? CURL_CSELECT_ERR : 0));
	else
		ask_epoll(transfers, fd, 0);
}

/* What another thread did meanwhile makes no event stale: a socket that is none of ours any
 * more, or has nothing to read, is one for which there is nothing to do. */
static int
wait_for_events(GaTransfers *transfers, struct epoll_event *events,
				long wait_ms)
{
	int count;

	pthread_mutex_unlock(&transfers->held);
	count = epoll_wait(transfers->epoll_fd, events, EVENTS_MAX, (int) wait_ms);
	pthread_mutex_lock(&transfers->held);
	return count;
}

/* What is due of others takes as long as it takes: the thread is about to do that. */
bool
ga_transfers_try_hold(GaTransfers *transfers)
{
	if (pthread_mutex_trylock(&transfers->held) != 0)
		return false;
	if (transfers->run_at > ga_monotonic_now())
		return true;
	pthread_mutex_unlock(&transfers->held);
	return false;
}

void
ga_transfers_release(GaTransfers *transfers)
{
	pthread_mutex_unlock(&transfers->held);
}

int
ga_transfers_run_due(GaTransfers *transfers)
{
	struct itimerspec timer = {0};

	run_due(transfers, ga_monotonic_now());
	if (transfers->run_at != GA_MONOTONIC_NEVER)
		timer.it_value = (struct timespec){transfers->run_at / 1000000,
										   transfers->run_at % 1000000 * 1000};
	(void) timerfd_settime(transfers->timer_fd, TFD_TIMER_ABSTIME, &timer,
						   NULL);
	return transfers->running;
}

/*
 * First what is due by the clock, then the sockets, then the clock once more: an event
 * may have set a timer of zero, which is libcurl's way to say "go on".
 */
void
ga_transfers_run(GaTransfers *transfers, long wait_ms)
{
	struct epoll_event events[EVENTS_MAX];
	GaMonotonic now = ga_monotonic_now();
	int count;

	if (transfers->run_at <= now)
	{
		run_due(transfers, now);
		/* Some may have ended by that. */
		wait_ms = 0;
	}
	else if (transfers->run_at != GA_MONOTONIC_NEVER)
	{
		long until = ga_monotonic_ms_between(now, transfers->run_at);

		wait_ms = wait_ms < 0 || until < wait_ms ? until : wait_ms;
	}
	count = wait_for_events(transfers, events, wait_ms);
	for (int i = 0; i < count; i++)
		hear_event(transfers, &events[i]);
	run_due(transfers, ga_monotonic_now());
}

static GaTransferEnd *
take_end(GaTransfers *transfers)
{
	GaTransferEnd *end;

	pthread_mutex_lock(&transfers->lock);
	end = transfers->ended;
	if (end)
		transfers->ended = end->next;
	pthread_mutex_unlock(&transfers->lock);
	return end;
}

/*
 * The ends of libcurl's own transfers come first, then those that other threads posted,
 * one at a time; NULL: there are no more.
 */
void *
ga_transfers_take_done(GaTransfers *transfers, CURLcode *result)
{
	int left;
	char *context = NULL;
	CURLMsg *message = curl_multi_info_read(transfers->multi, &left);
	CURL *curl;

	if (message == NULL)
	{
		const GaTransferEnd *end = take_end(transfers);

		if (end == NULL)
			return NULL;
		*result = end->result;
		return end->context;
	}
	curl = message->easy_handle;
	*result = message->data.result;
	curl_easy_getinfo(curl, CURLINFO_PRIVATE, &context);
	curl_multi_remove_handle(transfers->multi, curl);
	return context;
}

void
ga_transfers_wake(GaTransfers *transfers)
{
	const uint64_t one = 1;

	/* It can fail only where a wake-up is on its way already. */
	if (write(transfers->wake_fd, &one, sizeof(one)) < 0)
		return;
}

/*
 * Only who finds the list empty wakes the thread: it takes all ends that it finds, so
 * one wake-up is enough for a burst of them.
 */
void
ga_transfers_post_end(GaTransfers *transfers, GaTransferEnd *end)
{
	bool is_first;

	pthread_mutex_lock(&transfers->lock);
	is_first = transfers->ended == NULL;
	end->next = transfers->ended;
	transfers->ended = end;
	if (is_first)
		ga_transfers_wake(transfers);
	pthread_mutex_unlock(&transfers->lock);
}

void
ga_transfers_note_opened(GaTransfers *transfers, int fd)
{
	*watch_of(transfers, fd) = (Watch){.is_ours = true};
}

void
ga_transfers_note_closed(GaTransfers *transfers, int fd)
{
	/* Before it is closed: the number may be given away at once. */
	ask_epoll(transfers, fd, 0);
	*watch_of(transfers, fd) = (Watch){.is_ours = false};
}
