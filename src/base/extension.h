/*
 * extension.h
 *		What of this database belongs to the extension.
 *
 * The extension itself is asked, by its oid and its members, since everybody
 * who may create a schema can plant one that bears the name of ours: in a
 * database without the extension nothing is ours, whatever it is called.
 * Nothing else may look up our objects by their names (test/lint/ours.sh).
 *
 * All of it needs a transaction.  Oids are InvalidOid for what is not there.
 */
#ifndef GA_BASE_EXTENSION_H
#define GA_BASE_EXTENSION_H

#include "postgres.h"

/* The extension in this database, read anew each time. */
extern Oid ga_extension_oid(void);

/* A table of the schema group_api_private. */
extern Oid ga_extension_table(const char *name);

/* The owner of the extension's tables. */
extern Oid ga_extension_owner(void);

/* A function of the schema group_api that has one form only, such as adopt(). */
extern Oid ga_extension_function(const char *name);

/*
 * Those functions of the extension that bear the name of `function` and lie in
 * its schema, itself among them: a list of oids, NIL when it is not the
 * extension's.  It is good until the next call.
 */
extern struct List *ga_extension_namesakes(Oid function);

#endif /* GA_BASE_EXTENSION_H */
