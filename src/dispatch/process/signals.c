/*
 * signals.c
 *		The handlers of a dispatcher.
 *
 * They set flags, the latch and, when the server stops, lock_timeout; nothing else.
 */
#include "postgres.h"

#include <signal.h>

#include "dispatch/process/signals.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/timeout.h"

/* What a lock may cost the last transaction of a server that stops. */
#define SHUTDOWN_LOCK_MS 300

volatile sig_atomic_t ga_signals_stop_is_cancel = false;

/* A lock that nobody releases must not keep the server from stopping, nor a standby. */
static void
handle_sigterm(SIGNAL_ARGS)
{
	int save_errno = errno;

	ShutdownRequestPending = true;
	/* For a wait that begins only now. */
	LockTimeout = SHUTDOWN_LOCK_MS;
	if (MyProc != NULL && MyProc->waitStatus == PROC_WAIT_STATUS_WAITING)
	{
		QueryCancelPending = true;
		InterruptPending = true;
	}
	/* Seen by the wait itself, not by whatever serves interrupts on the way there. */
	if (ga_signals_stop_is_cancel)
		QueryCancelPending = true;
	SetLatch(MyLatch);
	errno = save_errno;
}

/*
 * A cancel would break off a record, and what it tells be sent again; only a
 * time-out of ours on a lock, which comes as this signal as well, may do that.
 */
static void
handle_sigint(SIGNAL_ARGS)
{
	int save_errno = errno;

	if (get_timeout_indicator(LOCK_TIMEOUT, false))
	{
		QueryCancelPending = true;
		InterruptPending = true;
		SetLatch(MyLatch);
	}
	errno = save_errno;
}

void
ga_signals_init(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, handle_sigterm);
	pqsignal(SIGINT, handle_sigint);
}
