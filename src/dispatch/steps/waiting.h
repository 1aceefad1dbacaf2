/*
 * waiting.h
 *		The dispatcher's wait between two turns.
 */
#ifndef GA_DISPATCH_STEPS_WAITING_H
#define GA_DISPATCH_STEPS_WAITING_H

/* Until the latch, a courier or the time (below 0: none) has something; the
 * events of WaitEventSetWait. */
extern int ga_waiting_until_event(long wait_ms);
/* Until there is work; may end the process, when there is none for long. */
extern void ga_waiting_until_turn(void);

#endif /* GA_DISPATCH_STEPS_WAITING_H */
