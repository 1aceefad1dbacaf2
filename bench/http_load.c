/*
 * http_load.c
 *		How many times a second an HTTP server answers one request, asked by N
 *		connections that are kept, each as soon as it was answered.
 *
 *	http_load PORT REQUEST_FILE CONNECTIONS SECONDS
 *
 * The request is sent as it stands in the file, "Content-Length" and all, to
 * 127.0.0.1.  Prints "RATE/s, N not 2xx".  One thread and epoll: the load takes as
 * little of the machine as can be.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX (1024 * 1024)
#define CONNECTIONS_MAX 1000

typedef struct Connection
{
	int fd;
	char *in;
	size_t length;
} Connection;

static char request[ANSWER_MAX];
static size_t request_length;
static struct sockaddr_in address = {.sin_family = AF_INET};
static long answers;
static long refused;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static void
ask(const Connection *connection)
{
	if (send(connection->fd, request, request_length, MSG_NOSIGNAL) !=
		(ssize_t) request_length)
		die("send");
}

static void
open_connection(Connection *connection, int epoll)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
	int on = 1;

	connection->fd = socket(AF_INET, SOCK_STREAM, 0);
	connection->length = 0;
	if (connection->in == NULL)
		connection->in = malloc(ANSWER_MAX);
	if (connection->in == NULL || connection->fd < 0 ||
		connect(connection->fd, (struct sockaddr *) &address,
				sizeof(address)) != 0)
		die("connect");
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
		die("epoll_ctl");
	ask(connection);
}

/* Whether the answer is whole: by its length, or by the end of its chunks. */
static bool
is_whole(const Connection *connection)
{
	char *end;
	char *length;

	connection->in[connection->length] = '\0';
	end = strstr(connection->in, "\r\n\r\n");
	if (end == NULL)
		return false;
	length = strcasestr(connection->in, "\r\ncontent-length:");
	if (length != NULL && length < end)
		return connection->length >= (size_t) (end + 4 - connection->in) +
										 strtoul(length + 17, NULL, 10);
	return connection->length >= 5 &&
		   memcmp(connection->in + connection->length - 5, "0\r\n\r\n", 5) == 0;
}

/* nginx closes a connection after a thousand requests; that is no fault. */
static void
take(Connection *connection, int epoll)
{
	ssize_t got = recv(connection->fd, connection->in + connection->length,
					   ANSWER_MAX - 1 - connection->length, 0);

	if (got <= 0)
	{
		close(connection->fd);
		open_connection(connection, epoll);
		return;
	}
	connection->length += (size_t) got;
	if (!is_whole(connection))
		return;
	answers++;
	if (connection->length < 10 || connection->in[9] != '2')
		refused++;
	connection->length = 0;
	if (strcasestr(connection->in, "\r\nconnection: close") != NULL)
	{
		close(connection->fd);
		open_connection(connection, epoll);
	}
	else
		ask(connection);
}

int
main(int argc, char **argv)
{
	static Connection connections[CONNECTIONS_MAX];
	struct epoll_event events[CONNECTIONS_MAX];
	int count = argc == 5 ? atoi(argv[3]) : 0;
	double seconds = argc == 5 ? atof(argv[4]) : 0;
	int epoll = epoll_create1(0);
	double from;
	FILE *file;

	if (count < 1 || count > CONNECTIONS_MAX || seconds <= 0)
	{
		fprintf(stderr,
				"usage: http_load PORT REQUEST_FILE CONNECTIONS SECONDS\n");
		return 2;
	}
	file = fopen(argv[2], "r");
	if (file == NULL)
		die(argv[2]);
	request_length = fread(request, 1, sizeof(request), file);
	fclose(file);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((unsigned short) atoi(argv[1]));
	for (int i = 0; i < count; i++)
		open_connection(&connections[i], epoll);
	from = now();
	while (now() < from + seconds)
	{
		int ready = epoll_wait(epoll, events, CONNECTIONS_MAX, 1000);

		for (int i = 0; i < ready; i++)
			take(events[i].data.ptr, epoll);
	}
	printf("%.1f/s, %ld not 2xx\n", (double) answers / (now() - from), refused);
	return 0;
}
