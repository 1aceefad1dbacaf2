/*
 * thread.h
 *		Starting the threads of the courier.
 */
#ifndef GA_COURIER_THREAD_H
#define GA_COURIER_THREAD_H

#include <stdbool.h>

/* A detached thread that no signal is delivered to, nor to any it starts (the
 * resolver's).  false: there is none to be had. */
extern bool ga_thread_start(void *(*run)(void *), void *context);

#endif /* GA_COURIER_THREAD_H */
