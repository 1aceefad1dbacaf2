/*
 * upgrade_mark.h
 *		What tells a database that pg_upgrade moved here from one that was copied.
 */
#ifndef GA_BASE_UPGRADE_MARK_H
#define GA_BASE_UPGRADE_MARK_H

#include "postgres.h"

/* Writes the mark, when pg_upgrade started this server; called while preloading. */
extern void ga_upgrade_mark_init(void);

/*
 * Whether a row of this xmin came into the cluster's files by pg_upgrade, which
 * made the cluster.  False where it did not, and for any row written since.
 */
extern bool ga_upgrade_mark_covers(TransactionId xmin);

#endif /* GA_BASE_UPGRADE_MARK_H */
