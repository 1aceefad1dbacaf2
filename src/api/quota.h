/*
 * quota.h
 *		The daily caps of a caller: groups and pictures.
 *
 * Operators have none.  All run inside ga_owner_enter()/leave(), after the caller
 * was looked up; `added` is what the call is about to add.
 */
#ifndef GA_API_QUOTA_H
#define GA_API_QUOTA_H

#include "postgres.h"

#include "api/caller.h"
#include "request/violation.h"
#include "store/usage_store.h"

/* False with a violation (54000, 429) where it would be over a cap. */
extern bool ga_quota_allows(const struct GaOwnerScope *scope,
							const GaCaller *caller, GaUsage added,
							GaViolations *violations);
/* Counts what was made. */
extern void ga_quota_count(const GaCaller *caller, GaUsage made);

/* Seconds until the caps count anew: the end of the day (UTC). */
extern int ga_quota_wait_s(void);

#endif /* GA_API_QUOTA_H */
