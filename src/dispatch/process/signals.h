/*
 * signals.h
 *		What a dispatcher does on a signal.
 */
#ifndef GA_DISPATCH_PROCESS_SIGNALS_H
#define GA_DISPATCH_PROCESS_SIGNALS_H

#include "postgres.h"

#include <signal.h>

/*
 * SIGHUP sets ConfigReloadPending, SIGTERM ShutdownRequestPending and ends a wait
 * for a lock, SIGINT only what a time-out of ours asks for.
 */
extern void ga_signals_init(void);

/* While true, SIGTERM cancels a commit's wait for standbys as well. */
extern volatile sig_atomic_t ga_signals_stop_is_cancel;

#endif /* GA_DISPATCH_PROCESS_SIGNALS_H */
