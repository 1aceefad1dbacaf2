/*
 * http_sink.c
 *		A fast HTTP/1.1 server that takes everything and says the same to all.
 *
 * Measures and tests want a provider that is never the slowest part: one
 * thread, epoll, keep-alive, no allocation per request.  Every request is
 * counted; asked to, one line of JSON is kept for each.  GET /.count answers
 * {"requests": N, "connections": N, "at_once": N} and is not counted itself; at_once is
 * how many connections were open at the same time at the most.
 *
 *	http_sink [--port N] [--port-file F] [--status N] [--body TEXT]
 *			  [--content-type TEXT] [--delay-ms N] [--log F] [--count-file F]
 *
 * "%n" in the body becomes the request's number with 32 digits, so each
 * message gets an identifier of its own.  --delay-ms holds every answer back
 * without holding up the others.  Ends on SIGTERM, SIGINT, or when whoever
 * started it is gone; then --count-file gets what /.count would say.
 *
 * Listens on 127.0.0.1 only.  Not a model of anything: it does not check what
 * it is told.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 4096
#define MAX_EVENTS 256
#define REQUEST_MAX (1024 * 1024)
#define READ_SIZE (16 * 1024)
#define ANSWER_MAX 4096
#define NUMBER_DIGITS 32

/* An answer held back; they fall due in the order in which they were made. */
typedef struct Held
{
	uint64_t due_ms;
	int fd;
	uint32_t generation;
	uint64_t number;
} Held;

typedef struct Connection
{
	char *in;
	size_t in_length;
	size_t in_size;
	char *out;
	size_t out_length;
	size_t out_sent;
	size_t out_size;
	uint32_t generation; /* tells a reused descriptor from the old one */
	bool open;
	bool is_counted; /* it bore a request that counts */
	bool wants_write;
	bool continued; /* this request was told "100 Continue" */
} Connection;

/* A request as it lies in the connection's buffer. */
typedef struct Request
{
	const char *method;
	int method_length;
	const char *path;
	int path_length;
	const char *key;
	int key_length;
	const char *body;
	size_t body_length;
	size_t whole_length; /* head and body as sent */
	bool chunked;
	bool expects_continue;
} Request;

static Connection connections[MAX_CONNECTIONS];
static Held *held;
static size_t held_first, held_count, held_size;
static uint64_t requests, accepted;
static int open_most;
static volatile sig_atomic_t stopping;
static int epoll_fd;
static FILE *log_file;
static int status = 201;
static unsigned delay_ms;
static const char *body_text = "{\"sid\":\"SM%n\",\"status\":\"queued\"}";
static const char *content_type = "application/json";

