/*
 * own_journal.h
 *		The journal that the dispatcher of a database shares with its courier: where
 *		the memory comes from, and which messages it is told of.
 *
 * Where the memory cannot be had all of these do nothing, and a crash sends again what
 * was in flight.
 */
#ifndef GA_DISPATCH_COURIER_OWN_JOURNAL_H
#define GA_DISPATCH_COURIER_OWN_JOURNAL_H

#include "postgres.h"

#include "base/shared/journal.h"
#include "dispatch/courier/jobs.h"

/* Before the first courier is started, which gets it. */
extern void ga_own_journal_open(Oid database);
/* -1: there is none. */
extern int ga_own_journal_fd(void);
/* NULL: there is none. */
extern GaJournal *ga_own_journal(void);
/* Ids of jobs begin with the number of the incarnation, which makes them unlike those
 * of any earlier dispatcher. */
extern uint64 ga_own_journal_first_job_id(int64 incarnation);
extern int64 ga_own_journal_incarnation(uint64 job_id);

extern void ga_own_journal_put(const GaJob *job);
extern void ga_own_journal_release(uint64 job_id);
/* What is left behind was looked at: from here on it is this dispatcher's. */
extern void ga_own_journal_clear(void);

#endif /* GA_DISPATCH_COURIER_OWN_JOURNAL_H */
