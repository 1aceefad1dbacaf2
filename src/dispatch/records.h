/*
 * records.h
 *		Outcomes that wait to be written down, gathered to be written together.
 *
 * They have a memory of their own, since a record whose row a caller holds
 * locked outlives the turn it was made in.
 */
#ifndef GA_DISPATCH_RECORDS_H
#define GA_DISPATCH_RECORDS_H

#include "postgres.h"

#include "base/shared/monotonic.h"
#include "dispatch/courier/jobs.h"
#include "store/queue/queue_store.h"
#include "utils/palloc.h"

extern void ga_records_init(void);
/* A zeroed record at the end of the list. */
extern GaRecord *ga_records_add(void);
/* The record of a job that its courier did not end, or did not begin. */
extern void ga_records_add_lost(const GaJob *job, TimestampTz now, bool died);
extern void ga_records_add_given_back(const GaJob *job, TimestampTz now);
extern GaRecord *ga_records_list(int *count);
/* Where the strings of records belong. */
extern MemoryContext ga_records_context(void);
/*
 * One that cannot be written down, though others can, is kept apart, so that it
 * holds up nothing; it comes back after 5 s, then after four times as long, up
 * to an hour.
 */
extern void ga_records_set_aside(const GaRecord *record);
/* How many are set aside. */
extern int ga_records_aside_count(void);
/* Puts those whose time has come at the end of the list; DT_NOEND: all. */
extern void ga_records_bring_back(GaMonotonic now);
extern GaMonotonic ga_records_next_turn(void);
/* Keeps the first `kept` records and forgets the others with their memory. */
extern void ga_records_keep(int kept);

#endif /* GA_DISPATCH_RECORDS_H */
