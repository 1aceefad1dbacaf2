/*
 * progress.h
 *		How far long work is, in shared memory, for whoever asks.
 */
#ifndef GA_DISPATCH_PROGRESS_H
#define GA_DISPATCH_PROGRESS_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define GA_PROGRESS_PLACES 32
#define GA_PROGRESS_ACTION_SIZE 32

typedef struct GaProgress
{
	Oid database;
	pid_t pid; /* 0: free */
	char action[GA_PROGRESS_ACTION_SIZE];
	TimestampTz started_at;
	int64 done;
	int64 total; /* below 0: not known */
} GaProgress;

/* Asks for the shared memory; called while preloading. */
extern void ga_progress_init(void);

/*
 * How far this process is; `action` NULL: it is over.  Where all places are taken
 * nothing is told.  It ends with the process, or with a transaction that is rolled
 * back, also one inside of another.
 */
extern void ga_progress_report(const char *action, int64 done, int64 total);

/* Since when this process is at that work; 0: it is not. */
extern TimestampTz ga_progress_began(const char *action);

/* Those of this database into `places`, of GA_PROGRESS_PLACES; how many. */
extern int ga_progress_read(GaProgress *places);

#endif /* GA_DISPATCH_PROGRESS_H */
