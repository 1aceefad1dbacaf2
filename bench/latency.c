/*
 * latency.c
 *		How long from COMMIT to the first byte at the provider.
 *
 *	latency CONNINFO COUNT PAUSE_MS CHANNEL CONTACT [OPTIONS [DIRECTORY]]
 *
 * CHANNEL is MOBILE or EMAIL, CONTACT what its contacts begin with; OPTIONS, ", name
 * 'value'", are further ones of the server "latency" (group_api_http), which is created
 * and dropped again.  Is its own provider: a thread takes HTTP requests on a free port
 * of 127.0.0.1 and notes when their first byte arrives.  The clock starts when COMMIT
 * is sent, so the time of the commit itself is part of the figure.
 *
 * In turn with it, its limit: a transaction that writes one row into bench.commits, and when
 * its COMMIT has come back a request to the same thread and its answer.
 *
 * With a DIRECTORY, for two FIFOs, also the least that a queue can do (bench/barest.c): a
 * COMMIT wakes a session that only claims the row, durably, and wakes a process that only
 * sends a request over a kept connection.
 *
 * Prints p50 and p99 of ours, of the limit and of the least (0 without it), in milliseconds,
 * the CPU of the dispatcher for each message after the first one, and what it took until it was idle
 * after that one, when it has read all that waits for others; in microseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static int arrivals;
static double last_arrival;

static double
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000.0 + now.tv_nsec / 1e6;
}

/* One connection: every request is answered when its body has come. */
static void *
serve_connection(void *arg)
{
	int fd = (int) (long) arg;
	char buffer[65536];
	size_t have = 0;

	for (;;)
	{
		ssize_t got = recv(fd, buffer + have, sizeof(buffer) - 1 - have, 0);
		double moment = now_ms();
		char *end;
		char *length;

		if (got <= 0)
			break;
		have += (size_t) got;
		buffer[have] = '\0';
		end = strstr(buffer, "\r\n\r\n");
		length = strcasestr(buffer, "content-length:");
		if (end == NULL || length == NULL ||
			have < (size_t) (end + 4 - buffer) + strtoul(length + 15, NULL, 10))
			continue;
		have = 0;
		pthread_mutex_lock(&lock);
		arrivals++;
		last_arrival = moment;
		pthread_cond_signal(&arrived);
		pthread_mutex_unlock(&lock);
		if (send(fd, "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", 45,
				 MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
	return NULL;
}

static void *
accept_connections(void *arg)
{
	int listener = (int) (long) arg;

	for (;;)
	{
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd < 0)
			return NULL;
		pthread_create(&thread, NULL, serve_connection, (void *) (long) fd);
		pthread_detach(thread);
	}
}

static int
start_provider(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	pthread_t thread;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *) &address, size) != 0 ||
		listen(listener, 16) != 0 ||
		getsockname(listener, (struct sockaddr *) &address, &size) != 0)
	{
		perror("listen");
		exit(2);
	}
	pthread_create(&thread, NULL, accept_connections, (void *) (long) listener);
	return ntohs(address.sin_port);
}