static void
die(const char *what)
{
	fprintf(stderr, "http_sink: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *
grow(void *memory, size_t size)
{
	void *larger = realloc(memory, size);

	if (larger == NULL)
		die("memory");
	return larger;
}

static void
stop(int signal_number)
{
	(void) signal_number;
	stopping = 1;
}

static uint64_t
now_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static uint64_t
now_ms(void)
{
	return now_us(CLOCK_MONOTONIC) / 1000;
}

/* ---- the log ------------------------------------------------------------- */

static void
log_string(const char *name, const char *text, size_t length)
{
	size_t i;

	fprintf(log_file, ", \"%s\": \"", name);
	for (i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c == '"' || c == '\\')
			fprintf(log_file, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(log_file, "\\u%04x", c);
		else
			putc(c, log_file);
	}
	putc('"', log_file);
}

static void
log_request(const Request *request)
{
	fprintf(log_file, "{\"at\": %.6f, \"number\": %llu",
			(double) now_us(CLOCK_REALTIME) / 1e6,
			(unsigned long long) requests);
	log_string("method", request->method, (size_t) request->method_length);
	log_string("path", request->path, (size_t) request->path_length);
	log_string("idempotency_key", request->key, (size_t) request->key_length);
	log_string("body", request->body, request->body_length);
	fputs("}\n", log_file);
}

/* ---- reading a request --------------------------------------------------- */

/*
 * Joins the chunks of a body in place, ends it there and tells in *consumed
 * how far they reached; -1 when the last has not come yet.
 */
static ssize_t
join_chunks(char *data, size_t length, size_t *consumed)
{
	size_t at = 0, joined = 0;

	/* A first pass that changes nothing: is the last chunk here? */
	if (memmem(data, length, "\r\n0\r\n\r\n", 7) == NULL &&
		(length < 5 || memcmp(data, "0\r\n\r\n", 5) != 0))
		return -1;
	for (;;)
	{
		char *end;
		unsigned long size = strtoul(data + at, &end, 16);

		end = memchr(end, '\n', length - (size_t) (end - data));
		if (end == NULL)
			return -1;
		at = (size_t) (end - data) + 1;
		if (at + size + 2 > length)
			return -1;
		if (size == 0)
			break;
		memmove(data + joined, data + at, size);
		joined += size;
		at += size + 2;
	}
	*consumed = at + 2;
	return (ssize_t) joined;
}

static bool
header_is(const char *line, const char *name, const char **value)
{
	size_t length = strlen(name);

	if (strncasecmp(line, name, length) != 0 || line[length] != ':')
		return false;
	*value = line + length + 1;
	while (**value == ' ')
		(*value)++;
	return true;
}

static void
read_header(Request *request, const char *line, const char *line_end)
{
	const char *value;

	if (header_is(line, "content-length", &value))
		request->body_length = strtoul(value, NULL, 10);
	else if (header_is(line, "transfer-encoding", &value))
		request->chunked = strncasecmp(value, "chunked", 7) == 0;
	else if (header_is(line, "expect", &value))
		request->expects_continue = true;
	else if (header_is(line, "idempotency-key", &value) ||
			 header_is(line, "i-twilio-idempotency-token", &value))
	{
		request->key = value;
		request->key_length = (int) (line_end - value);
	}
}

static bool
read_request_line(Request *request, const char *line, const char *line_end)
{
	const char *space = memchr(line, ' ', (size_t) (line_end - line));
	const char *second;

	if (space == NULL)
		return false;
	second = memchr(space + 1, ' ', (size_t) (line_end - space - 1));
	if (second == NULL)
		return false;
	request->method = line;
	request->method_length = (int) (space - line);
	request->path = space + 1;
	request->path_length = (int) (second - space - 1);
	return true;
}

/* 1 a whole request, 0 not yet, -1 not HTTP */
static int
read_request(char *data, size_t length, Request *request)
{
	char *head_end = memmem(data, length, "\r\n\r\n", 4);
	char *line, *line_end;

	memset(request, 0, sizeof(*request));
	if (head_end == NULL)
		return length >= REQUEST_MAX ? -1 : 0;
	line_end = memmem(data, length, "\r\n", 2);
	if (!read_request_line(request, data, line_end))
		return -1;
	while (line_end < head_end)
	{
		line = line_end + 2;
		line_end = memmem(line, (size_t) (head_end + 2 - line), "\r\n", 2);
		read_header(request, line, line_end);
	}
	request->body = head_end + 4;
	length -= (size_t) (request->body - data);
	if (request->chunked)
	{
		size_t consumed = 0;
		ssize_t joined = join_chunks(head_end + 4, length, &consumed);

		request->body_length = joined < 0 ? 0 : (size_t) joined;
		request->whole_length = (size_t) (request->body - data) + consumed;
		return joined >= 0;
	}
	request->whole_length =
		(size_t) (request->body - data) + request->body_length;
	return length >= request->body_length;
}

/* ---- answering ----------------------------------------------------------- */

static void
watch(int fd, bool also_write)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (also_write)
		event.events |= EPOLLOUT;
	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event);
	connections[fd].wants_write = also_write;
}

static void
close_connection(int fd)
{
	Connection *connection = &connections[fd];

	if (!connection->open)
		return;
	connection->open = false;
	connection->generation++;
	connection->in_length = connection->out_length = connection->out_sent = 0;
	connection->wants_write = connection->continued = false;
	close(fd);
}

static void
flush_output(int fd)
{
	Connection *connection = &connections[fd];

	/* Who hears of an answer finds its request in the log. */
	if (log_file != NULL)
		fflush(log_file);
	while (connection->out_sent < connection->out_length)
	{
		ssize_t sent =
			send(fd, connection->out + connection->out_sent,
				 connection->out_length - connection->out_sent, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN)
		{
			watch(fd, true);
			return;
		}
		if (sent < 0)
		{
			close_connection(fd);
			return;
		}
		connection->out_sent += (size_t) sent;
	}
	connection->out_length = connection->out_sent = 0;
	if (connection->wants_write)
		watch(fd, false);
}

