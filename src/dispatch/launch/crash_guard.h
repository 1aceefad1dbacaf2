/*
 * crash_guard.h
 *		Keeps a dispatcher that crashes at its start from restarting the whole
 *		server again and again.
 *
 * A crash of any process makes the postmaster restart them all, workers first;
 * nothing in shared memory survives that, so the count stands in a small file in
 * the data directory, one for each database.
 */
#ifndef GA_DISPATCH_LAUNCH_CRASH_GUARD_H
#define GA_DISPATCH_LAUNCH_CRASH_GUARD_H

#include "postgres.h"

#include "base/shared/monotonic.h"

/* Starts in a row that ended in a crash of its own before a turn was done. */
#define GA_CRASHES_ALLOWED 3
/* The pause after that many; each further crash doubles it, up to a day. */
#define GA_CRASH_FIRST_PAUSE_MS (60 * 1000)
#define GA_CRASH_LAST_PAUSE_MS (24 * 3600 * 1000)

/* For a dispatcher, once: its first turn may crash, however it comes to that. */
extern void ga_crash_guard_enter(Oid database);
/* It has done a turn: what happens later is not the start's fault. */
extern void ga_crash_guard_prove(void);

/*
 * Whether it crashed too often to be started just now; then `crashes` is how often
 * and `retry_at` when the next pause is over.  A start of the server (not a
 * recovery from a crash) resets the count.
 */
extern bool ga_crash_guard_is_tripped(Oid database, int *crashes,
									  GaMonotonic *retry_at);
/* A reload of the configuration does that, and the end of the database. */
extern void ga_crash_guard_reset(Oid database);

#endif /* GA_DISPATCH_LAUNCH_CRASH_GUARD_H */
