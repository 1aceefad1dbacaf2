/*
 * latency.c
 *		How long from COMMIT to the first byte at the provider.
 *
 *	latency CONNINFO COUNT PAUSE_MS
 *
 * Is its own provider: a thread takes HTTP requests on a free port of
 * 127.0.0.1 and notes when their first byte arrives.  The clock starts when
 * COMMIT is sent, so the time of the commit itself is part of the figure.
 * Creates the server "latency" (group_api_http) and drops it again.
 */
#include <arpa/inet.h>
#include <libpq-fe.h>
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
measure_one(PGconn *connection, int number)
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
			 "{\"type\":\"MOBILE\",\"value\":\"+2771%07d\"}}]}')",
			 number, number);
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

static int
compare(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 0;
	int pause_ms = argc > 3 ? atoi(argv[3]) : 250;
	double *times = calloc((size_t) count + 1, sizeof(double));
	PGconn *connection;
	char sql[512];

	if (count < 1 || times == NULL)
	{
		fprintf(stderr, "usage: latency CONNINFO COUNT [PAUSE_MS]\n");
		return 2;
	}
	connection = PQconnectdb(argv[1]);
	snprintf(
		sql, sizeof(sql),
		"CREATE SERVER latency FOREIGN DATA WRAPPER group_api_http OPTIONS "
		"(channel 'MOBILE', url 'http://127.0.0.1:%d/')",
		start_provider());
	run(connection, sql);
	measure_one(connection, 0); /* starts the courier, connects */
	for (int i = 0; i < count; i++)
	{
		poll(NULL, 0, pause_ms);
		times[i] = measure_one(connection, i + 1);
	}
	run(connection, "DROP SERVER latency");
	PQfinish(connection);
	qsort(times, (size_t) count, sizeof(double), compare);
	printf("p50 %.2f ms, p99 %.2f ms, max %.2f ms of %d\n", times[count / 2],
		   times[count * 99 / 100], times[count - 1], count);
	return 0;
}
