/*
 * database_settings.h
 *		What ALTER DATABASE and ALTER ROLE set for the dispatcher of this database.
 */
#ifndef GA_STORE_DATABASE_SETTINGS_H
#define GA_STORE_DATABASE_SETTINGS_H

#include "postgres.h"

/*
 * Our settings and default_transaction_read_only as they are for a new dispatcher,
 * as a text to be compared; allocated in the caller's context.
 */
extern char *ga_database_settings_read(void);

#endif /* GA_STORE_DATABASE_SETTINGS_H */
