/*
 * crash_guard.c
 *		One entry in a file for each start that has not proved itself yet.
 *
 * The entry is taken back by everything that is no crash of this very process: an
 * orderly end, an error, and SIGQUIT, by which the postmaster ends all processes
 * when another one crashed or the server is stopped at once.  What is left counts,
 * a SIGKILL that struck this process included.
 *
 * An entry says of which life of the server it is, and when it was by the
 * monotonic clock: the file's own time would be the wall clock's, which may be set.
 *
 * The file has to survive the server's processes, not the machine, so it is not
 * flushed to disk.  Failures to write are ignored: the guard must never be the
 * reason why nothing is sent.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dispatch/clock.h"
#include "dispatch/launch/crash_guard.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

typedef struct Start
{
	TimestampTz server; /* when the server was started */
	GaMonotonic at;
} Start;

/* Of this process; empty once it has proved itself. */
static char my_path[MAXPGPATH];
/* How long the file was before this start, for SIGQUIT. */
static off_t length_before;

/* Relative to the data directory, where every server process stands. */
static void
guard_path(Oid database, char *path)
{
	snprintf(path, MAXPGPATH, "group_api.starts.%u", database);
}

/*
 * The postmaster tells everybody to quit at once: not this process's fault, but
 * earlier crashes stay on record.  Only what is async-signal-safe.
 */
static void
handle_sigquit(SIGNAL_ARGS)
{
	if (my_path[0] == '\0' || length_before == 0)
		(void) unlink(my_path);
	else if (truncate(my_path, length_before) != 0)
		_exit(2);
	/* As SignalHandlerForCrashExit(): shared memory may be broken. */
	_exit(2);
}

static void
end_orderly(int code, Datum arg)
{
	ga_crash_guard_prove();
}

void
ga_crash_guard_enter(Oid database)
{
	char path[MAXPGPATH];
	struct stat state;
	Start start = {PgStartTime, ga_monotonic_now()};
	int fd;

	on_proc_exit(end_orderly, (Datum) 0);
	guard_path(database, path);
	length_before = stat(path, &state) == 0 ? state.st_size : 0;
	fd = OpenTransientFile(path, O_WRONLY | O_CREAT | O_APPEND | PG_BINARY);
	if (fd < 0)
		return;
	strlcpy(my_path, path, sizeof(my_path));
	pqsignal(SIGQUIT, handle_sigquit);
	/* A full disk: then nothing is counted. */
	if (write(fd, &start, sizeof(start)) != sizeof(start))
		my_path[0] = '\0';
	CloseTransientFile(fd);
}

void
ga_crash_guard_prove(void)
{
	if (my_path[0] == '\0')
		return;
	(void) unlink(my_path);
	my_path[0] = '\0';
}

void
ga_crash_guard_reset(Oid database)
{
	char path[MAXPGPATH];

	guard_path(database, path);
	(void) unlink(path);
}

/* The last entry, and how many there are; false: there is none. */
static bool
read_last(Oid database, Start *last, int64 *count)
{
	char path[MAXPGPATH];
	struct stat state;
	bool done = false;
	int fd;

	guard_path(database, path);
	fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	if (fd < 0)
		return false;
	if (fstat(fd, &state) == 0)
	{
		*count = state.st_size / (off_t) sizeof(Start);
		done = *count > 0 &&
			   pread(fd, last, sizeof(Start),
					 (*count - 1) * (off_t) sizeof(Start)) == sizeof(Start);
	}
	CloseTransientFile(fd);
	return done;
}

bool
ga_crash_guard_is_tripped(Oid database, int *crashes, GaMonotonic *retry_at)
{
	Start last;
	int64 count;
	int64 pause_ms;

	if (!read_last(database, &last, &count) || count < GA_CRASHES_ALLOWED)
		return false;
	/* What was before this start of the server counts no more. */
	if (last.server != PgStartTime)
		return false;
	*crashes = (int) Min(count, 1000);
	pause_ms = (int64) GA_CRASH_FIRST_PAUSE_MS
			   << Min(*crashes - GA_CRASHES_ALLOWED, 20);
	*retry_at = last.at + Min(pause_ms, GA_CRASH_LAST_PAUSE_MS) * 1000;
	return *retry_at > ga_monotonic_now();
}
