/*
 * load_group.c
 *		group_api.load_group(jsonb), (text) and (bytea): one group of contract A for
 *		its app, and a part of it for whoever knows its id.
 *
 * Who is not in the group is told its outline where group_api.anonymous_load is on,
 * signed in or not: signing out must not show more.  Where it is off, a group that
 * is not theirs is one that does not exist, and who is not signed in hears so
 * before anything is looked at.
 */
#include "postgres.h"

#include "api/answer/answer.h"
#include "api/answer/contract_a.h"
#include "api/caller.h"
#include "api/creation.h"
#include "api/execute_right.h"
#include "api/group_access.h"
#include "base/guc.h"
#include "request/contract_body.h"
#include "store/group/contract_a_store.h"
#include "store/plan_cache.h"

static Datum
load(GaCaller *caller, pg_uuid_t id)
{
	GaOwnerScope scope;
	GaGroup group;
	bool found;

	ga_owner_enter(&scope);
	ga_caller_look_up(&scope, caller, false);
	found = ga_caller_finds(&scope, caller, id, &group);
	if (found)
		ga_group_explain_waiting(&scope, caller, &group);
	else if (ga_settings.anonymous_load)
		found = ga_group_find_outline(&scope, id, &group);
	ga_owner_leave(&scope);
	if (!found)
		return ga_group_answer_missing(caller);
	ga_answer_status(caller, 200);
	return ga_answer_group(caller, &group);
}

PG_FUNCTION_INFO_V1(group_api_load_group);

Datum
group_api_load_group(PG_FUNCTION_ARGS)
{
	GaViolations violations = {NIL};
	GaCaller caller;
	Datum answer;
	pg_uuid_t id;
	Jsonb *body;

	ga_execute_right_check(fcinfo, GA_ALL_FORMS);
	ga_caller_read(&caller);
	if (!caller.is_authenticated && !ga_settings.anonymous_load)
		return ga_answer_not_authenticated(&caller, GA_CONTRACT_A);
	if (PG_ARGISNULL(0))
		return ga_answer_fault(&caller, GA_CONTRACT_A, "",
							   GA_VIOLATION_INVALID_BODY, NULL,
							   "the body must be an object, not null");
	body = ga_creation_body(fcinfo, 0, GA_CONTRACT_A, &caller, &violations,
							&answer);
	if (body == NULL)
		return answer;
	if (!ga_contract_a_read_load(body, &id, &violations))
		return ga_answer_violations(&caller, GA_CONTRACT_A, &violations);
	return load(&caller, id);
}
