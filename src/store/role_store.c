/*
 * role_store.c
 *		Roles of the database in the user directory.
 *
 * A role is its oid: it stays itself when it is renamed, and a role that takes
 * the name of another one is somebody else.  In another cluster, after a dump
 * and a restore, oids mean nothing, so there a row counts by its name until it is
 * tied to that cluster: by the role's first write, or by adopt().  pg_upgrade keeps
 * the oids of roles, so a row of the cluster that it moved counts by its oid.
 *
 * Only writes change rows here, so a new name is noted with the role's next
 * write.  Locks: rows of users that bear the caller's own name; two first writes
 * of one role wait for each other.  The dispatcher skips what others hold.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "store/installation_store.h"
#include "store/plan_cache.h"
#include "store/role_store.h"
#include "store/group/user_row.h"
#include "utils/builtins.h"

/* Rounds of adding: another session is faster once, and rarely twice. */
#define TRIES 3

/*
 * $1 the cluster, $2 the role, $3 its subject, $4 the row in the directory, $5 the
 * cluster that pg_upgrade moved here; 0: none.
 */
#define ARGS 5
#define TYPES                                                                  \
	{                                                                          \
		INT8OID, OIDOID, TEXTOID, INT8OID, INT8OID                             \
	}

static void
fill_values(const GaUser *user, int64 former_cluster, Datum *values)
{
	values[0] = Int64GetDatum((int64) GetSystemIdentifier());
	values[1] = ObjectIdGetDatum(user->role);
	values[2] = CStringGetTextDatum(user->subject);
	values[3] = Int64GetDatum(user->id);
	values[4] = Int64GetDatum(former_cluster);
}

/* `is_current`: the row has the role's oid and present name. */
static bool
take_row(const GaOwnerScope *scope, uint64 found, GaUser *user,
		 bool *is_current)
{
	const char *subject = user->subject;

	if (found == 0)
		return false;
	ga_user_read_row(scope, 0, user);
	user->subject = subject;
	*is_current = ga_row_bool(0, GA_USER_COLUMN_COUNT + 1, false);
	return true;
}

#define FIND_ROLE                                                              \
	"SELECT " GA_USER_COLUMNS ", role_cluster = $1 AND subject = $3"           \
	" FROM (SELECT u.*, 1 AS place FROM group_api_private.users u"             \
	"  WHERE u.role_oid = $2 AND u.role_cluster = $1"                          \
	"  UNION ALL SELECT u.*, 2 FROM group_api_private.users u"                 \
	"  WHERE u.role_oid = $2 AND u.role_cluster = $5"                          \
	"  UNION ALL SELECT u.*, 3 FROM group_api_private.users u"                 \
	"  WHERE u.subject = $3 AND u.role_cluster NOT IN ($1, $5)) AS u"          \
	" ORDER BY place LIMIT 1"

bool
ga_role_find(const GaOwnerScope *scope, GaUser *user)
{
	static GaPlan plan = {.sql = FIND_ROLE, .nargs = ARGS, .argtypes = TYPES};
	Datum values[ARGS];
	bool is_current;

	if (ga_user_row_of_role(scope, GA_TABLE_CALLERS, user) == GA_FOUND_ONE)
		return true;
	fill_values(user, ga_installation_former_cluster(), values);
	return take_row(scope, ga_plan_read(&plan, values, NULL), user,
					&is_current);
}

/* Another role had the name. */
static void
take_name_from_others(Datum *values)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.users SET subject ="
			   " '" GA_FORMER_ROLE_SUBJECT "' || role_cluster || ':'"
			   " || role_oid || ':' || substr(subject, 6)"
			   " WHERE subject = $3 AND id <> $4",
		.nargs = ARGS,
		.argtypes = TYPES,
	};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}

static void
tie(Datum *values)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.users SET subject = $3,"
			   " role_cluster = $1, role_oid = $2 WHERE id = $4",
		.nargs = ARGS,
		.argtypes = TYPES,
	};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}

static void
add(Datum *values)
{
	/* Whichever index another session was faster in. */
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.users"
			   " (subject, role_oid, role_cluster) VALUES ($3, $2, $1)"
			   " ON CONFLICT DO NOTHING",
		.nargs = ARGS,
		.argtypes = TYPES,
	};

	ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
}

void
ga_role_ensure(const GaOwnerScope *scope, GaUser *user)
{
	/* Not in the caller's snapshot, and after what was added before. */
	static GaPlan find = {.sql = FIND_ROLE, .nargs = ARGS, .argtypes = TYPES};
	int64 former_cluster;

	if (ga_user_row_of_role(scope, GA_TABLE_NOW, user) == GA_FOUND_ONE)
		return;
	former_cluster = ga_installation_former_cluster();
	for (int try = 0; try < TRIES; try++)
	{
		Datum values[ARGS];
		bool is_current = false;
		bool found;

		fill_values(user, former_cluster, values);
		found = take_row(scope, ga_plan_run(&find, values, NULL, SPI_OK_SELECT),
						 user, &is_current);
		if (is_current)
			return;
		fill_values(user, former_cluster, values);
		take_name_from_others(values);
		if (found)
			tie(values);
		else
			add(values);
	}
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("the role is being entered into the directory by "
						   "another request"),
					errhint("Try again.")));
}

void
ga_roles_follow_upgrade(int64 former_cluster)
{
	/* What somebody holds now counts by its oid all the same. */
	static GaPlan plan = {
		.sql = "WITH old AS MATERIALIZED (SELECT u.ctid AS at"
			   "  FROM group_api_private.users u"
			   "  WHERE u.role_oid IS NOT NULL AND u.role_cluster = $2"
			   "   AND NOT EXISTS (SELECT FROM group_api_private.users o"
			   "    WHERE o.role_oid = u.role_oid AND o.role_cluster = $1)"
			   "  FOR UPDATE SKIP LOCKED)"
			   " UPDATE group_api_private.users u SET role_cluster = $1"
			   " FROM old WHERE u.ctid = old.at",
		.nargs = 2,
		.argtypes = {INT8OID, INT8OID},
	};
	Datum values[2] = {Int64GetDatum((int64) GetSystemIdentifier()),
					   Int64GetDatum(former_cluster)};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}

void
ga_roles_adopt(void)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.users u SET role_cluster = $1,"
			   " role_oid = r.oid FROM pg_catalog.pg_roles r"
			   " WHERE u.subject = '" GA_ROLE_SUBJECT "' || r.rolname"
			   "  AND u.role_cluster <> $1 AND NOT EXISTS ("
			   "   SELECT FROM group_api_private.users o"
			   "    WHERE o.role_oid = r.oid AND o.role_cluster = $1)",
		.nargs = 1,
		.argtypes = {INT8OID},
	};
	Datum values[1] = {Int64GetDatum((int64) GetSystemIdentifier())};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}
