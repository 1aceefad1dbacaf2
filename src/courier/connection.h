/*
 * connection.h
 *		One connection to a provider: a libcurl easy handle, and what libcurl does
 *		not tell about the transfer it made.
 */
#ifndef GA_COURIER_CONNECTION_H
#define GA_COURIER_CONNECTION_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/shared/monotonic.h"
#include "courier/outcome.h"
#include "courier/provider.h"
#include "courier/transfers.h"

/* One that had no work for so long is not used again, in seconds: shorter than any
 * gateway keeps it. */
#define GA_CONNECTION_IDLE_S 15

/* One that ends, and two that race while the next one connects. */
#define GA_CONNECTION_SOCKETS 4

typedef struct GaConnection
{
	const GaCourierProvider *provider;
	/* Sets what the kind of provider needs on a fresh handle. */
	void (*prepare)(CURL *curl, void *context);
	void *context;

	GaTransfers *transfers; /* where it is run; NULL: by itself */

	CURL *curl;			 /* NULL until the next transfer */
	CURLSH *share;		 /* holds the connection for this handle alone */
	bool sends_once;	 /* a request that has left is not sent again */
	bool refused_again;	 /* libcurl was about to */
	bool warm;			 /* an earlier transfer of this handle went well */
	GaMonotonic used_at; /* when the last one ended */
	int sockets;		 /* opened by this transfer */
	int fds[GA_CONNECTION_SOCKETS]; /* those that are open; 0: none */
	bool no_descriptors; /* a socket could not be made: there are too many */
	char refused_peer[64];
	bool refused_metadata; /* it is a cloud's metadata service */
	char error[CURL_ERROR_SIZE];
} GaConnection;

/* The handle to set options of one message on; NULL: libcurl has none. */
extern CURL *ga_connection_handle(GaConnection *connection);

/*
 * Gives up a kept connection that the peer has closed since, before anything is
 * handed over on it: libcurl 8.23 looks only at what was idle for a while.
 */
extern void ga_connection_drop_closed(GaConnection *connection);

/* Whether the next transfer can go over what is open already; one that the peer closes at
 * this moment is not seen. */
extern bool ga_connection_is_open(const GaConnection *connection);

/* Before the transfer on the handle as it is set, and after it. */
extern void ga_connection_begin(GaConnection *connection);
extern void ga_connection_end(GaConnection *connection, CURLcode result);

/*
 * From the callback before a request: whether it may leave.  With sends_once it may
 * not when one has left in this transfer: libcurl sends it again when a kept
 * connection ends without an answer.
 */
extern bool ga_connection_may_send(GaConnection *connection);
/* HTTP: whether any byte of the request was taken. */
extern bool ga_connection_has_sent(const GaConnection *connection);

/* After a refusal: who says goodbye waits for no answer to that. */
extern void ga_connection_stop_listening(const GaConnection *connection);

/*
 * Whether a failed transfer, of which nothing was handed over, met a reused
 * connection that was already dead, so that a new one may be tried at once.
 */
extern bool ga_connection_was_stale(const GaConnection *connection,
									CURLcode result);

/* After an error: nothing of this connection is used again, nor waited for. */
extern void ga_connection_abandon(GaConnection *connection);
extern void ga_connection_close(GaConnection *connection);

/* Fills the outcome of a transfer that got no usable answer. */
extern void ga_connection_explain(const GaConnection *connection,
								  CURLcode result, bool handed_over,
								  GaOutcome *outcome);

#endif /* GA_COURIER_CONNECTION_H */
