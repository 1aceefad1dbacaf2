/*
 * creation.h
 *		What the two contracts' create functions share.
 */
#ifndef GA_API_CREATION_H
#define GA_API_CREATION_H

#include "postgres.h"

#include "api/answer/answer.h"
#include "api/caller.h"
#include "api/preview.h"
#include "fmgr.h"
#include "request/violation.h"
#include "store/group/group_store.h"
#include "store/plan_cache.h"
#include "utils/jsonb.h"

/* A body as it was given, or as it was made of what was given. */
typedef struct GaGivenBody
{
	Jsonb *json;
	bool is_copy; /* not the argument itself: may be freed once it is read */
	GaViolations violations; /* of its text, told with those of its fields */
} GaGivenBody;

/* Creates a group from a body and answers. */
typedef Datum (*GaCreate)(GaCaller *caller, GaGivenBody *body);

/*
 * A create function of SQL, whose argument is jsonb, text or bytea.  Nobody (28000)
 * and who may not call all its forms (42501) are refused before the body is read.
 */
extern Datum ga_creation_run(FunctionCallInfo fcinfo, GaContract contract,
							 GaCreate create);

/*
 * The argument `at` as a body, given as jsonb, text or bytea; NULL with an
 * answer: it is too large, or none.  Adds the violations that are of its text.
 */
extern Jsonb *ga_creation_body(FunctionCallInfo fcinfo, int at,
							   GaContract contract, const GaCaller *caller,
							   GaViolations *violations, Datum *answer);

/* Frees what nobody reads any more: of a large request it is megabytes. */
extern void ga_creation_forget_body(GaGivenBody *body);

/* Empties the view and sets what every new group has. */
extern void ga_creation_begin(GaGroup *group, char contract);
/* Puts the shard's number into the id, before it is used.  Inside ga_owner_enter(). */
extern void ga_creation_mark_shard(GaGroup *group);
/* Inside ga_owner_enter()/leave(): makes members[0] the caller, who has an id by now. */
extern void ga_creation_add_leader(const GaOwnerScope *scope, GaGroup *group,
								   const GaCaller *caller);
/* Whether a gateway is told to roll back what it calls (Prefer: tx=rollback). */
extern bool ga_creation_is_rehearsal(const GaCaller *caller);

/*
 * Inside ga_owner_enter()/leave(): members that would be queued but stand on
 * the suppression list become suppressed.  ga_creation_write() does it too.
 */
extern void ga_creation_mark_suppressed(const GaOwnerScope *scope,
										GaGroup *group);

/*
 * Writes the group and wakes the dispatcher at commit; false when contract B's
 * name is taken.  Inside ga_owner_enter()/leave().
 */
extern bool ga_creation_write(const GaOwnerScope *scope, GaGroup *group);

/*
 * Writes further members of a group whose row the transaction has locked, and
 * sets their numbers; those on the suppression list become suppressed.  The
 * caller wakes the dispatcher.  Inside ga_owner_enter()/leave().
 */
extern void ga_creation_add_members(const GaOwnerScope *scope, GaGroup *added);

/*
 * Ends ga_owner_enter(); before, unless there are violations, tells what will be
 * sent in `preview`, NULL where that is not asked for.
 */
extern void ga_creation_end(GaOwnerScope *scope, GaCaller *caller,
							GaGroup *group, GaPreview *preview,
							const GaViolations *violations);

#endif /* GA_API_CREATION_H */
