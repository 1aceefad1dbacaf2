/*
 * user_row.c
 *		A user's row in the directory, found without a statement.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "store/group/user_row.h"
#include "store/owner.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

enum
{
	ID,
	SUBJECT,
	USERNAME,
	REAL_NAME,
	EXT_ID,
	AVATAR,
	EMAIL,
	MOBILE,
	LOCALE,
	CREATED_AT,
	ISSUER,
	ROLE_OID,
	ROLE_CLUSTER,
	USER_COLUMNS
};

static const GaColumn columns[USER_COLUMNS] = {
	{"id", INT8OID, true},	   {"subject", TEXTOID},
	{"username", TEXTOID},	   {"real_name", TEXTOID},
	{"ext_id", TEXTOID},	   {"avatar", TEXTOID},
	{"email", TEXTOID},		   {"mobile", TEXTOID},
	{"locale", TEXTOID},	   {"created_at", TIMESTAMPTZOID},
	{"issuer", TEXTOID},	   {"role_oid", OIDOID},
	{"role_cluster", INT8OID},
};

static GaTable users = {
	.name = "users",
	.column_count = USER_COLUMNS,
	.columns = columns,
};

/* Values are made in the memory of the scope's caller. */
static void
take_row(const Datum *values, const bool *nulls, GaUser *user)
{
	user->id = DatumGetInt64(values[ID]);
	user->subject = ga_table_value_text(values[SUBJECT], nulls[SUBJECT]);
	user->username = ga_table_value_text(values[USERNAME], nulls[USERNAME]);
	user->real_name = ga_table_value_text(values[REAL_NAME], nulls[REAL_NAME]);
	user->ext_id = ga_table_value_text(values[EXT_ID], nulls[EXT_ID]);
	user->avatar = ga_table_value_text(values[AVATAR], nulls[AVATAR]);
	user->email = ga_table_value_text(values[EMAIL], nulls[EMAIL]);
	user->mobile = ga_table_value_text(values[MOBILE], nulls[MOBILE]);
	user->locale = ga_table_value_text(values[LOCALE], nulls[LOCALE]);
	user->joined_at = DatumGetTimestampTz(values[CREATED_AT]);
}

GaFound
ga_user_row_of_subject(const GaOwnerScope *scope, const char *subject,
					   GaUser *user, const char **issuer)
{
	MemoryContext old = MemoryContextSwitchTo(scope->caller_context);
	const GaTableKey keys[1] = {{SUBJECT, CStringGetTextDatum(subject)}};
	Datum values[USER_COLUMNS];
	bool nulls[USER_COLUMNS];
	GaFound found =
		ga_table_find(&users, GA_TABLE_CALLERS, keys, 1, values, nulls);

	if (found == GA_FOUND_ONE)
	{
		take_row(values, nulls, user);
		*issuer = ga_table_value_text(values[ISSUER], nulls[ISSUER]);
	}
	MemoryContextSwitchTo(old);
	return found;
}

GaFound
ga_user_row_of_role(const GaOwnerScope *scope, GaTableMoment moment,
					GaUser *user)
{
	MemoryContext old = MemoryContextSwitchTo(scope->caller_context);
	const GaTableKey keys[2] = {
		{ROLE_OID, ObjectIdGetDatum(user->role)},
		{ROLE_CLUSTER, Int64GetDatum((int64) GetSystemIdentifier())}};
	const char *subject = user->subject;
	Datum values[USER_COLUMNS];
	bool nulls[USER_COLUMNS];
	GaFound found = ga_table_find(&users, moment, keys, 2, values, nulls);

	if (found == GA_FOUND_ONE &&
		strcmp(TextDatumGetCString(values[SUBJECT]), subject) == 0)
		take_row(values, nulls, user);
	else
		found = GA_FOUND_UNKNOWN;
	MemoryContextSwitchTo(old);
	return found;
}
