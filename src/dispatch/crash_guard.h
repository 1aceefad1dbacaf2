/*
 * crash_guard.h
 *		Keeps a dispatcher that crashes at its start from restarting the whole
 *		server again and again.
 *
 * A crash of any process makes the postmaster restart them all, workers first;
 * nothing in shared memory survives that, so the count stands in a small file in
 * the data directory, one for each database.
 */
#ifndef GA_DISPATCH_CRASH_GUARD_H
#define GA_DISPATCH_CRASH_GUARD_H

#include "postgres.h"

/* Starts in a row that ended in a crash before a turn was done. */
#define GA_CRASHES_ALLOWED 3

/* The dispatcher is about to start; its first turn may crash. */
extern void ga_crash_guard_enter(Oid database);
/* It has done a turn, or ends in an orderly way: not the start's fault. */
extern void ga_crash_guard_leave(Oid database);
/*
 * Whether it crashed too often to be started again.  A start of the server (not
 * a recovery from a crash) and a reload of the configuration forgive.
 */
extern bool ga_crash_guard_is_tripped(Oid database);

#endif /* GA_DISPATCH_CRASH_GUARD_H */
