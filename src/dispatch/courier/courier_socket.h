/*
 * courier_socket.h
 *		The dispatcher's end of the socketpair to the courier: starting it,
 *		speaking to it, noticing its end.
 *
 * The socket outlives the courier: frames it wrote before it died are still read,
 * so that the dispatcher knows which jobs it had taken up.
 */
#ifndef GA_DISPATCH_COURIER_COURIER_SOCKET_H
#define GA_DISPATCH_COURIER_COURIER_SOCKET_H

#include "postgres.h"

#include "base/shared/wire.h"
#include "dispatch/courier/event_wait.h"
#include "portability/instr_time.h"

typedef struct GaCourierSocket
{
	pid_t pid;	 /* 0: not running */
	pgsocket fd; /* PGINVALID_SOCKET: closed */
	bool ended;	 /* the peer closed; what it wrote is in `in` */
	bool has_journal;
	GaBuffer in;
	GaBuffer out;
} GaCourierSocket;

/*
 * Starts the program; false when it cannot be started, with a reason in
 * *reason (static or palloc'ed) for the log.
 */
extern bool ga_courier_start(GaCourierSocket *sock, bool with_journal,
							 const char **reason);
/* Lets one with a journal end what is under way; stops any other. */
extern void ga_courier_leave(GaCourierSocket *sock);

/* Kills it if need be, reaps it, frees the socket. */
extern void ga_courier_stop(GaCourierSocket *sock);

static inline bool
ga_courier_is_open(const GaCourierSocket *sock)
{
	return sock->fd != PGINVALID_SOCKET;
}

static inline bool
ga_courier_has_output(const GaCourierSocket *sock)
{
	return ga_buffer_length(&sock->out) > 0;
}

/* Queues a frame; ga_courier_flush() sends what the socket takes. */
extern void ga_courier_put(GaCourierSocket *sock, GaFrameType type,
						   const char *payload, size_t length);
/* The same for a job, written straight where it is sent from. */
extern void ga_courier_put_job(GaCourierSocket *sock, const GaJobFrame *job);
extern void ga_courier_flush(GaCourierSocket *sock);

/* What to wait for: anything it says, and room for what is to be sent. */
extern GaWaitSocket ga_courier_wait_socket(const GaCourierSocket *sock);

/* Reads what is there without waiting; sets `ended` at end of file. */
extern void ga_courier_fill(GaCourierSocket *sock);

#endif /* GA_DISPATCH_COURIER_COURIER_SOCKET_H */
