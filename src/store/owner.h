/*
 * owner.h
 *		The bracket around every statement of the store: as the owner of the tables,
 *		with a pinned search_path.
 *
 * Every statement of src/store/ runs between ga_owner_enter() and
 * ga_owner_leave().  An error in between needs no clean-up here: the abort of
 * the (sub)transaction restores the user, the setting and SPI.
 */
#ifndef GA_STORE_OWNER_H
#define GA_STORE_OWNER_H

#include "postgres.h"

typedef struct GaOwnerScope
{
	Oid user;
	int security;
	int guc_level;
	MemoryContext caller_context; /* results are copied to here */
	ErrorContextCallback on_error;
} GaOwnerScope;

/*
 * Switches to the owner of the extension's tables and connects SPI.
 * Error: 55000 when the extension is not (or no longer) in this database, or is of
 * another version than the library.
 */
extern void ga_owner_enter(GaOwnerScope *scope);
/*
 * Called while an error is made that some statement in between waited too long
 * for a lock (55P03): may add to its words.  group_api.lock_timeout bounds the
 * waits, the session's lock_timeout where that is less.
 */
extern void (*ga_on_lock_timeout)(void);
extern void ga_owner_leave(GaOwnerScope *scope);

/* The owner of the extension's tables; InvalidOid when there are none. */
extern Oid ga_owner(void);
/* False when the owner lost what our statements need: it is no superuser. */
extern bool ga_owner_can_serve(Oid owner);
/* What is wrong with one that cannot serve, in words that name no role. */
extern const char *ga_owner_fault(Oid owner);

#endif /* GA_STORE_OWNER_H */