static void
append_output(int fd, const char *data, size_t length)
{
	Connection *connection = &connections[fd];

	if (connection->out_length + length > connection->out_size)
	{
		connection->out_size = 2 * (connection->out_length + length);
		connection->out = grow(connection->out, connection->out_size);
	}
	memcpy(connection->out + connection->out_length, data, length);
	connection->out_length += length;
}

/* The configured body with its "%n" filled in; returns its length. */
static int
compose_body(char *body, size_t size, uint64_t number)
{
	const char *hole = strstr(body_text, "%n");

	if (hole == NULL)
		return snprintf(body, size, "%s", body_text);
	return snprintf(body, size, "%.*s%0*llu%s", (int) (hole - body_text),
					body_text, NUMBER_DIGITS, (unsigned long long) number,
					hole + 2);
}

static void
answer(int fd, int code, const char *body, int body_length)
{
	char head[512];
	int length = snprintf(head, sizeof(head),
						  "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n"
						  "Content-Length: %d\r\n\r\n",
						  code, code < 300 ? "OK" : "Refused", content_type,
						  body_length);

	append_output(fd, head, (size_t) length);
	append_output(fd, body, (size_t) body_length);
}

static void
answer_request(int fd, uint64_t number)
{
	char body[ANSWER_MAX];

	answer(fd, status, body, compose_body(body, sizeof(body), number));
}

static int
compose_count(char *text, size_t size)
{
	return snprintf(text, size,
					"{\"requests\": %llu, \"connections\": %llu,"
					" \"at_once\": %d}",
					(unsigned long long) requests,
					(unsigned long long) accepted, open_most);
}

static void
hold(int fd, uint64_t number)
{
	if (held_first + held_count == held_size)
	{
		memmove(held, held + held_first, held_count * sizeof(Held));
		held_first = 0;
		held_size = 2 * held_count + 1024;
		held = grow(held, held_size * sizeof(Held));
	}
	held[held_first + held_count++] =
		(Held){now_ms() + delay_ms, fd, connections[fd].generation, number};
}

static void
release_held(void)
{
	uint64_t now = held_count > 0 ? now_ms() : 0;

	while (held_count > 0 && held[held_first].due_ms <= now)
	{
		Held one = held[held_first++];

		held_count--;
		if (!connections[one.fd].open ||
			connections[one.fd].generation != one.generation)
			continue;
		answer_request(one.fd, one.number);
		flush_output(one.fd);
	}
}

/*
 * One more bears requests.  One that its client has closed before may not have been
 * read to its end yet.
 */
static void
count_open(int fd)
{
	int open = 0;
	char byte;

	if (connections[fd].is_counted)
		return;
	connections[fd].is_counted = true;
	for (int i = 0; i < MAX_CONNECTIONS; i++)
		if (connections[i].open && connections[i].is_counted &&
			recv(i, &byte, 1, MSG_PEEK) != 0)
			open++;
	if (open > open_most)
		open_most = open;
}

static void
take_request(int fd, const Request *request)
{
	if (request->path_length == 7 && memcmp(request->path, "/.count", 7) == 0)
	{
		char text[128];

		answer(fd, 200, text, compose_count(text, sizeof(text)));
		return;
	}
	requests++;
	count_open(fd);
	if (log_file != NULL)
		log_request(request);
	if (delay_ms > 0)
		hold(fd, requests);
	else
		answer_request(fd, requests);
}

/* ---- connections --------------------------------------------------------- */

static void
take_input(int fd)
{
	Connection *connection = &connections[fd];
	size_t done = 0;

	while (done < connection->in_length)
	{
		Request request;
		int found = read_request(connection->in + done,
								 connection->in_length - done, &request);

		if (found < 0)
		{
			close_connection(fd);
			return;
		}
		if (found == 0)
		{
			if (request.expects_continue && !connection->continued)
				append_output(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
			connection->continued |= request.expects_continue;
			break;
		}
		take_request(fd, &request);
		connection->continued = false;
		done += request.whole_length;
	}
	connection->in_length -= done;
	if (connection->in_length > 0)
		memmove(connection->in, connection->in + done, connection->in_length);
	flush_output(fd);
}

static void
read_input(int fd)
{
	Connection *connection = &connections[fd];
	ssize_t got;

	/* One byte more than announced: strtoul must meet an end. */
	if (connection->in_size < connection->in_length + READ_SIZE + 1)
	{
		connection->in_size = 2 * connection->in_length + READ_SIZE + 1;
		connection->in = grow(connection->in, connection->in_size);
	}
	got = recv(fd, connection->in + connection->in_length, READ_SIZE, 0);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0)
	{
		close_connection(fd);
		return;
	}
	connection->in_length += (size_t) got;
	connection->in[connection->in_length] = '\0';
	take_input(fd);
}

