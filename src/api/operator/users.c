/*
 * users.c
 *		group_api.put_user(): how an app fills the user directory.
 *
 * EXECUTE is the right to call it.
 */
#include "postgres.h"

#include "api/answer/answer.h"
#include "api/arguments.h"
#include "api/caller.h"
#include "api/user_fields.h"
#include "store/plan_cache.h"
#include "store/role_store.h"
#include "store/group/user_store.h"
#include "utils/acl.h"

/* A role is entered by its subject, role:NAME, and known by its oid. */
static void
check_role(GaUser *user, GaViolations *violations)
{
	const char *subject = user->subject;
	size_t length = strlen(GA_ROLE_SUBJECT);

	if (subject == NULL)
		return;
	if (strncmp(subject, GA_ROLE_SUBJECT, length) == 0)
		user->role = get_role_oid(subject + length, true);
	else if (strncmp(subject, GA_FORMER_ROLE_SUBJECT,
					 strlen(GA_FORMER_ROLE_SUBJECT)) != 0)
		return;
	if (!OidIsValid(user->role))
		ga_violation_add(violations, "subject", GA_VIOLATION_DOES_NOT_EXIST,
						 "Subjects of roles are role:NAME.",
						 "subject names no role of the database: %s", subject);
}

static void
check_user(GaUser *user, GaViolations *violations)
{
	if (user->subject == NULL || user->subject[0] == '\0')
		ga_violation_add(violations, "subject", GA_VIOLATION_REQUIRED, NULL,
						 "subject is required");
	check_role(user, violations);
	ga_user_fields_check(user, violations);
}

PG_FUNCTION_INFO_V1(group_api_put_user);

Datum
group_api_put_user(PG_FUNCTION_ARGS)
{
	GaViolations violations = {NIL};
	GaUser user = {
		.subject = ga_argument_text(fcinfo, 0),
		.username = ga_argument_text(fcinfo, 1),
		.real_name = ga_argument_text(fcinfo, 2),
		.avatar = ga_argument_text(fcinfo, 3),
		.email = ga_argument_text(fcinfo, 4),
		.mobile = ga_argument_text(fcinfo, 5),
		.locale = ga_argument_text(fcinfo, 6),
		.ext_id = ga_argument_text(fcinfo, 7),
	};
	GaOwnerScope scope;
	GaCaller caller;
	int64 id;

	ga_caller_read(&caller);
	check_user(&user, &violations);
	if (ga_violations_any(&violations))
		return ga_answer_violations(&caller, GA_CONTRACT_SQL, &violations);
	ga_owner_enter(&scope);
	if (OidIsValid(user.role))
		ga_role_ensure(&scope,
					   &(GaUser){.role = user.role, .subject = user.subject});
	id = ga_user_put(&user);
	ga_owner_leave(&scope);
	PG_RETURN_INT64(id);
}
