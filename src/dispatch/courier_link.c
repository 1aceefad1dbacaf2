/*
 * courier_link.c
 *		fork, exec and a non-blocking socketpair.
 *
 * The child inherits nothing of the server but its standard error and the one
 * socket: descriptors are closed, signals reset, the environment is empty (no
 * proxy, no SSLKEYLOGFILE, no PGPASSWORD).  It dies with the dispatcher: the
 * kernel kills it when its parent goes, and the socket's end tells it as well.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/guc.h"
#include "dispatch/courier_link.h"
#include "miscadmin.h"
#include "storage/fd.h"

#define COURIER_FD 3
#define READ_SIZE (64 * 1024)

const char *
ga_courier_path(void)
{
	if (ga_settings.courier_path[0] != '\0')
		return ga_settings.courier_path;
	return psprintf("%s/group_api_courier", pkglib_path);
}

/* Only what is async-signal-safe, and never a return. */
static void
become_courier(const char *path, int fd, pid_t parent)
{
	char *arguments[] = {"group_api_courier", "serve", "--fd", "3", NULL};
	char *environment[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", NULL};
	sigset_t none;

	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* The server's signals go to whole process groups; what is under way may
	 * end when the dispatcher says so. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (fd != COURIER_FD)
		dup2(fd, COURIER_FD);
	else
		fcntl(fd, F_SETFD, 0);
	if (syscall(SYS_close_range, COURIER_FD + 1, ~0U, 0) != 0)
		for (int other = COURIER_FD + 1; other < 65536; other++)
			close(other);
	execve(path, arguments, environment);
	_exit(127);
}

bool
ga_courier_start(GaCourierLink *link, const char **reason)
{
	const char *path = ga_courier_path();
	pid_t parent = getpid();
	int ends[2];
	pid_t pid;

	memset(link, 0, sizeof(*link));
	link->fd = PGINVALID_SOCKET;
	if (access(path, X_OK) != 0)
	{
		*reason = psprintf("could not execute \"%s\": %m", path);
		return false;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
	{
		*reason = psprintf("could not create a socketpair: %m");
		return false;
	}
	pid = fork();
	if (pid == 0)
		become_courier(path, ends[1], parent);
	close(ends[1]);
	if (pid < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
	{
		*reason = psprintf("could not start \"%s\": %m", path);
		close(ends[0]);
		return false;
	}
	link->pid = pid;
	link->fd = ends[0];
	return true;
}

void
ga_courier_stop(GaCourierLink *link)
{
	if (ga_courier_is_open(link))
		close(link->fd);
	link->fd = PGINVALID_SOCKET;
	if (link->pid != 0)
	{
		kill(link->pid, SIGKILL);
		while (waitpid(link->pid, NULL, 0) < 0 && errno == EINTR)
			;
		link->pid = 0;
	}
	ga_buffer_free(&link->in);
	ga_buffer_free(&link->out);
	link->ended = false;
}

void
ga_courier_put(GaCourierLink *link, GaFrameType type, const char *payload,
			   size_t length)
{
	if (!ga_wire_put_frame(&link->out, type, payload, length))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY),
						errmsg("out of memory for a message to the courier")));
}

void
ga_courier_flush(GaCourierLink *link)
{
	while (ga_courier_is_open(link) && !link->ended &&
		   ga_courier_has_output(link))
	{
		ssize_t sent = send(link->fd, ga_buffer_start(&link->out),
							ga_buffer_length(&link->out), MSG_NOSIGNAL);

		if (sent > 0)
			ga_buffer_consume(&link->out, (size_t) sent);
		else if (errno == EINTR)
			continue;
		else
		{
			/* A broken pipe shows as end of file when reading. */
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				ga_buffer_consume(&link->out, ga_buffer_length(&link->out));
			return;
		}
	}
}

void
ga_courier_fill(GaCourierLink *link)
{
	/* A bound on one turn's reading keeps the turn short. */
	for (int turn = 0; turn < 16 && !link->ended; turn++)
	{
		char *room = ga_buffer_reserve(&link->in, READ_SIZE);
		ssize_t got;

		if (room == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("out of memory for messages of the courier")));
		got = recv(link->fd, room, READ_SIZE, 0);
		if (got > 0)
		{
			link->in.end += (size_t) got;
			if (got < READ_SIZE)
				return;
		}
		else if (got < 0 && errno == EINTR)
			continue;
		else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		else
			link->ended = true;
	}
}
