/*
 * descriptors.c
 *		How many connections the courier's file descriptors are enough for.
 *
 * Each connection has a handle of libcurl: a socket, a second one while
 * it connects, a pair to wake it, a pair while a name is looked up, and for a moment
 * the files of certificates and of the name service.  The sum over all providers is
 * bounded by that beforehand.  Where they run out all the same, since others share the
 * limit (of the system) or a library needs more, the bound shrinks.  No message is to
 * blame for that.
 *
 * lock protects all variables; no other lock is taken under it.
 */
#include "courier/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/shared/monotonic.h"

/* What the courier needs besides: standard streams, the socket, files being read. */
#define RESERVED 16
/* Of one connection at its most. */
#define PER_CONNECTION 8
/* A library opens several at once. */
#define TRIED 4
/* How long a shortage counts as one. */
#define SHORT_S 10
/* Between lines in the log. */
#define TELL_S 60

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int bound = 1;
static int taken;
static time_t refused_at;
static time_t ran_out_at;
static time_t told_at;

static time_t
seconds_now(void)
{
	/* 0 means never. */
	return (time_t) (ga_monotonic_now() / 1000000) + 1;
}

static bool
is_recent(time_t moment, int seconds)
{
	return moment != 0 && seconds_now() - moment <= seconds;
}

void
ga_descriptors_start(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	rlim_t most;

	(void) getrlimit(RLIMIT_NOFILE, &limit);
	/* As far as we may: confine does it, but for who is examined. */
	if (limit.rlim_cur < limit.rlim_max)
	{
		limit.rlim_cur = limit.rlim_max;
		(void) setrlimit(RLIMIT_NOFILE, &limit);
		(void) getrlimit(RLIMIT_NOFILE, &limit);
	}
	most = limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > 1000000
			   ? 1000000
			   : limit.rlim_cur;
	bound = most > RESERVED + PER_CONNECTION
				? (int) ((most - RESERVED) / PER_CONNECTION)
				: 1;
}

bool
ga_descriptors_take(bool anyway)
{
	bool good;

	pthread_mutex_lock(&lock);
	good = anyway || taken < bound;
	if (good)
		taken++;
	else
		refused_at = seconds_now();
	pthread_mutex_unlock(&lock);
	return good;
}

void
ga_descriptors_give_back(void)
{
	pthread_mutex_lock(&lock);
	taken--;
	pthread_mutex_unlock(&lock);
}

bool
ga_descriptors_are_short(void)
{
	bool are;

	pthread_mutex_lock(&lock);
	are = is_recent(refused_at, SHORT_S);
	pthread_mutex_unlock(&lock);
	return are;
}

bool
ga_descriptors_note_errno(void)
{
	if (errno != EMFILE && errno != ENFILE)
		return false;
	pthread_mutex_lock(&lock);
	ran_out_at = seconds_now();
	pthread_mutex_unlock(&lock);
	return true;
}

bool
ga_descriptors_ran_out(void)
{
	int fds[TRIED];
	int count = 0;
	bool did = false;

	while (count < TRIED &&
		   (fds[count] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) >= 0)
		count++;
	if (count < TRIED)
		did = ga_descriptors_note_errno();
	while (count > 0)
		close(fds[--count]);
	if (did)
		return true;
	pthread_mutex_lock(&lock);
	did = is_recent(ran_out_at, 1);
	pthread_mutex_unlock(&lock);
	return did;
}

int
ga_descriptors_shrink(bool *is_news)
{
	int allowed;

	pthread_mutex_lock(&lock);
	/* Several threads find out at once: one fewer each. */
	if (bound > taken)
		bound = taken;
	if (bound > 1)
		bound--;
	allowed = bound;
	*is_news = !is_recent(told_at, TELL_S);
	if (*is_news)
		told_at = seconds_now();
	pthread_mutex_unlock(&lock);
	return allowed;
}
