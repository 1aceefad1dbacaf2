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

/*
 * The version of the SQL in this database, read anew each time; NULL where the
 * extension is not.  In the caller's memory context.
 */
extern char *ga_extension_version(void);
/*
 * False where the SQL is of another version than this library, so that each may
 * miss what it wants of the other.  True where the extension is not.
 */
extern bool ga_extension_fits(void);
/* What a person does about that, as a sentence for a hint. */
extern char *ga_extension_remedy(const char *sql_version);
/* Whether this library is older than SQL of that version. */
extern bool ga_extension_is_newer(const char *sql_version);
/* Error: 55000 unless it fits. */
extern void ga_extension_require(void);

/* A table of the schema group_api_private. */
extern Oid ga_extension_table(const char *name);

/* The owner of the queue, as whom our statements run. */
extern Oid ga_extension_table_owner(void);

/* A function of the schema group_api that has one form only, such as adopt(). */
extern Oid ga_extension_function(const char *name);

/*
 * The one function that is written so, schema and types of arguments included, such as
 * group_api.get_group(uuid); the view of that name.
 */
extern Oid ga_extension_routine(const char *signature);
extern Oid ga_extension_view(const char *name);

/*
 * Those functions of the extension that bear the name of `function` and lie in
 * its schema, itself among them: a list of oids, NIL when it is not the
 * extension's.  It is good until the next call.
 */
extern struct List *ga_extension_namesakes(Oid function);

#endif /* GA_BASE_EXTENSION_H */
