/*
 * database_guard.h
 *		DDL that concerns dispatchers: commands on a database that need it empty
 *		of workers, changes of providers and of the extension, COMMIT PREPARED.
 */
#ifndef GA_DISPATCH_DATABASE_GUARD_H
#define GA_DISPATCH_DATABASE_GUARD_H

/* Installs the utility hook; called while preloading. */
extern void ga_database_guard_init(void);

#endif /* GA_DISPATCH_DATABASE_GUARD_H */
