/*
 * suspects.h
 *		Jobs that a courier had taken up when it died: they wait to be tried alone.
 */
#ifndef GA_DISPATCH_COURIER_SUSPECTS_H
#define GA_DISPATCH_COURIER_SUSPECTS_H

#include "postgres.h"

#include "dispatch/courier/jobs.h"

/* Couriers that die of one message before it is set aside, two of them while it
 * was alone in their hands. */
#define GA_CRASHES_MAX 3

/* Copies the job's frame; it waits until its turn comes. */
extern void ga_suspects_add(GaJob *job, const GaJobFrame *frame);
/* Whether any waits. */
extern bool ga_suspects_wait(void);
/*
 * The first one, which waits no longer; NULL: none.  Its payload in *payload and
 * *length belongs to the caller, to be given to pfree().
 */
extern GaJob *ga_suspects_take(char **payload, size_t *length);
extern void ga_suspects_forget(void);

/* An outcome came: a courier works. */
extern void ga_suspects_note_success(void);
/*
 * Whether a message that killed as many couriers may be set aside.  After three of
 * them without a single outcome in between it is the courier that is broken.
 */
extern bool ga_suspects_blame(void);
extern bool ga_suspects_is_courier_broken(void);

#endif /* GA_DISPATCH_COURIER_SUSPECTS_H */