static void
accept_connections(int listener)
{
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
		   0)
	{
		struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

		if (fd >= MAX_CONNECTIONS)
		{
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		connections[fd].open = true;
		connections[fd].is_counted = false;
		accepted++;
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
			die("epoll_ctl");
	}
}

static int
open_listener(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
								  .sin_port = htons((uint16_t) port)};
	struct epoll_event event = {.events = EPOLLIN};
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0 ||
		listen(fd, 1024) < 0)
		die("listening");
	event.data.fd = fd;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll");
	return fd;
}

/* Written beside and renamed: a reader sees the whole of it or nothing. */
static void
write_file(const char *name, const char *text)
{
	char beside[4096];
	FILE *file;

	snprintf(beside, sizeof(beside), "%s.part", name);
	file = fopen(beside, "w");
	if (file == NULL || fprintf(file, "%s\n", text) < 0 || fclose(file) != 0 ||
		rename(beside, name) != 0)
		die(name);
}

static void
announce_port(int listener, const char *port_file)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	char text[16];

	getsockname(listener, (struct sockaddr *) &address, &length);
	snprintf(text, sizeof(text), "%d", ntohs(address.sin_port));
	if (port_file != NULL)
		write_file(port_file, text);
	else
		printf("%s\n", text);
	fflush(stdout);
}

/* How long epoll may sleep: until the first held answer is due. */
static int
sleep_time(void)
{
	uint64_t now;

	if (held_count == 0)
		return 1000;
	now = now_ms();
	return held[held_first].due_ms <= now
			   ? 0
			   : (int) (held[held_first].due_ms - now);
}

static void
serve(int listener)
{
	struct epoll_event events[MAX_EVENTS];
	pid_t parent = getppid();

	while (!stopping && getppid() == parent)
	{
		int count = epoll_wait(epoll_fd, events, MAX_EVENTS, 0);
		int i;

		/* Idle: the requests that are answered late are in the log, too. */
		if (count == 0)
		{
			if (log_file != NULL)
				fflush(log_file);
			count = epoll_wait(epoll_fd, events, MAX_EVENTS, sleep_time());
		}
		for (i = 0; i < count; i++)
		{
			int fd = events[i].data.fd;

			if (fd == listener)
				accept_connections(listener);
			else if (events[i].events & EPOLLOUT)
				flush_output(fd);
			else
				read_input(fd);
		}
		release_held();
	}
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"port", required_argument, NULL, 'p'},
		{"port-file", required_argument, NULL, 'f'},
		{"status", required_argument, NULL, 's'},
		{"body", required_argument, NULL, 'b'},
		{"content-type", required_argument, NULL, 't'},
		{"delay-ms", required_argument, NULL, 'd'},
		{"log", required_argument, NULL, 'l'},
		{"count-file", required_argument, NULL, 'c'},
		{NULL, 0, NULL, 0}};
	const char *port_file = NULL, *count_file = NULL;
	char count[128];
	int option, listener, port = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option)
		{
			case 'p':
				port = atoi(optarg);
				break;
			case 'f':
				port_file = optarg;
				break;
			case 's':
				status = atoi(optarg);
				break;
			case 'b':
				body_text = optarg;
				break;
			case 't':
				content_type = optarg;
				break;
			case 'd':
				delay_ms = (unsigned) atoi(optarg);
				break;
			case 'c':
				count_file = optarg;
				break;
			case 'l':
				log_file = fopen(optarg, "a");
				if (log_file == NULL)
					die(optarg);
				break;
			default:
				return 2;
		}
	if (strlen(body_text) + NUMBER_DIGITS >= ANSWER_MAX)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	listener = open_listener(port);
	announce_port(listener, port_file);
	serve(listener);
	compose_count(count, sizeof(count));
	if (count_file != NULL)
		write_file(count_file, count);
	return 0;
}
