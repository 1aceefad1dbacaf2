/*
 * wake.h
 *		Waking the dispatcher of this database when the transaction commits.
 */
#ifndef GA_DISPATCH_WAKE_H
#define GA_DISPATCH_WAKE_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Registers the callback; called while preloading, inherited by fork. */
extern void ga_wake_init(void);

/* New rows that wait for a time, the earliest of them due at `due`. */
extern void ga_wake_at_commit(TimestampTz due);
/* New rows that bear start tags (base/fair_queue). */
extern void ga_wake_at_commit_for_tags(void);
/* Providers or the extension itself changed. */
extern void ga_wake_reload_at_commit(void);
/*
 * The settings of a database changed; InvalidOid: those of the role of all
 * dispatchers.  A transaction may change those of several.
 */
extern void ga_wake_settings_at_commit(Oid database);
/*
 * Rows of the queue are locked by this transaction: the dispatcher skips them
 * and must look again however the transaction ends.
 */
extern void ga_wake_at_end(void);
/* Now; for what is committed already (COMMIT PREPARED), whatever it was. */
extern void ga_wake_reload_now(void);
/* Databases came, went, or are open or closed: the launcher is to look. */
extern void ga_wake_launcher_at_commit(void);

/*
 * While our own code inserts rows it says itself when they are due; the trigger
 * that wakes for rows written by hand stays silent.
 */
extern bool ga_wake_trigger_is_silent;

#endif /* GA_DISPATCH_WAKE_H */
