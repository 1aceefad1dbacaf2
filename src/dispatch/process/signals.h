/*
 * signals.h
 *		What a dispatcher does on a signal.
 */
#ifndef GA_DISPATCH_PROCESS_SIGNALS_H
#define GA_DISPATCH_PROCESS_SIGNALS_H

#include "postgres.h"

/*
 * SIGHUP sets ConfigReloadPending, SIGTERM ShutdownRequestPending and ends a wait
 * for a lock, SIGINT only what a time-out of ours asks for.
 */
extern void ga_signals_init(void);

#endif /* GA_DISPATCH_PROCESS_SIGNALS_H */
