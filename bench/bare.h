/*
 * bare.h
 *		What bare_http and bare_smtp share: threads that send as fast as libcurl
 *		alone can, each with one handle and one kept connection, and the figures.
 *
 * It is the limit that the courier is compared with: the same libcurl, the same sink,
 * messages of the same size, and nothing else.  No message is claimed, recorded,
 * composed or judged.
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Sets on a fresh handle what is the same for all messages. */
typedef void (*BarePrepare)(CURL *curl, const char *url, void *state);
/* Before each message; NULL: nothing changes. */
typedef void (*BareRewind)(void *state);

typedef struct Bare
{
	const char *url;
	BarePrepare prepare;
	BareRewind rewind;
	size_t state_size;
	atomic_long left;
	atomic_long failed;
	long good_status; /* what the answer to a message has to be */
} Bare;

static void *
bare_send(void *context)
{
	Bare *bare = context;
	CURL *curl = curl_easy_init();
	void *state = calloc(1, bare->state_size + 1);

	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	bare->prepare(curl, bare->url, state);
	while (atomic_fetch_sub(&bare->left, 1) > 0)
	{
		long status = 0;

		if (bare->rewind)
			bare->rewind(state);
		if (curl_easy_perform(curl) != CURLE_OK ||
			curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) !=
				CURLE_OK ||
			status / 100 != bare->good_status / 100)
			atomic_fetch_add(&bare->failed, 1);
	}
	curl_easy_cleanup(curl);
	free(state);
	return NULL;
}

static double
bare_seconds(struct timeval time)
{
	return (double) time.tv_sec + (double) time.tv_usec / 1e6;
}

/* Prints "RATE messages/s, CPU us of CPU a message, N failed"; the exit status. */
static int
bare_run(Bare *bare, int argc, char **argv)
{
	long count = argc == 4 ? atol(argv[2]) : 0;
	int threads = argc == 4 ? atoi(argv[3]) : 0;
	pthread_t ids[1024];
	struct timespec from;
	struct timespec to;
	struct rusage usage;
	double seconds;

	if (count < 1 || threads < 1 || threads > 1024)
	{
		fprintf(stderr, "usage: %s URL COUNT THREADS\n", argv[0]);
		return 2;
	}
	bare->url = argv[1];
	atomic_store(&bare->left, count);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, bare_send, bare) != 0)
		{
			perror("pthread_create");
			return 2;
		}
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	getrusage(RUSAGE_SELF, &usage);
	seconds = (double) (to.tv_sec - from.tv_sec) +
			  (double) (to.tv_nsec - from.tv_nsec) / 1e9;
	printf("%.0f messages/s, %.1f us of CPU a message, %ld failed\n",
		   (double) count / seconds,
		   (bare_seconds(usage.ru_utime) + bare_seconds(usage.ru_stime)) * 1e6 /
			   (double) count,
		   atomic_load(&bare->failed));
	return atomic_load(&bare->failed) == 0 ? 0 : 1;
}

#endif /* BENCH_BARE_H */
