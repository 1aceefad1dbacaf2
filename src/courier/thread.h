/*
 * thread.h
 *		Starting the threads of the courier, and their priority.
 */
#ifndef GA_COURIER_THREAD_H
#define GA_COURIER_THREAD_H

#include <stdbool.h>

/* A detached thread that no signal is delivered to, nor to any it starts (the
 * resolver's).  false: there is none to be had. */
extern bool ga_thread_start(void *(*run)(void *), void *context);

/* Lowers the priority of this thread, and of those that it starts from now on. */
extern void ga_thread_lower_priority(void);

#endif /* GA_COURIER_THREAD_H */
