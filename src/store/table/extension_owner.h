/*
 * extension_owner.h
 *		Whose the extension is, and which of its tables are somebody else's.
 *
 * Both are read anew each time, so they are for errors and for health().
 */
#ifndef GA_STORE_TABLE_EXTENSION_OWNER_H
#define GA_STORE_TABLE_EXTENSION_OWNER_H

#include "postgres.h"

/* Who made it, or was given it since; InvalidOid: it is not in this database. */
extern Oid ga_extension_owner(void);
/*
 * Those of its tables that another role was made the owner of, which is no superuser:
 * a list of oids.
 */
extern struct List *ga_extension_tables_of_others(void);

#endif /* GA_STORE_TABLE_EXTENSION_OWNER_H */
