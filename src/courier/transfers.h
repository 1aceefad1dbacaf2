/*
 * transfers.h
 *		The transfers that one thread has under way at the same time: libcurl's multi
 *		interface upon epoll.
 *
 * For the thread that opened them alone, but for what says that any thread may call it.
 */
#ifndef GA_COURIER_TRANSFERS_H
#define GA_COURIER_TRANSFERS_H

#include <curl/curl.h>
#include <stdbool.h>

typedef struct GaTransfers GaTransfers;

/* One that was run elsewhere. */
typedef struct GaTransferEnd
{
	void *context;
	CURLcode result;
	struct GaTransferEnd *next;
} GaTransferEnd;

/* NULL: there are too few file descriptors. */
extern GaTransfers *ga_transfers_open(void);
/* After the handles and their connections. */
extern void ga_transfers_close(GaTransfers *transfers);

/* Begins a transfer with the next run; false: that cannot be. */
extern bool ga_transfers_add(GaTransfers *transfers, CURL *curl, void *context);
/* Moves on what can move on; waits for something to do, at most `wait_ms`, below 0:
 * without end. */
extern void ga_transfers_run(GaTransfers *transfers, long wait_ms);
/* Takes out a transfer that has ended and returns its context; NULL: there is none. */
extern void *ga_transfers_take_done(GaTransfers *transfers, CURLcode *result);

/* Any thread: true where the thread whose they are waits, and none is due.  The caller
 * may then add transfers and run them; the thread does not go on before
 * ga_transfers_release(). */
extern bool ga_transfers_try_hold(GaTransfers *transfers);
extern void ga_transfers_release(GaTransfers *transfers);
/* Who holds them: moves on what was added, without waiting, and ends the thread's wait
 * when it is to be moved on next.  Returns how many are under way; where the caller knows
 * of more, some have ended, and the thread is to be woken. */
extern int ga_transfers_run_due(GaTransfers *transfers);

/* Any thread: ends a wait, the present one or the next. */
extern void ga_transfers_wake(GaTransfers *transfers);
/* Any thread: a transfer that was run elsewhere has ended (courier/performer).  `end`
 * stays the caller's; it is used until its context was taken. */
extern void ga_transfers_post_end(GaTransfers *transfers, GaTransferEnd *end);

/* To be told of each socket of the handles that are added. */
extern void ga_transfers_note_opened(GaTransfers *transfers, int fd);
extern void ga_transfers_note_closed(GaTransfers *transfers, int fd);

#endif /* GA_COURIER_TRANSFERS_H */
