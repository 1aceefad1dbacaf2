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

#include "store/queue_store.h"
#include "utils/palloc.h"

extern void ga_records_init(void);
/* A zeroed record at the end of the list. */
extern GaRecord *ga_records_add(void);
extern GaRecord *ga_records_list(int *count);
/* Where the strings of records belong. */
extern MemoryContext ga_records_context(void);
/* Keeps the first `kept` records and forgets the others with their memory. */
extern void ga_records_keep(int kept);

#endif /* GA_DISPATCH_RECORDS_H */
