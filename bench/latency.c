/*
 * latency.c
 *		How long from COMMIT to the first byte at the provider.
 *
 *	latency CONNINFO COUNT PAUSE_MS CHANNEL CONTACT [OPTIONS]
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
 * Prints p50 and p99 of ours and of the limit, in milliseconds, the CPU of the
 * dispatcher for each message after the first one, and what it took until it was idle
 * after that one, when it has read all that waits for others; in microseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

static double
measure_one(PGconn *connection, const char *channel, const char *contact,
			int number)
{
	char sql[1024];
	double start;
	double arrival;
	int before;

	snprintf(sql, sizeof(sql),
			 "BEGIN; SELECT group_api.create_group('{\"productId\":"
			 "\"00000000-0000-0000-0000-000000000000\",\"name\":\"Latency %d\","
			 "\"description\":\"d\",\"image\":\"https://a.example/b.png\","
			 "\"message\":\"m\",\"members\":[{\"nickName\":\"x\",\"contact\":"
			 "{\"type\":\"%s\",\"value\":\"%s%07d%s\"}}]}')",
			 number, channel, contact, number,
			 strcmp(channel, "EMAIL") == 0 ? "@example.com" : "");
	run(connection, sql);
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

static double
measure_limit(PGconn *connection, int fd)
{
	static const char request[] =
		"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}";
	char answer[256];
	double start;

	run(connection, "BEGIN; INSERT INTO bench.commits DEFAULT VALUES");
	start = now_ms();
	run(connection, "COMMIT");
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0 ||
		recv(fd, answer, sizeof(answer), 0) <= 0)
	{
		perror("round trip");
		exit(2);
	}
	return now_ms() - start;
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

int
main(int argc, char **argv)
{
	int count = argc > 5 ? atoi(argv[2]) : 0;
	double *ours = calloc((size_t) count + 1, sizeof(double));
	double *limit = calloc((size_t) count + 1, sizeof(double));
	PGconn *connection;
	double began = 0;
	double settled = 0;
	double ended;
	long pid = 0;
	long turns;
	int port;
	int fd;

	if (count < 1 || ours == NULL || limit == NULL)
	{
		fprintf(stderr, "usage: latency CONNINFO COUNT PAUSE_MS CHANNEL CONTACT"
						" [OPTIONS]\n");
		return 2;
	}
	connection = PQconnectdb(argv[1]);
	port = start_provider();
	fd = connect_provider(port);
	began = cpu_us(ask_dispatcher(connection, &turns));
	add_server(connection, argv[4], port, argc > 6 ? argv[6] : "");
	srandom((unsigned) time(NULL) ^ (unsigned) getpid());
	/* Starts the courier, connects; contacts are new ones each time. */
	for (int number = (int) (random() % 9000000), i = -1; i < count; i++)
	{
		double time = measure_one(connection, argv[4], argv[5], number + i + 1);

		if (i >= 0)
			ours[i] = time;
		else
			settled = wait_until_idle(connection, &pid);
		poll(NULL, 0, atoi(argv[3]));
		time = measure_limit(connection, fd);
		if (i >= 0)
			limit[i] = time;
		poll(NULL, 0, atoi(argv[3]));
	}
	ended = cpu_us(pid);
	run(connection, "DROP SERVER latency");
	PQfinish(connection);
	print(ours, count);
	print(limit, count);
	printf("%.0f %.0f\n", (ended - settled) / count, settled - began);
	return 0;
}
