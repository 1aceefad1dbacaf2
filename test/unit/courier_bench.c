/*
 * courier_bench.c
 *		How many messages a second a courier delivers.
 *
 *	courier_bench COURIER http COUNT [CONNECTIONS]
 *		POSTs to a sink of our own on 127.0.0.1
 *	courier_bench COURIER URL COUNT [CONNECTIONS]
 *		mails to the relay at URL, smtp://127.0.0.1:PORT
 *
 * Plays the dispatcher: keeps 256 jobs under way, counts outcomes.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/shared/wire.h"

#define WINDOW 256

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static double
read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* One request may come in several pieces; a body ends with "}". */
static void
answer(int fd)
{
	static const char response[] =
		"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
		"Content-Length: 13\r\n\r\n{\"id\":\"M123\"}";
	char buffer[65536];
	ssize_t length = recv(fd, buffer, sizeof(buffer), 0);

	if (length <= 0)
		close(fd);
	else if (buffer[length - 1] == '}' &&
			 send(fd, response, sizeof(response) - 1, MSG_NOSIGNAL) < 0)
		close(fd);
}

static void
run_sink(int listener)
{
	int poll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
	int one = 1;

	epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
	for (;;)
	{
		struct epoll_event events[64];
		int count = epoll_wait(poll, events, 64, -1);

		for (int i = 0; i < count; i++)
		{
			int fd = events[i].data.fd;

			if (fd != listener)
			{
				answer(fd);
				continue;
			}
			fd = accept(listener, NULL, NULL);
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
			epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
		}
	}
}

static pid_t
start_sink(int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
								  .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	if (bind(listener, (struct sockaddr *) &address, length) < 0 ||
		listen(listener, 128) < 0 ||
		getsockname(listener, (struct sockaddr *) &address, &length) < 0)
		die("sink");
	*port = ntohs(address.sin_port);
	pid = fork();
	if (pid == 0)
		run_sink(listener);
	close(listener);
	return pid;
}

static pid_t
start_courier(const char *program, int *fd)
{
	int pair[2];
	char number[16];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ||
		fcntl(pair[0], F_SETFD, FD_CLOEXEC) < 0)
		die("socketpair");
	snprintf(number, sizeof(number), "%d", pair[1]);
	pid = fork();
	if (pid == 0)
	{
		execl(program, program, "serve", "--fd", number, (char *) NULL);
		die(program);
	}
	close(pair[1]);
	*fd = pair[0];
	return pid;
}

static void
put_config(GaBuffer *out, const char *url, int port, int connections)
{
	char json[1024];
	int length;

	if (port)
		length = snprintf(json, sizeof(json),
						  "{\"providers\":[{\"name\":\"p\",\"kind\":\"http\","
						  "\"channel\":\"MOBILE\",\"options\":{\"url\":"
						  "\"http://127.0.0.1:%d/sms\",\"id_path\":\"id\","
						  "\"max_connections\":\"%d\"}}]}",
						  port, connections);
	else
		length = snprintf(
			json, sizeof(json),
			"{\"providers\":[{\"name\":\"p\",\"kind\":\"smtp\","
			"\"channel\":\"EMAIL\",\"options\":{\"url\":\"%s\","
			"\"sender\":\"Groups <hello@example.com>\","
			"\"ehlo_name\":\"client.example\",\"max_connections\":\"%d\"}}]}",
			url, connections);
	ga_wire_put_frame(out, GA_FRAME_CONFIG, json, (size_t) length);
}

static void
put_job(GaBuffer *out, uint64_t id, bool sms)
{
	GaJobFrame job = {.job_id = id, .expires_in_s = 86400};
	char key[64];

	snprintf(key, sizeof(key),
			 "inv-0198aa00000070008000000000000000.%" PRIu64 ".1", id);
	job.strings[GA_JOB_PROVIDER] = "p";
	job.strings[GA_JOB_TO] = sms ? "+27701231234" : "b@example.com";
	job.strings[GA_JOB_TO_NAME] = sms ? NULL : "Barnaby G";
	job.strings[GA_JOB_SUBJECT] = sms ? NULL : "Stephen invites you";
	job.strings[GA_JOB_TEXT] =
		"Stephen invites you to the group Saturday hike. Answer here: "
		"https://groups.example/i/abcdefghijklmnopqrstuvwxyz";
	if (!sms)
		job.strings[GA_JOB_HTML] =
			"<p>Stephen invites you to the group <b>Saturday "
			"hike</b>.</p><p><a "
			"href=\"https://groups.example/i/abcdefghijklmnopqrstuvwxyz\">"
			"Answer</a></p>";
	job.strings[GA_JOB_MESSAGE_KEY] = key;
	job.strings[GA_JOB_LOCALE] = "en";
	job.strings[GA_JOB_LINK] = "abcdefghijklmnopqrstuvwxyz";
	ga_wire_put_job(out, &job);
}

