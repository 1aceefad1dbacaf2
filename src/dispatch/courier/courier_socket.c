/*
 * courier_socket.c
 *		The running courier of a dispatcher and its non-blocking socketpair.
 *
 * It inherits the server's standard error and the one socket, and dies with the
 * dispatcher: the kernel kills it when its parent goes (base/courier_process.c),
 * and the socket's end tells it as well.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/courier_process.h"
#include "dispatch/courier/courier_socket.h"
#include "storage/latch.h"

#define READ_SIZE (64 * 1024)

bool
ga_courier_start(GaCourierLink *link, const char **reason)
{
	char *arguments[] = {
		"group_api_courier", "serve", "--fd", "3", "--tell", NULL};
	GaCourierStart start = {.arguments = arguments, .fds = {-1, -1, -1, -1}};
	int ends[2];

	memset(link, 0, sizeof(*link));
	link->fd = PGINVALID_SOCKET;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
		fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
	{
		*reason = psprintf("could not create a socketpair: %m");
		return false;
	}
	start.fds[GA_COURIER_SOCKET] = ends[1];
	link->pid = ga_courier_spawn(&start, reason);
	close(ends[1]);
	if (link->pid == 0)
	{
		close(ends[0]);
		return false;
	}
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
		ga_courier_kill(link->pid);
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

GaWaitSocket
ga_courier_wait_socket(const GaCourierLink *link)
{
	GaWaitSocket socket = {.fd = link->fd};

	if (!ga_courier_is_open(link) || link->ended)
		return socket;
	socket.events = WL_SOCKET_READABLE;
	if (ga_courier_has_output(link))
		socket.events |= WL_SOCKET_WRITEABLE;
	return socket;
}
