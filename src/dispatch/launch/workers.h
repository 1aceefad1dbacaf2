/*
 * workers.h
 *		The launcher's own table: the background worker it started for each slot.
 */
#ifndef GA_DISPATCH_LAUNCH_WORKERS_H
#define GA_DISPATCH_LAUNCH_WORKERS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "dispatch/slots.h"
#include "postmaster/bgworker.h"

typedef struct GaWorker
{
	BackgroundWorkerHandle *handle; /* NULL: none */
	GaMonotonic started_at;
	GaMonotonic not_before; /* back-off, or DDL on the database; 0: none */
	int backoff_ms;
	int locked_ms;			/* > 0: DDL holds the database */
	bool crashes_are_reset; /* its crashes do not count any more */
} GaWorker;

/* What the launcher made of a slot that was asked to leave. */
typedef enum GaAsked
{
	GA_NOT_ASKED,
	GA_IS_LEAVING,
	GA_IS_STUCK /* counts for nothing: others must not wait for it */
} GaAsked;

/* As many as there are slots. */
extern GaWorker *ga_workers;

extern void ga_workers_init(void);

/* When the launcher's next turn is due; never: when somebody wakes it. */
extern GaMonotonic ga_launcher_wake_at;
/* The next turn is due no later than this. */
extern void ga_launch_wake_by(GaMonotonic at);
/* Whether one has ended that was not noticed yet (ga_workers_count). */
extern bool ga_workers_have_ended(void);

/*
 * Takes notice of the workers that ended; returns how many dispatchers there are,
 * without those that are stuck.
 */
extern int ga_workers_count(GaMonotonic now);
extern GaAsked ga_worker_is_asked(GaSlot *slot, GaMonotonic now);

/* False when no background worker is to be had. */
extern bool ga_worker_start(int at, Oid database, GaMonotonic now);

#endif /* GA_DISPATCH_LAUNCH_WORKERS_H */
