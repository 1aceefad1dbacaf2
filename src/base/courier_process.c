/*
 * courier_process.c
 *		fork and exec of the courier program.
 *
 * The child inherits nothing of the server but the descriptors it is given:
 * all others are closed, signals reset, the environment is empty (no proxy, no
 * SSLKEYLOGFILE, no PGPASSWORD).  It dies with the process that started it: the
 * kernel kills it when its parent goes, unless it asks for something else (courier/serve).
 *
 * Signals stay blocked from before the fork until the child has none of the
 * server's handlers left: one of those must never run in the child.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/courier_process.h"
#include "base/guc.h"
#include "miscadmin.h"

const char *
ga_courier_path(void)
{
	if (ga_settings.courier_path[0] != '\0')
		return ga_settings.courier_path;
	return psprintf("%s/group_api_courier", pkglib_path);
}

static void
limit(int resource, uint64 value)
{
	struct rlimit bounds = {.rlim_cur = (rlim_t) value,
							.rlim_max = (rlim_t) value};

	if (value > 0)
		(void) setrlimit(resource, &bounds);
}

/* Descriptors are moved out of the way first: one may stand in another's. */
static void
arrange_fds(const int *fds)
{
	int moved[GA_COURIER_FDS];
	int first_closed = GA_COURIER_SOCKET;

	for (int i = 0; i < GA_COURIER_FDS; i++)
		moved[i] =
			fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, GA_COURIER_FDS);
	for (int i = 0; i < GA_COURIER_FDS; i++)
		if (fds[i] >= 0 && (moved[i] < 0 || dup2(moved[i], i) < 0))
			_exit(126);
	for (int i = GA_COURIER_SOCKET; i < GA_COURIER_FDS && fds[i] >= 0; i++)
		first_closed++;
	if (syscall(SYS_close_range, first_closed, ~0U, 0) != 0)
		for (int fd = first_closed; fd < 65536; fd++)
			close(fd);
}

/* Only what is async-signal-safe, and never a return. */
static void
become_courier(const char *path, const GaCourierStart *start, pid_t parent)
{
	char *environment[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", NULL};
	struct rlimit no_core = {0, 0};
	sigset_t none;

	/* The server's signals go to whole process groups; what is under way may
	 * end when its starter says so.  One that came before this was its starter's
	 * alone: to be ignored for a moment takes it away. */
	setpgid(0, 0);
	for (int signal_number = 1; signal_number < NSIG; signal_number++)
	{
		signal(signal_number, SIG_IGN);
		signal(signal_number, SIG_DFL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	arrange_fds(start->fds);
	/* Nothing it could start gains a right; it confines itself further. */
	(void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* Its memory holds secrets and people's addresses. */
	(void) setrlimit(RLIMIT_CORE, &no_core);
	limit(RLIMIT_AS, start->memory_bytes);
	limit(RLIMIT_CPU, (uint64) start->cpu_seconds);
	limit(RLIMIT_FSIZE, start->file_bytes);
	execve(path, start->arguments, environment);
	_exit(127);
}

pid_t
ga_courier_spawn(const GaCourierStart *start, const char **reason)
{
	const char *path = ga_courier_path();
	pid_t parent = getpid();
	sigset_t all;
	sigset_t old;
	pid_t pid;

	if (access(path, X_OK) != 0)
	{
		*reason = psprintf("could not execute \"%s\": %m", path);
		return 0;
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		become_courier(path, start, parent);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
	{
		*reason = psprintf("could not start \"%s\": %m", path);
		return 0;
	}
	return pid;
}

void
ga_courier_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
