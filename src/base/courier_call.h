/*
 * courier_call.h
 *		Asking the courier program one thing from a backend: a verb, bytes in,
 *		bytes out.
 *
 * Reading strangers' MIME and speaking to a provider stay out of the server's
 * processes that way; a crash in there costs one answer.
 */
#ifndef GA_BASE_COURIER_CALL_H
#define GA_BASE_COURIER_CALL_H

#include "postgres.h"

#include "lib/stringinfo.h"

typedef enum GaCourierEnd
{
	GA_COURIER_EXITED,	/* by itself; see `status` */
	GA_COURIER_CRASHED, /* by a signal, or by its limits */
	GA_COURIER_TIMED_OUT,
	GA_COURIER_TOO_LONG /* the answer; it was cut and the program ended */
} GaCourierEnd;

typedef struct GaCourierCall
{
	const char *verb; /* bounce, compose, send */
	const char *input;
	size_t input_length;
	size_t output_max; /* bytes */
	int timeout_ms;
	bool reads_strangers; /* bounds its memory and its CPU time */

	/* the answer, in the caller's memory context */
	GaCourierEnd end;
	int status; /* of the exit; 2: the input cannot be used */
	StringInfoData output;
	const char *complaint; /* what it said on standard error, valid UTF-8 */
} GaCourierCall;

/*
 * Runs the program and waits for its end, serving interrupts: cancel and
 * termination kill it.  Error: 58000 when it cannot be started.
 */
extern void ga_courier_call(GaCourierCall *call);

#endif /* GA_BASE_COURIER_CALL_H */
