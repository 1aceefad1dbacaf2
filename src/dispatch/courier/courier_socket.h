/*
 * courier_socket.h
 *		The dispatcher's end of the socketpair to the courier: starting it,
 *		speaking to it, noticing its end.
 *
 * The link outlives the courier: frames it wrote before it died are still read,
 * so that the dispatcher knows which jobs it had taken up.
 */
#ifndef GA_DISPATCH_COURIER_COURIER_SOCKET_H
#define GA_DISPATCH_COURIER_COURIER_SOCKET_H

#include "postgres.h"

#include "base/shared/wire.h"
#include "dispatch/courier/event_wait.h"
#include "portability/instr_time.h"

typedef struct GaCourierLink
{
	pid_t pid;	 /* 0: not running */
	pgsocket fd; /* PGINVALID_SOCKET: closed */
	bool ended;	 /* the peer closed; what it wrote is in `in` */
	GaBuffer in;
	GaBuffer out;
} GaCourierLink;

/*
 * Starts the program; false when it cannot be started, with a reason in
 * *reason (static or palloc'ed) for the log.
 */
extern bool ga_courier_start(GaCourierLink *link, const char **reason);

/* Kills it if need be, reaps it, frees the link. */
extern void ga_courier_stop(GaCourierLink *link);

static inline bool
ga_courier_is_open(const GaCourierLink *link)
{
	return link->fd != PGINVALID_SOCKET;
}

static inline bool
ga_courier_has_output(const GaCourierLink *link)
{
	return ga_buffer_length(&link->out) > 0;
}

/* Queues a frame; ga_courier_flush() sends what the socket takes. */
extern void ga_courier_put(GaCourierLink *link, GaFrameType type,
						   const char *payload, size_t length);
extern void ga_courier_flush(GaCourierLink *link);

/* What to wait for: anything it says, and room for what is to be sent. */
extern GaWaitSocket ga_courier_wait_socket(const GaCourierLink *link);

/* Reads what is there without waiting; sets `ended` at end of file. */
extern void ga_courier_fill(GaCourierLink *link);

#endif /* GA_DISPATCH_COURIER_COURIER_SOCKET_H */
