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

#include "base/shared/wire.h"

typedef struct GaOutput
{
	int fd;
	pthread_mutex_t write_lock; /* one writer at a time, whole frames */

	pthread_mutex_t post_lock; /* protects the two fields below */
	pthread_cond_t posted;
	GaBuffer outbox;
} GaOutput;

/* Starts the thread that writes what is posted. */
extern bool ga_output_open(GaOutput *output, int fd);

/*
 * Writes the frames in `buffer` and empties it; blocks while the dispatcher is
 * not reading.  For sending threads only.  A dispatcher that is gone ends the
 * process.
 */
extern void ga_output_write(GaOutput *output, GaBuffer *buffer);

/* Hands frames over to be written soon; never blocks.  Empties `buffer`. */
extern void ga_output_post(GaOutput *output, GaBuffer *buffer);
/* One line for the server's log; never a secret, never an address. */
extern void ga_output_log(GaOutput *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* GA_COURIER_OUTPUT_H */
