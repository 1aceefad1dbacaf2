/*
 * thread.c
 *		Starting the threads of the courier.
 */
#include "courier/thread.h"

#include <pthread.h>
#include <signal.h>

bool
ga_thread_start(void *(*run)(void *), void *context)
{
	sigset_t all;
	sigset_t before;
	pthread_t thread;
	bool started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(&thread, NULL, run, context) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (started)
		pthread_detach(thread);
	return started;
}
