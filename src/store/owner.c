/*
 * owner.c
 *		The bracket around every statement of the store.
 *
 * The functions callers may execute hold no rights on the tables; these
 * switch to the owner instead, under SECURITY_RESTRICTED_OPERATION, and pin
 * search_path so that neither a caller's nor a database's setting can put an
 * operator or a function of its own in front of ours.  So are settings pinned that
 * would show what runs inside or change its meaning (store/pinned_settings).
 */
#include "postgres.h"

#include "base/extension.h"
#include "base/guc.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "store/owner.h"
#include "store/pinned_settings.h"
#include "store/table/extension_owner.h"
#include "utils/guc.h"

Oid
ga_owner(void)
{
	return ga_extension_table_owner();
}

void (*ga_on_lock_timeout)(void) = NULL;

static void
tell_lock_timeout(void *arg)
{
	if (geterrcode() == ERRCODE_LOCK_NOT_AVAILABLE &&
		ga_on_lock_timeout != NULL)
		ga_on_lock_timeout();
}

/* Whoever holds a lock, no caller waits for it longer than the setting says. */
static void
bound_waits(GaOwnerScope *scope)
{
	char value[16];

	scope->on_error.callback = tell_lock_timeout;
	scope->on_error.arg = NULL;
	scope->on_error.previous = error_context_stack;
	error_context_stack = &scope->on_error;
	if (LockTimeout > 0 && LockTimeout <= ga_settings.lock_timeout)
		return;
	snprintf(value, sizeof(value), "%d", ga_settings.lock_timeout);
	(void) set_config_option("lock_timeout", value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Row security is forced on the tables, and the passwords in user mappings are
 * for superusers: without, statements fail or find nothing.
 */
bool
ga_owner_can_serve(Oid owner)
{
	return superuser_arg(owner);
}

/* To make whoever was given a table a superuser would be the wrong cure. */
static bool
was_given_away(Oid owner)
{
	return owner != ga_extension_owner();
}

const char *
ga_owner_fault(Oid owner)
{
	return was_given_away(owner)
			   ? "group_api_private.invitations, a table of extension "
				 "group_api, belongs to another role than the extension"
			   : "the owner of extension group_api is not a superuser";
}

static void
refuse_owner(Oid owner)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s", ga_owner_fault(owner)),
			 errdetail_log("The owner is role \"%s\".",
						   GetUserNameFromId(owner, true)),
			 was_given_away(owner)
				 ? errhint("ALTER TABLE group_api_private.invitations OWNER TO "
						   "...; SELECT * FROM group_api.health(); has the "
						   "command for each such table.")
				 : errhint("ALTER ROLE ... SUPERUSER; SELECT * FROM "
						   "group_api.health(); names the role.")));
}

static void
refuse_without_tables(void)
{
	if (OidIsValid(ga_extension_oid()))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("group_api_private.invitations, a table of extension "
						"group_api, was moved or renamed"),
				 errhint("ALTER TABLE or ALTER SCHEMA ... RENAME or SET SCHEMA "
						 "gives it back its name.")));
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("extension group_api is not installed in this "
						   "database"),
					errhint("CREATE EXTENSION group_api;")));
}

void
ga_owner_enter(GaOwnerScope *scope)
{
	Oid owner = ga_owner();

	if (!OidIsValid(owner))
		refuse_without_tables();
	ga_extension_require();
	if (!ga_owner_can_serve(owner))
		refuse_owner(owner);
	scope->caller_context = CurrentMemoryContext;
	GetUserIdAndSecContext(&scope->user, &scope->security);
	scope->guc_level = NewGUCNestLevel();
	ga_settings_pin();
	bound_waits(scope);
	SetUserIdAndSecContext(owner, scope->security |
									  SECURITY_LOCAL_USERID_CHANGE |
									  SECURITY_RESTRICTED_OPERATION);
	if (SPI_connect() != SPI_OK_CONNECT)
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not connect to SPI")));
}

void
ga_owner_leave(GaOwnerScope *scope)
{
	error_context_stack = scope->on_error.previous;
	SPI_finish();
	SetUserIdAndSecContext(scope->user, scope->security);
	AtEOXact_GUC(false, scope->guc_level);
}
