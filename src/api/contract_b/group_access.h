/*
 * group_access.h
 *		A group of contract B for somebody who wants to see or change it.
 */
#ifndef GA_API_CONTRACT_B_GROUP_ACCESS_H
#define GA_API_CONTRACT_B_GROUP_ACCESS_H

#include "postgres.h"

#include "api/answer/answer.h"
#include "api/caller.h"
#include "store/group/contract_b_store.h"
#include "store/plan_cache.h"

/* Whom a call is for. */
typedef enum GaAudience
{
	GA_FOR_EVERYBODY, /* while group_api.content_availability is on */
	GA_FOR_USERS
} GaAudience;

/* Reads who calls; false with an answer (28000, 401) for nobody. */
extern bool ga_access_read_caller(GaCaller *caller, GaAudience audience,
								  Datum *answer);

/*
 * The number of the group a write is about: the argument `at`, or with -1 the
 * header X-Group-Id; 0: none.
 */
extern int64 ga_group_v2_number(const GaCaller *caller, FunctionCallInfo fcinfo,
								int at);

extern GaViewer ga_access_viewer(const GaCaller *caller);
extern bool ga_access_manages(const GaCaller *caller, const GaGroupV2 *group);

/*
 * Finds a group the caller may see; false with an answer (P0002, 404).  The
 * caller is looked up in the directory.
 */
extern bool ga_group_v2_to_see(GaCaller *caller, int64 number, GaGroupV2 *group,
							   Datum *answer);
/* Who calls, and the group that the first argument names; both as above. */
extern bool ga_group_v2_of_call(FunctionCallInfo fcinfo, GaAudience audience,
								GaCaller *caller, GaGroupV2 *group,
								Datum *answer);
/*
 * Locks a group that was found to be seen, and reads it anew; after the right was
 * asked for, so that nobody holds up what is not theirs.  False with an answer when
 * it is gone, hidden or archived meanwhile.
 */
extern bool ga_group_v2_hold(const GaCaller *caller, GaGroupV2 *group,
							 Datum *answer);

/* False with an answer (42501, 403); `action` is what only the manager may. */
extern bool ga_group_v2_is_managed(const GaCaller *caller,
								   const GaGroupV2 *group, const char *action,
								   Datum *answer);
/* False with an answer (55000, 400) for an archived group. */
extern bool ga_group_v2_is_open(const GaCaller *caller, const GaGroupV2 *group,
								Datum *answer);

#endif /* GA_API_CONTRACT_B_GROUP_ACCESS_H */
