/*
 * event_wait.c
 *		Waiting for the latch and more than one socket.
 *
 * The set is made anew for each wait, as WaitLatchOrSocket() does, since couriers
 * come and go.
 */
#include "postgres.h"

#include "base/compat.h"
#include "dispatch/courier/event_wait.h"
#include "storage/latch.h"

/* Latch, postmaster, sockets. */
#define EVENTS_MAX 8

int
ga_wait_for_events(const GaWaitSocket *sockets, int count, long wait_ms,
				   uint32 wait_event)
{
	WaitEventSet *set = ga_wait_event_set(EVENTS_MAX);
	WaitEvent occurred[EVENTS_MAX];
	int came;
	int result = 0;

	AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	for (int i = 0; i < count; i++)
		if (sockets[i].events != 0)
			AddWaitEventToSet(set, sockets[i].events, sockets[i].fd, NULL,
							  NULL);
	came = WaitEventSetWait(set, wait_ms, occurred, EVENTS_MAX, wait_event);
	FreeWaitEventSet(set);
	for (int i = 0; i < came; i++)
		result |= (int) occurred[i].events;
	return came == 0 ? WL_TIMEOUT : result;
}
