/*
 * database_settings.c
 *		What ALTER DATABASE and ALTER ROLE set for the dispatcher of this database.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "store/database_settings.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"

char *
ga_database_settings_read(void)
{
	/* A worker without a role of its own is the bootstrap superuser. */
	static GaPlan plan = {
		.sql =
			"SELECT coalesce(string_agg(concat_ws(':', setdatabase, setrole,"
			"  setting), chr(10) ORDER BY setdatabase, setrole, setting), '')"
			" FROM pg_catalog.pg_db_role_setting, unnest(setconfig) setting"
			" WHERE setdatabase IN (0, $1) AND setrole IN (0, $2)"
			"  AND (setting LIKE 'group\\_api.%'"
			"   OR setting LIKE 'default\\_transaction\\_read\\_only=%')",
		.nargs = 2,
		.argtypes = {OIDOID, OIDOID},
	};
	Datum values[2] = {ObjectIdGetDatum(MyDatabaseId),
					   ObjectIdGetDatum(BOOTSTRAP_SUPERUSERID)};
	bool isnull;

	ga_plan_read(&plan, values, NULL);
	return TextDatumGetCString(ga_row_datum(0, 1, &isnull));
}
