/*
 * schedule.h
 *		When the dispatcher is to take its next turn without being woken.
 */
#ifndef GA_DISPATCH_STEPS_SCHEDULE_H
#define GA_DISPATCH_STEPS_SCHEDULE_H

#include "postgres.h"

/* Milliseconds until something is to be done without an event; -1: never. */
extern long ga_schedule_wait_ms(void);

#endif /* GA_DISPATCH_STEPS_SCHEDULE_H */
