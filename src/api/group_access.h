/*
 * group_access.h
 *		A group for somebody who wants to change it.
 */
#ifndef GA_API_GROUP_ACCESS_H
#define GA_API_GROUP_ACCESS_H

#include "postgres.h"

#include "api/answer/answer.h"
#include "api/caller.h"
#include "store/plan_cache.h"

/*
 * Reads the caller and the group whose id is the first argument; for its leader
 * and operators only.  `action` is what they want to do, for people: "invite".
 * False: `answer` is the fault (28000, P0002, 42501).
 */
extern bool ga_group_to_change(FunctionCallInfo fcinfo, GaCaller *caller,
							   GaGroup *group, const char *action,
							   Datum *answer);

/* The same of a caller who was read, for a group with this id (P0002, 42501). */
extern bool ga_group_named_to_change(GaCaller *caller, pg_uuid_t id,
									 GaGroup *group, const char *action,
									 Datum *answer);

/* Of a call's first argument, and the group must not be archived (55000); it is locked, so that it
 * is not archived meanwhile. */
extern bool ga_group_active_to_change(FunctionCallInfo fcinfo, GaCaller *caller,
									  GaGroup *group, const char *action,
									  Datum *answer);

/* Tells of each queued member why it still waits, and of each failed one whether
 * its person wants no more.  Inside ga_owner_enter(). */
extern void ga_group_explain_waiting(const GaOwnerScope *scope,
									 const GaCaller *caller, GaGroup *group);

extern Datum ga_group_answer_missing(const GaCaller *caller);

/* The envelope of the group as it is now, with the status 200. */
extern Datum ga_group_answer_amended(const GaCaller *caller, GaGroup *group);

#endif /* GA_API_GROUP_ACCESS_H */