static void
run(PGconn *connection, const char *sql)
{
	PGresult *result = PQexec(connection, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
	{
		fprintf(stderr, "%s", PQerrorMessage(connection));
		exit(2);
	}
	PQclear(result);
}

/* From sending COMMIT to the next first byte. */
static double
commit_to_arrival(PGconn *connection)
{
	double start;
	double arrival;
	int before;

	pthread_mutex_lock(&lock);
	before = arrivals;
	pthread_mutex_unlock(&lock);
	start = now_ms();
	run(connection, "COMMIT");
	pthread_mutex_lock(&lock);
	while (arrivals == before)
		pthread_cond_wait(&arrived, &lock);
	arrival = last_arrival;
	pthread_mutex_unlock(&lock);
	return arrival - start;
}

static double
measure_one(PGconn *connection, const char *channel, const char *contact,
			int number)
{
	char sql[1024];

	snprintf(sql, sizeof(sql),
			 "BEGIN; SELECT group_api.create_group('{\"productId\":"
			 "\"00000000-0000-0000-0000-000000000000\",\"name\":\"Latency %d\","
			 "\"description\":\"d\",\"image\":\"https://a.example/b.png\","
			 "\"message\":\"m\",\"members\":[{\"nickName\":\"x\",\"contact\":"
			 "{\"type\":\"%s\",\"value\":\"%s%07d%s\"}}]}')",
			 number, channel, contact, number,
			 strcmp(channel, "EMAIL") == 0 ? "@example.com" : "");
	run(connection, sql);
	return commit_to_arrival(connection);
}

/* A connection to our own provider, as the courier keeps one. */
static int
connect_provider(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
								  .sin_port = htons((uint16_t) port)};
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *) &address, sizeof(address)) != 0)
	{
		perror("connect");
		exit(2);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void
round_trip(int fd)
{
	static const char request[] =
		"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}";
	char answer[256];

	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0 ||
		recv(fd, answer, sizeof(answer), 0) <= 0)
	{
		perror("round trip");
		exit(2);
	}
}

static double
measure_limit(PGconn *connection, int fd)
{
	double start;

	run(connection, "BEGIN; INSERT INTO bench.commits DEFAULT VALUES");
	start = now_ms();
	run(connection, "COMMIT");
	round_trip(fd);
	return now_ms() - start;
}

/* ---- the least ------------------------------------------------------------- */

typedef struct Barest
{
	char commits[256]; /* the FIFOs */
	char claims[256];
	PGconn *dispatcher;
	pid_t courier;
} Barest;

/* Reads what was claimed, and sends a request for each. */
static void
be_courier(const char *claims, int port)
{
	int fd = connect_provider(port);
	int in = open(claims, O_RDONLY);
	long long id;

	while (read(in, &id, sizeof(id)) == sizeof(id))
		round_trip(fd);
	_exit(0);
}

static void
start_barest(Barest *barest, const char *conninfo, const char *directory,
			 int port)
{
	char sql[1024];

	snprintf(barest->commits, sizeof(barest->commits), "%s/commits", directory);
	snprintf(barest->claims, sizeof(barest->claims), "%s/claims", directory);
	unlink(barest->commits);
	unlink(barest->claims);
	if (mkfifo(barest->commits, 0600) != 0 || mkfifo(barest->claims, 0600) != 0)
	{
		perror(directory);
		exit(2);
	}
	barest->courier = fork();
	if (barest->courier == 0)
		be_courier(barest->claims, port);
	barest->dispatcher = PQconnectdb(conninfo);
	snprintf(sql, sizeof(sql), "CALL bench.dispatch('%s', '%s')",
			 barest->commits, barest->claims);
	if (PQsendQuery(barest->dispatcher, sql) != 1)
	{
		fprintf(stderr, "%s", PQerrorMessage(barest->dispatcher));
		exit(2);
	}
}

static double
measure_barest(PGconn *connection, const Barest *barest, int number)
{
	char sql[1024];

	snprintf(sql, sizeof(sql),
			 "BEGIN; INSERT INTO bench.least_queue (id) VALUES (%d);"
			 "SELECT bench.wake('%s', %d)",
			 number, barest->commits, number);
	run(connection, sql);
	return commit_to_arrival(connection);
}

