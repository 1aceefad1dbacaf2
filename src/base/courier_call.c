/*
 * courier_call.c
 *		One run of the courier program for a backend.
 *
 * Input and standard error are files in memory, so that only the output is
 * waited for; it is read as it comes, up to a bound.  What is open and running
 * is released on every way out: return, error, and the end of the backend.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/courier_call.h"
#include "base/courier_process.h"
#include "mb/pg_wchar.h"
#include "portability/instr_time.h"
#include "storage/fd.h"
#include "storage/ipc.h"

#define READ_SIZE 8192
/* What is kept of standard error, and what may be written there. */
#define COMPLAINT_SIZE 1024
#define FILE_MAX ((uint64) 64 * 1024)
/* GMime takes a few megabytes for the largest mail we hand over. */
#define MEMORY_MAX ((uint64) 512 * 1024 * 1024)
#define CPU_MAX_S 10
/* Between the end of the output and the end of the process. */
#define REAP_POLL_MS 2

typedef struct Run
{
	GaCourierCall *call;
	pid_t pid; /* 0: not running */
	int input;
	int output; /* our end */
	int child_output;
	int complaint;
	int reserved; /* descriptors counted by fd.c */
	instr_time begin;
} Run;

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Also before_shmem_exit: never throws. */
static void
release(int code, Datum argument)
{
	Run *run = (Run *) DatumGetPointer(argument);

	if (run->pid != 0)
		ga_courier_kill(run->pid);
	run->pid = 0;
	close_fd(&run->input);
	close_fd(&run->output);
	close_fd(&run->child_output);
	close_fd(&run->complaint);
	for (; run->reserved > 0; run->reserved--)
		ReleaseExternalFD();
}

static void
fail(const char *reason)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_SYSTEM_ERROR),
		 errmsg("could not run the courier program"), errdetail("%s.", reason),
		 errhint("Run make install again, or set group_api.courier_path.")));
}

static void
open_files(Run *run)
{
	GaCourierCall *call = run->call;
	int ends[2];
	size_t written = 0;

	for (; run->reserved < 4; run->reserved++)
		if (!AcquireExternalFD())
			fail("There are too many open files");
	run->input = memfd_create("group_api input", MFD_CLOEXEC);
	run->complaint = memfd_create("group_api complaint", MFD_CLOEXEC);
	if (run->input < 0 || run->complaint < 0 || pipe2(ends, O_CLOEXEC) != 0)
		fail(psprintf("There is no file for it: %m"));
	run->output = ends[0];
	run->child_output = ends[1];
	if (fcntl(run->output, F_SETFL, O_NONBLOCK) != 0)
		fail(psprintf("There is no file for it: %m"));
	while (written < call->input_length)
	{
		ssize_t sent = write(run->input, call->input + written,
							 call->input_length - written);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			fail(psprintf("Its input could not be written: %m"));
		written += (size_t) sent;
	}
	if (lseek(run->input, 0, SEEK_SET) != 0)
		fail(psprintf("Its input could not be written: %m"));
}

static void
start(Run *run)
{
	GaCourierCall *call = run->call;
	char *arguments[] = {"group_api_courier", unconstify(char *, call->verb),
						 NULL};
	GaCourierStart start = {
		.arguments = arguments,
		.fds = {run->input, run->child_output, run->complaint, -1, -1},
		.memory_bytes = call->reads_strangers ? MEMORY_MAX : 0,
		.cpu_seconds = call->reads_strangers ? CPU_MAX_S : 0,
		.file_bytes = FILE_MAX,
	};
	const char *reason = NULL;

	run->pid = ga_courier_spawn(&start, &reason);
	if (run->pid == 0)
		fail(reason);
	close_fd(&run->child_output);
}

static int
milliseconds_left(const Run *run)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, run->begin);
	return (int) Max(run->call->timeout_ms - INSTR_TIME_GET_MILLISEC(now), 0);
}

/* Until the other end is closed, time is up or the answer too long. */
static bool
read_output(Run *run)
{
	GaCourierCall *call = run->call;
	char buffer[READ_SIZE];

	for (;;)
	{
		ssize_t got = read(run->output, buffer, sizeof(buffer));

		if (got == 0)
			return true;
		if (got > 0)
		{
			size_t room = call->output_max - (size_t) call->output.len;

			appendBinaryStringInfo(&call->output, buffer,
								   (int) Min((size_t) got, room));
			if ((size_t) got > room)
				call->end = GA_COURIER_TOO_LONG;
		}
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
		{
			if (milliseconds_left(run) == 0)
				call->end = GA_COURIER_TIMED_OUT;
			else
				(void) WaitLatchOrSocket(MyLatch,
										 WL_LATCH_SET | WL_SOCKET_READABLE |
											 WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
										 run->output, milliseconds_left(run),
										 ga_wait_event("GroupApiCourierCall"));
		}
		else if (errno != EINTR)
			fail(psprintf("Its answer could not be read: %m"));
		if (call->end != GA_COURIER_EXITED)
			return false;
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* The output is closed; the process ends within moments, or is made to. */
static void
reap(Run *run)
{
	int status;
	pid_t got;

	while ((got = waitpid(run->pid, &status, WNOHANG)) != run->pid)
	{
		if (got < 0 && errno != EINTR)
		{
			/* Somebody else reaped it: the answer is all we know. */
			run->pid = 0;
			run->call->end = GA_COURIER_CRASHED;
			return;
		}
		if (milliseconds_left(run) == 0)
		{
			run->call->end = GA_COURIER_TIMED_OUT;
			return;
		}
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 REAP_POLL_MS, ga_wait_event("GroupApiCourierCall"));
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	run->pid = 0;
	if (WIFEXITED(status))
		run->call->status = WEXITSTATUS(status);
	else
		run->call->end = GA_COURIER_CRASHED;
}

static const char *
read_complaint(const Run *run)
{
	char buffer[COMPLAINT_SIZE];
	ssize_t got = pread(run->complaint, buffer, sizeof(buffer), 0);
	int good;

	if (got <= 0)
		return "";
	good = pg_encoding_verifymbstr(PG_UTF8, buffer, (int) got);
	return pnstrdup(buffer, strnlen(buffer, (size_t) good));
}

/*
 * As with a shell: 126 and 127 are for a program that could not be run, by our
 * own child or by the loader that misses a library.  It has read nothing, so its
 * silence must not pass for an answer.
 */
static void
refuse_unstarted(const GaCourierCall *call)
{
	int length = (int) strcspn(call->complaint, "\r\n");

	if (call->end == GA_COURIER_EXITED &&
		(call->status == 126 || call->status == 127))
		fail(psprintf("\"%s\" does not start (exit status %d)%s%.*s",
					  ga_courier_path(), call->status, length > 0 ? ": " : "",
					  length, call->complaint));
}

void
ga_courier_call(GaCourierCall *call)
{
	Run run = {.call = call,
			   .input = -1,
			   .output = -1,
			   .child_output = -1,
			   .complaint = -1};

	call->end = GA_COURIER_EXITED;
	call->status = 0;
	call->complaint = "";
	initStringInfo(&call->output);
	INSTR_TIME_SET_CURRENT(run.begin);
	PG_ENSURE_ERROR_CLEANUP(release, PointerGetDatum(&run));
	{
		open_files(&run);
		start(&run);
		if (read_output(&run))
			reap(&run);
		call->complaint = read_complaint(&run);
		refuse_unstarted(call);
	}
	PG_END_ENSURE_ERROR_CLEANUP(release, PointerGetDatum(&run));
	release(0, PointerGetDatum(&run));
}
