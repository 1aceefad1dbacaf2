/*
 * event_wait.h
 *		Waiting for the latch and more than one socket.
 */
#ifndef GA_DISPATCH_COURIER_EVENT_WAIT_H
#define GA_DISPATCH_COURIER_EVENT_WAIT_H

#include "postgres.h"

typedef struct GaWaitSocket
{
	pgsocket fd;
	int events; /* WL_SOCKET_ flags; 0: not waited for */
} GaWaitSocket;

/*
 * As WaitLatchOrSocket() with WL_EXIT_ON_PM_DEATH: returns which of WL_LATCH_SET,
 * WL_SOCKET_ flags and WL_TIMEOUT came true, and does not reset the latch.
 * `wait_ms` below 0: without end.
 */
extern int ga_wait_for_events(const GaWaitSocket *sockets, int count,
							  long wait_ms, uint32 wait_event);

#endif /* GA_DISPATCH_COURIER_EVENT_WAIT_H */