static void
flush(int fd, GaBuffer *out)
{
	while (ga_buffer_length(out) > 0)
	{
		ssize_t n =
			send(fd, ga_buffer_start(out), ga_buffer_length(out), MSG_NOSIGNAL);

		if (n < 0)
			die("send");
		ga_buffer_consume(out, (size_t) n);
	}
}

/* Returns the outcomes read; counts those accepted. */
static int
take_frames(int fd, GaBuffer *in, int *accepted)
{
	GaFrameType type;
	GaSlice payload;
	GaOutcomeFrame outcome;
	int done = 0;
	ssize_t n = read(fd, ga_buffer_reserve(in, 65536), 65536);

	if (n <= 0)
		die("the courier is gone");
	in->end += (size_t) n;
	while (ga_wire_peek(in, &type, &payload) == GA_WIRE_FRAME)
	{
		if (type == GA_FRAME_OUTCOME && ga_wire_get_outcome(payload, &outcome))
		{
			done++;
			*accepted += outcome.outcome == GA_OUTCOME_ACCEPTED;
			if (outcome.outcome != GA_OUTCOME_ACCEPTED)
				printf("# %s %.*s\n", ga_wire_outcome_name(outcome.outcome),
					   (int) outcome.detail.length, outcome.detail.data);
		}
		ga_buffer_consume(in, GA_FRAME_HEADER + payload.length);
	}
	return done;
}

static void
report(pid_t courier, int fd, int done, int accepted, double seconds)
{
	char path[64];
	char line[256];
	struct rusage usage;
	FILE *file;

	printf("%d outcomes, %d accepted, %.2f s: %.0f messages/s\n", done,
		   accepted, seconds, done / seconds);
	snprintf(path, sizeof(path), "/proc/%d/status", (int) courier);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "VmRSS", 5) == 0 || strncmp(line, "VmHWM", 5) == 0)
			printf("courier %s", line);
	if (file)
		fclose(file);
	close(fd); /* the end of the stream is its end */
	if (wait4(courier, NULL, 0, &usage) == courier)
		printf("courier CPU: user %.1f us, system %.1f us a message\n",
			   (usage.ru_utime.tv_sec * 1e6 + usage.ru_utime.tv_usec) / done,
			   (usage.ru_stime.tv_sec * 1e6 + usage.ru_stime.tv_usec) / done);
}

int
main(int argc, char **argv)
{
	GaBuffer out = {0};
	GaBuffer in = {0};
	int fd;
	int port = 0;
	int sent = 0;
	int done = 0;
	int accepted = 0;
	int count = argc > 3 ? atoi(argv[3]) : 0;
	bool sms = argc > 2 && strcmp(argv[2], "http") == 0;
	pid_t sink = 0;
	pid_t courier;
	double start;

	if (count <= 0)
	{
		fprintf(stderr,
				"usage: courier_bench COURIER http|URL COUNT [CONNECTIONS]\n");
		return 2;
	}
	if (sms)
		sink = start_sink(&port);
	courier = start_courier(argv[1], &fd);
	put_config(&out, argv[2], port, argc > 4 ? atoi(argv[4]) : 8);
	start = read_clock();
	while (done < count)
	{
		/* Jobs go out in batches, as the dispatcher claims them. */
		if (sent - done <= WINDOW / 2)
			while (sent < count && sent - done < WINDOW)
				put_job(&out, (uint64_t) ++sent, sms);
		flush(fd, &out);
		done += take_frames(fd, &in, &accepted);
	}
	report(courier, fd, done, accepted, read_clock() - start);
	if (sink)
		kill(sink, SIGTERM);
	return accepted == count ? 0 : 1;
}
