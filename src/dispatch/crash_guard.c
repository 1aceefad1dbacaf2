/*
 * crash_guard.c
 *		One byte in a file for each start that has not proved itself yet.
 *
 * Failures to write are ignored: the guard must never be the reason why nothing
 * is sent.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dispatch/crash_guard.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/timestamp.h"

/* Relative to the data directory, where every server process stands. */
static void
guard_path(Oid database, char *path)
{
	snprintf(path, MAXPGPATH, "group_api.starts.%u", database);
}

void
ga_crash_guard_enter(Oid database)
{
	char path[MAXPGPATH];
	int fd;

	guard_path(database, path);
	fd = OpenTransientFile(path, O_WRONLY | O_CREAT | O_APPEND | PG_BINARY);
	if (fd < 0)
		return;
	if (write(fd, "s", 1) == 1)
		(void) pg_fsync(fd);
	CloseTransientFile(fd);
}

void
ga_crash_guard_leave(Oid database)
{
	char path[MAXPGPATH];

	guard_path(database, path);
	(void) unlink(path);
}

bool
ga_crash_guard_is_tripped(Oid database)
{
	char path[MAXPGPATH];
	struct stat state;
	TimestampTz last;

	guard_path(database, path);
	if (stat(path, &state) != 0 || state.st_size < GA_CRASHES_ALLOWED)
		return false;
	last = time_t_to_timestamptz(state.st_mtim.tv_sec) +
		   state.st_mtim.tv_nsec / 1000;
	/*
	 * What was before this start of the server counts no more.  A file's clock
	 * is that of the kernel's tick: some milliseconds behind.
	 */
	return last >= PgStartTime - 100 * 1000;
}
