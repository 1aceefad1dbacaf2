/*
 * reload.h
 *		Reading anew what the dispatcher works by: providers, templates, whose data
 *		these are.
 */
#ifndef GA_DISPATCH_STEPS_RELOAD_H
#define GA_DISPATCH_STEPS_RELOAD_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/* Once, when connected: everything is to be read, and again when roles change. */
extern void ga_reload_init(void);

extern void ga_reload_want(void);
extern bool ga_reload_is_wanted(void);
extern bool ga_reload_comes_first(void);
/* A step: reads what is wanted. */
extern void ga_reload_run(GaMonotonic now);

#endif /* GA_DISPATCH_STEPS_RELOAD_H */
