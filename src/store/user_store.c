/*
 * user_store.c
 *		Statements on the user directory.
 *
 * A user is added at first sight and not overwritten afterwards: the app may
 * have corrected what the token said.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/plan_cache.h"
#include "store/user_store.h"
#include "utils/builtins.h"

#define USER_COLUMNS                                                           \
	"id, subject, username, real_name, ext_id, avatar, email, mobile, locale"

static void
read_user(const GaOwnerScope *scope, uint64 row, GaUser *user)
{
	user->id = ga_row_int64(row, 1, 0);
	user->subject = ga_row_text(scope, row, 2);
	user->username = ga_row_text(scope, row, 3);
	user->real_name = ga_row_text(scope, row, 4);
	user->ext_id = ga_row_text(scope, row, 5);
	user->avatar = ga_row_text(scope, row, 6);
	user->email = ga_row_text(scope, row, 7);
	user->mobile = ga_row_text(scope, row, 8);
	user->locale = ga_row_text(scope, row, 9);
}

bool
ga_user_find(const GaOwnerScope *scope, GaUser *user)
{
	static GaPlan plan = {
		.sql = "SELECT " USER_COLUMNS " FROM group_api_private.users"
			   " WHERE subject = $1",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	Datum values[1] = {CStringGetTextDatum(user->subject)};

	if (ga_plan_read(&plan, values, NULL) == 0)
		return false;
	read_user(scope, 0, user);
	return true;
}

#define USER_TEXTS 8

static int64
put_user(GaPlan *plan, const GaUser *user)
{
	const char *texts[USER_TEXTS] = {
		user->subject, user->username, user->real_name, user->avatar,
		user->email,   user->mobile,   user->locale,	user->ext_id};
	Datum values[USER_TEXTS];
	char nulls[USER_TEXTS];

	for (int i = 0; i < USER_TEXTS; i++)
	{
		nulls[i] = texts[i] == NULL ? 'n' : ' ';
		values[i] =
			texts[i] == NULL ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	ga_plan_run(plan, values, nulls, SPI_OK_INSERT_RETURNING);
	return ga_row_int64(0, 1, 0);
}

#define INSERT_USER                                                            \
	"INSERT INTO group_api_private.users AS u (subject, username, real_name,"  \
	" avatar, email, mobile, locale, ext_id)"                                  \
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"

void
ga_user_add(const GaOwnerScope *scope, GaUser *user)
{
	/* The update of nothing makes the row known when another was faster. */
	static GaPlan plan = {
		.sql = INSERT_USER
		" ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject"
		" RETURNING " USER_COLUMNS,
		.nargs = USER_TEXTS,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
					 TEXTOID, TEXTOID},
	};

	(void) put_user(&plan, user);
	read_user(scope, 0, user);
}

int64
ga_user_put(const GaUser *user)
{
	static GaPlan plan = {
		.sql = INSERT_USER
		" ON CONFLICT (subject) DO UPDATE SET"
		"  username = coalesce(excluded.username, u.username),"
		"  real_name = coalesce(excluded.real_name, u.real_name),"
		"  avatar = coalesce(excluded.avatar, u.avatar),"
		"  email = coalesce(excluded.email, u.email),"
		"  mobile = coalesce(excluded.mobile, u.mobile),"
		"  locale = coalesce(excluded.locale, u.locale),"
		"  ext_id = coalesce(excluded.ext_id, u.ext_id) RETURNING id",
		.nargs = USER_TEXTS,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
					 TEXTOID, TEXTOID},
	};

	return put_user(&plan, user);
}

void
ga_users_find(const GaOwnerScope *scope, const int64 *ids, int count,
			  GaUser *users)
{
	static GaPlan plan = {
		.sql = "SELECT u.id, u.subject, u.username, u.real_name, u.ext_id,"
			   " u.avatar, u.email, u.mobile, u.locale, o.n"
			   " FROM unnest($1) WITH ORDINALITY AS o (id, n)"
			   " JOIN group_api_private.users u ON u.id = o.id",
		.nargs = 1,
		.argtypes = {INT8ARRAYOID},
	};
	Datum *datums = palloc(sizeof(Datum) * Max(count, 1));
	Datum values[1];
	uint64 found;

	memset(users, 0, sizeof(GaUser) * count);
	for (int i = 0; i < count; i++)
		datums[i] = Int64GetDatum(ids[i]);
	values[0] = ga_datum_array(datums, NULL, count, INT8OID);
	found = ga_plan_read(&plan, values, NULL);
	for (uint64 row = 0; row < found; row++)
		read_user(scope, row, &users[ga_row_int64(row, 10, 1) - 1]);
}

const char *
ga_user_display_name(const GaUser *user)
{
	if (user->real_name != NULL && user->real_name[0] != '\0')
		return user->real_name;
	if (user->username != NULL && user->username[0] != '\0')
		return user->username;
	return NULL;
}