/* After the session that wakes the dispatcher has ended. */
static void
end_barest(Barest *barest)
{
	PQclear(PQgetResult(barest->dispatcher));
	PQfinish(barest->dispatcher);
	waitpid(barest->courier, NULL, 0);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
add_server(PGconn *connection, const char *channel, int port,
		   const char *options)
{
	char sql[1024];

	snprintf(
		sql, sizeof(sql),
		"CREATE SERVER latency FOREIGN DATA WRAPPER group_api_http OPTIONS "
		"(channel '%s', url 'http://127.0.0.1:%d/'%s)",
		channel, port, options);
	run(connection, sql);
}

/* Of the dispatcher: its id and how many turns it has taken. */
static long
ask_dispatcher(PGconn *connection, long *turns)
{
	PGresult *result =
		PQexec(connection,
			   "SELECT pid, turns FROM group_api_private.dispatcher_state()");
	long pid;

	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
	{
		fprintf(stderr, "%s", PQerrorMessage(connection));
		exit(2);
	}
	pid = atol(PQgetvalue(result, 0, 0));
	*turns = atol(PQgetvalue(result, 0, 1));
	PQclear(result);
	return pid;
}

static double
cpu_us(long pid)
{
	char path[64];
	double ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/schedstat", pid);
	file = fopen(path, "r");
	if (file == NULL || fscanf(file, "%lf", &ns) != 1)
		perror(path);
	if (file != NULL)
		fclose(file);
	return ns / 1000;
}

/* Until the dispatcher takes no more turns; the CPU it has had then. */
static double
wait_until_idle(PGconn *connection, long *pid)
{
	long before;
	long turns = -1;

	do
	{
		before = turns;
		poll(NULL, 0, 300);
		*pid = ask_dispatcher(connection, &turns);
	} while (turns != before);
	return cpu_us(*pid);
}

/* p50 and p99 */
static void
print(double *times, int count)
{
	qsort(times, (size_t) count, sizeof(double), compare);
	printf("%.3f %.3f ", times[count / 2], times[count * 99 / 100]);
}

typedef struct Times
{
	double *ours;
	double *limit;
	double *barest;
} Times;

/* In turn, each after a pause; contacts are new ones each time. */
static void
measure_all(PGconn *connection, char **argv, int number, int fd,
			const Barest *barest, const Times *times, int i)
{
	int pause_ms = atoi(argv[3]);

	if (i > 0)
		times->ours[i] = measure_one(connection, argv[4], argv[5], number + i);
	poll(NULL, 0, pause_ms);
	times->limit[i] = measure_limit(connection, fd);
	poll(NULL, 0, pause_ms);
	if (barest->courier == 0)
		return;
	times->barest[i] = measure_barest(connection, barest, number + i);
	poll(NULL, 0, pause_ms);
}

int
main(int argc, char **argv)
{
	int count = argc > 5 ? atoi(argv[2]) : 0;
	/* The first of each is left out. */
	Times times = {calloc((size_t) count + 1, sizeof(double)),
				   calloc((size_t) count + 1, sizeof(double)),
				   calloc((size_t) count + 1, sizeof(double))};
	Barest barest = {.courier = 0};
	PGconn *connection;
	double began;
	double settled;
	double ended;
	long pid = 0;
	long turns;
	int number;
	int port;
	int fd;

	if (count < 1 || !times.ours || !times.limit || !times.barest)
	{
		fprintf(stderr, "usage: latency CONNINFO COUNT PAUSE_MS CHANNEL CONTACT"
						" [OPTIONS [DIRECTORY]]\n");
		return 2;
	}
	connection = PQconnectdb(argv[1]);
	port = start_provider();
	fd = connect_provider(port);
	if (argc > 7)
		start_barest(&barest, argv[1], argv[7], port);
	began = cpu_us(ask_dispatcher(connection, &turns));
	add_server(connection, argv[4], port, argc > 6 ? argv[6] : "");
	srandom((unsigned) time(NULL) ^ (unsigned) getpid());
	number = (int) (random() % 9000000);
	/* Starts the courier, connects. */
	(void) measure_one(connection, argv[4], argv[5], number);
	settled = wait_until_idle(connection, &pid);
	for (int i = 0; i <= count; i++)
		measure_all(connection, argv, number, fd, &barest, &times, i);
	ended = cpu_us(pid);
	run(connection, "DROP SERVER latency");
	PQfinish(connection);
	if (barest.courier != 0)
		end_barest(&barest);
	print(times.ours + 1, count);
	print(times.limit + 1, count);
	print(times.barest + 1, count);
	printf("%.0f %.0f\n", (ended - settled) / count, settled - began);
	return 0;
}
