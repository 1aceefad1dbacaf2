/*
 * thread.c
 *		Starting the threads of the courier, and their priority.
 */
#include "courier/thread.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/*
 * By how many steps of nice(2), each of which leaves four fifths of the share in a busy
 * processor (sched(7)).  With 6 a relay and a gateway that both have more to do than two cores
 * can, each get half of what they get alone or more (script/bench both).
 */
#define LOWER_PRIORITY 6

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

/* Linux keeps it of each thread, and lowers it without any right. */
void
ga_thread_lower_priority(void)
{
	if (nice(LOWER_PRIORITY) < 0)
		return;
}
