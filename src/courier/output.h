/*
 * output.h
 *		The courier's end of the socketpair: everything written to the
 *		dispatcher goes through here.
 */
#ifndef GA_COURIER_OUTPUT_H
#define GA_COURIER_OUTPUT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/shared/journal.h"
#include "base/shared/wire.h"

/* Who waits until all is written, which is told once (ga_output_await()). */
typedef struct GaOutputWaiter
{
	void (*wake)(void *context); /* takes no lock of ours, and does not wait */
	void *context;
	bool is_waiting;
	struct GaOutputWaiter *next;
} GaOutputWaiter;

typedef struct GaOutput
{
	int fd;

	pthread_mutex_t lock; /* protects the outbox; who sends, holds it */
	pthread_cond_t filled;
	pthread_cond_t emptied;
	GaBuffer outbox; /* what the socket had no room for */
	GaOutputWaiter *waiters;
	GaJournal
		*journal; /* where the dispatcher's death is outlived; NULL: nowhere */
	uint32_t generation; /* the dispatcher's, in the journal */
} GaOutput;

/* Starts the thread that writes what the socket has no room for at once. */
extern bool ga_output_open(GaOutput *output, int fd, GaJournal *journal,
						   uint32_t generation);

/*
 * Writes the frames in `buffer` and empties it; never blocks.  true: they are in the
 * socket, where they outlive the courier; false: they are written once the
 * dispatcher reads.  A dispatcher that is gone ends the process, unless there is a
 * journal: then the main thread does (courier/serve).
 */
extern bool ga_output_write(GaOutput *output, GaBuffer *buffer);
/* Whether all that was to be written is in the socket; where it is not, `waiter` is woken
 * as soon as it is, unless it is forgotten before. */
extern bool ga_output_await(GaOutput *output, GaOutputWaiter *waiter);
extern void ga_output_forget(GaOutput *output, GaOutputWaiter *waiter);
/* Waits for that. */
extern void ga_output_drain(GaOutput *output);

/* One line for the server's log; never a secret, never an address. */
extern void ga_output_log(GaOutput *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* GA_COURIER_OUTPUT_H */
