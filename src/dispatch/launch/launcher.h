/*
 * launcher.h
 *		The one static background worker: starts a dispatcher in every database
 *		that has the extension.
 */
#ifndef GA_DISPATCH_LAUNCH_LAUNCHER_H
#define GA_DISPATCH_LAUNCH_LAUNCHER_H

#include "postgres.h"

/* Registers the launcher; called while preloading. */
extern void ga_launcher_init(void);

extern PGDLLEXPORT void group_api_launcher_main(Datum arg);

#endif /* GA_DISPATCH_LAUNCH_LAUNCHER_H */
