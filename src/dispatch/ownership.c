/*
 * ownership.c
 *		Whether this dispatcher may send: whose data these are, and what the
 *		operator froze.
 *
 * A process gets the settings of its database when it connects.  PostgreSQL
 * applies later ones to new sessions only, so a dispatcher whose settings changed
 * ends and its successor has them.
 *
 * Locks: rows of the identity, of roles and of consumers, skipping what others hold.  Roles and
 * consumers are rarely written, so their tables are locked only then, without waiting.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/extension.h"
#include "base/guc.h"
#include "commands/dbcommands.h"
#include "dispatch/ownership.h"
#include "dispatch/own_slot.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "store/database_settings.h"
#include "store/events/consumer_store.h"
#include "store/role_store.h"
#include "utils/memutils.h"

static bool is_ours;	/* the data belong to this database */
static bool is_foreign; /* the data belong to another one */
static bool
	roles_are_kept; /* tried once; what was in the way waits for the next start */

static void
say_moved(void)
{
	ereport(
		WARNING,
		(errmsg("the data of database \"%s\" were moved here by pg_upgrade "
				"and stay this database's own",
				get_database_name(MyDatabaseId)),
		 errdetail("Invitations that wait are sent, and links that were "
				   "sent before are valid."),
		 errhint("If it was a copy that was upgraded, or if the old cluster "
				 "is started again, both send: set group_api.dispatch = off "
				 "in one of them.")));
}

static void
say_foreign(void)
{
	static bool is_told = false;

	if (!is_told)
		ereport(WARNING,
				(errmsg("the data of database \"%s\" come from another one: "
						"nothing is sent",
						get_database_name(MyDatabaseId)),
				 errhint("SELECT group_api.adopt(dry_run => true); says what "
						 "would be sent, SELECT group_api.adopt(); sends it. "
						 "See docs/upgrade-postgresql.md.")));
	is_told = true;
}

static bool
may_write(const char *table)
{
	return ConditionalLockRelationOid(ga_extension_table(table),
									  RowExclusiveLock);
}

/*
 * Rows of the former cluster count by their oids until another pg_upgrade at most, so
 * what was locked when the data were taken over is noted at a later start.
 */
static void
keep_roles(void)
{
	int64 former_cluster =
		roles_are_kept ? 0 : ga_installation_former_cluster();

	if (former_cluster != 0 && may_write("users"))
		ga_roles_follow_upgrade(former_cluster);
	if (former_cluster != 0 && may_write("consumers"))
		ga_consumers_follow_upgrade(former_cluster);
}

GaOrigin
ga_ownership_read(void)
{
	GaOrigin origin = ga_installation_origin();

	if (origin == GA_ORIGIN_OWN || origin == GA_ORIGIN_MOVED)
		keep_roles();
	if (origin == GA_ORIGIN_MOVED && ga_installation_take_over())
	{
		say_moved();
		return GA_ORIGIN_OWN;
	}
	if (origin == GA_ORIGIN_FOREIGN)
	{
		ga_installation_disown();
		say_foreign();
	}
	return origin;
}

void
ga_ownership_note(GaOrigin origin)
{
	is_ours = origin == GA_ORIGIN_OWN;
	is_foreign = origin == GA_ORIGIN_FOREIGN;
	roles_are_kept = roles_are_kept || is_ours;
}

bool
ga_ownership_is_ours(void)
{
	return is_ours;
}

bool
ga_ownership_is_foreign(void)
{
	return is_foreign;
}

bool
ga_dispatch_is_frozen(void)
{
	return DefaultXactReadOnly && !ga_settings.dispatch_when_read_only;
}

bool
ga_dispatch_is_on(void)
{
	if (!ga_settings.dispatch)
		ga_own_slot_note(GA_TROUBLE_OFF);
	else if (ga_dispatch_is_frozen())
		ga_own_slot_note(GA_TROUBLE_READ_ONLY);
	else
		return true;
	return false;
}

bool
ga_ownership_may_send(void)
{
	if (!ga_dispatch_is_on())
		return false;
	if (!is_ours)
		ga_own_slot_note(GA_TROUBLE_FOREIGN);
	return is_ours;
}

bool
ga_ownership_settings_changed(void)
{
	static char *known = NULL;
	char *now = ga_database_settings_read();

	if (known != NULL)
		return strcmp(known, now) != 0;
	known = MemoryContextStrdup(TopMemoryContext, now);
	/* Between this process's connecting and now: it may have the old ones. */
	return pg_atomic_read_u32(&ga_own_slot->settings_changed) != 0;
}
