/*
 * probes.h
 *		Which databases the launcher knows of, and which are to be tried.
 */
#ifndef GA_DISPATCH_LAUNCH_PROBES_H
#define GA_DISPATCH_LAUNCH_PROBES_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Looks at pg_database when somebody told of a change, or when it is time. */
extern void ga_probes_follow_databases(GaMonotonic now);
/* The next call looks, whatever was told. */
extern void ga_probes_recheck(void);
/* Gives slots to databases that were never tried, a few at a time. */
extern void ga_probes_begin(void);

/* Frees the slot of a database that is closed; it is tried when it opens. */
extern void ga_probes_free_slot(int at);

#endif /* GA_DISPATCH_LAUNCH_PROBES_H */
