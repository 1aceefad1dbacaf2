/*
 * incarnation.h
 *		Which of the database's dispatchers this one is, and what the earlier ones
 *		left behind.
 */
#ifndef GA_DISPATCH_STEPS_INCARNATION_H
#define GA_DISPATCH_STEPS_INCARNATION_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/* What the rows that this dispatcher claims bear; 0: none has begun. */
extern int64 ga_incarnation_number(void);

/* A step: begins the first one, once the providers were read. */
extern void ga_incarnation_begin(GaMonotonic now);

/* The data became ours: a new one is to begin, unless none has begun yet. */
extern void ga_incarnation_outdate(void);
/* Whether one is to begin: until then nothing is claimed. */
extern bool ga_incarnation_is_outdated(void);
/* A step: begins it as soon as nothing is in flight. */
extern void ga_incarnation_renew(GaMonotonic now);

/* A step: takes back some of what earlier incarnations left in flight. */
extern void ga_incarnation_take_back(GaMonotonic now);

#endif /* GA_DISPATCH_STEPS_INCARNATION_H */
