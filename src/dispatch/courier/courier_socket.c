/*
 * courier_socket.c
 *		The running courier of a dispatcher and its non-blocking socketpair.
 *
 * It inherits the server's standard error, the one socket and perhaps the journal.  The
 * socket's end tells it that the dispatcher is gone.  With a journal it may then end
 * what is under way; without one the kernel kills it (base/courier_process.c).
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/courier_process.h"
#include "dispatch/courier/courier_socket.h"
#include "dispatch/courier/own_journal.h"
#include "storage/latch.h"

#define READ_SIZE (64 * 1024)

bool
ga_courier_start(GaCourierSocket *sock, bool with_journal, const char **reason)
{
	int journal = with_journal ? ga_own_journal_fd() : -1;
	char *arguments[] = {"group_api_courier",
						 "serve",
						 "--fd",
						 "3",
						 "--tell",
						 journal >= 0 ? "--journal" : NULL,
						 "4",
						 NULL};
	GaCourierStart start = {.arguments = arguments,
							.fds = {-1, -1, -1, -1, journal}};
	int ends[2];

	memset(sock, 0, sizeof(*sock));
	sock->fd = PGINVALID_SOCKET;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
		fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
	{
		*reason = psprintf("could not create a socketpair: %m");
		return false;
	}
	start.fds[GA_COURIER_SOCKET] = ends[1];
	sock->pid = ga_courier_spawn(&start, reason);
	close(ends[1]);
	if (sock->pid == 0)
	{
		close(ends[0]);
		return false;
	}
	sock->fd = ends[0];
	sock->has_journal = journal >= 0;
	return true;
}

void
ga_courier_leave(GaCourierSocket *sock)
{
	if (sock->has_journal)
	{
		/* The next dispatcher may look before the courier notices. */
		ga_journal_set_busy(ga_own_journal(),
							ga_monotonic_in_ms(GA_JOURNAL_LINGER_MS));
		sock->pid = 0;
	}
	ga_courier_stop(sock);
}

void
ga_courier_stop(GaCourierSocket *sock)
{
	if (ga_courier_is_open(sock))
		close(sock->fd);
	sock->fd = PGINVALID_SOCKET;
	if (sock->pid != 0)
	{
		ga_courier_kill(sock->pid);
		sock->pid = 0;
	}
	ga_buffer_free(&sock->in);
	ga_buffer_free(&sock->out);
	sock->ended = false;
}

static void
check_memory(bool is_put)
{
	if (!is_put)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY),
						errmsg("out of memory for a message to the courier")));
}

void
ga_courier_put(GaCourierSocket *sock, GaFrameType type, const char *payload,
			   size_t length)
{
	check_memory(ga_wire_put_frame(&sock->out, type, payload, length));
}

void
ga_courier_put_job(GaCourierSocket *sock, const GaJobFrame *job)
{
	check_memory(ga_wire_put_job(&sock->out, job));
}

void
ga_courier_flush(GaCourierSocket *sock)
{
	while (ga_courier_is_open(sock) && !sock->ended &&
		   ga_courier_has_output(sock))
	{
		ssize_t sent = send(sock->fd, ga_buffer_start(&sock->out),
							ga_buffer_length(&sock->out), MSG_NOSIGNAL);

		if (sent > 0)
			ga_buffer_consume(&sock->out, (size_t) sent);
		else if (errno == EINTR)
			continue;
		else
		{
			/* A broken pipe shows as end of file when reading. */
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				ga_buffer_consume(&sock->out, ga_buffer_length(&sock->out));
			return;
		}
	}
}

void
ga_courier_fill(GaCourierSocket *sock)
{
	/* A bound on one turn's reading keeps the turn short. */
	for (int turn = 0; turn < 16 && !sock->ended; turn++)
	{
		char *room = ga_buffer_reserve(&sock->in, READ_SIZE);
		ssize_t got;

		if (room == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("out of memory for messages of the courier")));
		got = recv(sock->fd, room, READ_SIZE, 0);
		if (got > 0)
		{
			sock->in.end += (size_t) got;
			if (got < READ_SIZE)
				return;
		}
		else if (got < 0 && errno == EINTR)
			continue;
		else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		else
			sock->ended = true;
	}
}

GaWaitSocket
ga_courier_wait_socket(const GaCourierSocket *sock)
{
	GaWaitSocket socket = {.fd = sock->fd};

	if (!ga_courier_is_open(sock) || sock->ended)
		return socket;
	socket.events = WL_SOCKET_READABLE;
	if (ga_courier_has_output(sock))
		socket.events |= WL_SOCKET_WRITEABLE;
	return socket;
}
