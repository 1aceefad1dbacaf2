/*
 * setting_guard.c
 *		What ALTER DATABASE ... SET and its like do to our settings.
 *
 * What is a tenant's can be set for a database, and the dispatcher is told, since
 * PostgreSQL applies such settings to new sessions only.  What is the whole
 * cluster's PostgreSQL refuses; here its error gets the hint where to set it.
 *
 * Must never make a command fail that would succeed without us.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "dispatch/setting_guard.h"
#include "dispatch/wake.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/memutils.h"

static ProcessUtility_hook_type next_utility_hook = NULL;

/* What a command sets or resets; NULL: it is another command. */
static const VariableSetStmt *
settings_of(Node *command)
{
	switch (nodeTag(command))
	{
		case T_AlterDatabaseSetStmt:
			return ((AlterDatabaseSetStmt *) command)->setstmt;
		case T_AlterRoleSetStmt:
			return ((AlterRoleSetStmt *) command)->setstmt;
		case T_VariableSetStmt:
			return (VariableSetStmt *) command;
		default:
			return NULL;
	}
}

static bool
is_of_ours(const VariableSetStmt *set)
{
	return set != NULL && set->name != NULL &&
		   pg_strncasecmp(set->name, "group_api.", strlen("group_api.")) == 0;
}

/* Called in the handler of an error of a command about one of our settings. */
static void
add_hint(MemoryContext context, const char *name)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (error->sqlerrcode == ERRCODE_CANT_CHANGE_RUNTIME_PARAM &&
		error->hint == NULL)
		error->hint =
			psprintf("It is one setting for the whole cluster: ALTER SYSTEM "
					 "SET %s = ...; then SELECT pg_reload_conf(); or, where "
					 "the documents say so, a restart.",
					 name);
	ReThrowError(error);
}

/* `own`: the command is about one of our settings. */
static void
run_utility(PlannedStmt *planned, const char *text, bool read_only_tree,
			ProcessUtilityContext context, ParamListInfo params,
			QueryEnvironment *environment, DestReceiver *receiver,
			QueryCompletion *completion, const VariableSetStmt *const own)
{
	MemoryContext const here = CurrentMemoryContext;

	PG_TRY();
	{
		if (next_utility_hook)
			next_utility_hook(planned, text, read_only_tree, context, params,
							  environment, receiver, completion);
		else
			standard_ProcessUtility(planned, text, read_only_tree, context,
									params, environment, receiver, completion);
	}
	PG_CATCH();
	{
		if (own == NULL)
			PG_RE_THROW();
		add_hint(here, own->name);
	}
	PG_END_TRY();
}

/* NULL: all roles.  A worker without a role of its own is the bootstrap superuser. */
static bool
is_of_dispatchers(const RoleSpec *role)
{
	return role == NULL ||
		   get_rolespec_oid(role, true) == BOOTSTRAP_SUPERUSERID;
}

/*
 * The dispatcher's process is told of what it cannot see itself.  Settings of other roles
 * are none of its own; anybody may change those of himself, and would wake them all.
 */
static void
tell_dispatchers(Node *command)
{
	const char *name = NULL;

	if (IsA(command, AlterDatabaseSetStmt))
		name = ((AlterDatabaseSetStmt *) command)->dbname;
	else if (IsA(command, AlterRoleSetStmt) &&
			 is_of_dispatchers(((AlterRoleSetStmt *) command)->role))
		name = ((AlterRoleSetStmt *) command)->database;
	else
		return;
	ga_wake_settings_at_commit(name ? get_database_oid(name, true)
									: InvalidOid);
}

static void
watch_utility(PlannedStmt *planned, const char *text, bool read_only_tree,
			  ProcessUtilityContext context, ParamListInfo params,
			  QueryEnvironment *environment, DestReceiver *receiver,
			  QueryCompletion *completion)
{
	/* The tree of a transaction's end may be gone after the command. */
	const VariableSetStmt *set = settings_of(planned->utilityStmt);

	run_utility(planned, text, read_only_tree, context, params, environment,
				receiver, completion, is_of_ours(set) ? set : NULL);
	if (set != NULL)
		tell_dispatchers(planned->utilityStmt);
}

void
ga_setting_guard_init(void)
{
	next_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = watch_utility;
}
