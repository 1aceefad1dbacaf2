/*
 * user_store.c
 *		Statements on the user directory.
 *
 * A user is added at first sight and not overwritten afterwards: the app may
 * have corrected what the token said.
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/token_issuer.h"
#include "catalog/pg_type.h"
#include "store/plan_cache.h"
#include "store/role_store.h"
#include "store/group/user_row.h"
#include "store/group/user_store.h"
#include "utils/builtins.h"

void
ga_user_read_row(const GaOwnerScope *scope, uint64 row, GaUser *user)
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
	user->joined_at = ga_row_int64(row, 10, 0);
}

/* ---- whose the subject of a token is ------------------------------------ */

/*
 * The bare "sub" belongs to the issuer whose token was seen with it first; one
 * that put_user() entered to the first of group_api.token_issuers, or, where none
 * is set, to the first who writes.
 */
static bool
owns_bare_subject(const char *issuer, const char *first_seen)
{
	const char *list = ga_settings.token_issuers;
	bool is_first = ga_issuers_any(list) && ga_issuer_place(list, issuer) == 0;

	if (first_seen == NULL)
		return is_first || !ga_issuers_any(list);
	if (strcmp(first_seen, issuer) == 0)
		return true;
	/* An issuer that is no longer listed had another address then. */
	return is_first && ga_issuer_place(list, first_seen) < 0;
}

#define FIND_USER                                                              \
	"SELECT " GA_USER_COLUMNS ", issuer FROM group_api_private.users"          \
	" WHERE subject = $1"

/* The issuer in the row at hand; NULL: none is known. */
static const char *
row_issuer(const GaOwnerScope *scope)
{
	return ga_row_text(scope, 0, GA_USER_COLUMN_COUNT + 1);
}

/* The subject of the token's user while another issuer's has the bare one. */
static const char *
qualified_subject(const GaUser *user)
{
	return psprintf(GA_ISSUER_SUBJECT "%s#%s", user->issuer, user->subject);
}

static bool
find_subject(const GaOwnerScope *scope, const char *subject, GaUser *user,
			 const char **issuer)
{
	static GaPlan plan = {.sql = FIND_USER, .nargs = 1, .argtypes = {TEXTOID}};
	GaFound found = ga_user_row_of_subject(scope, subject, user, issuer);
	Datum values[1];

	if (found != GA_FOUND_UNKNOWN)
		return found == GA_FOUND_ONE;
	values[0] = CStringGetTextDatum(subject);
	if (ga_plan_read(&plan, values, NULL) == 0)
		return false;
	ga_user_read_row(scope, 0, user);
	*issuer = row_issuer(scope);
	return true;
}

/*
 * `first_seen` becomes the issuer in the row.  Without a row for the user
 * user->subject becomes the one under which it is to be added.
 */
static bool
find_person(const GaOwnerScope *scope, GaUser *user, const char **first_seen)
{
	for (;;)
	{
		bool is_bare = strncmp(user->subject, GA_ISSUER_SUBJECT,
							   strlen(GA_ISSUER_SUBJECT)) != 0;
		GaUser found = *user;

		if (!find_subject(scope, user->subject, &found, first_seen))
			return false;
		if (user->issuer == NULL || !is_bare ||
			owns_bare_subject(user->issuer, *first_seen))
		{
			*user = found;
			return true;
		}
		user->subject = qualified_subject(user);
	}
}

bool
ga_user_find(const GaOwnerScope *scope, GaUser *user)
{
	const char *first_seen;

	if (OidIsValid(user->role))
		return ga_role_find(scope, user);
	return find_person(scope, user, &first_seen);
}

/* ---- adding ------------------------------------------------------------- */

#define USER_TEXTS 9

static int64
put_user(GaPlan *plan, const GaUser *user)
{
	const char *texts[USER_TEXTS] = {
		user->subject, user->username, user->real_name,
		user->avatar,  user->email,	   user->mobile,
		user->locale,  user->ext_id,   user->issuer};
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
	" avatar, email, mobile, locale, ext_id, issuer)"                          \
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"

/* False when another issuer's user was added with this subject just now. */
static bool
add_person(const GaOwnerScope *scope, GaUser *user)
{
	/* The update of nothing makes the row known when another was faster. */
	static GaPlan plan = {
		.sql = INSERT_USER
		" ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject"
		" RETURNING " GA_USER_COLUMNS ", issuer",
		.nargs = USER_TEXTS,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
					 TEXTOID, TEXTOID, TEXTOID},
	};
	const char *issuer;

	(void) put_user(&plan, user);
	issuer = row_issuer(scope);
	if (user->issuer != NULL &&
		(issuer == NULL || strcmp(issuer, user->issuer) != 0))
		return false;
	ga_user_read_row(scope, 0, user);
	return true;
}

static void
note_issuer(const GaUser *user)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.users SET issuer = $2 WHERE id = $1",
		.nargs = 2,
		.argtypes = {INT8OID, TEXTOID},
	};
	Datum values[2] = {Int64GetDatum(user->id),
					   CStringGetTextDatum(user->issuer)};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}

void
ga_user_ensure(const GaOwnerScope *scope, GaUser *user)
{
	const char *first_seen = NULL;

	if (OidIsValid(user->role))
	{
		ga_role_ensure(scope, user);
		return;
	}
	if (find_person(scope, user, &first_seen))
	{
		if (user->issuer != NULL &&
			(first_seen == NULL || strcmp(first_seen, user->issuer) != 0))
			note_issuer(user);
	}
	else if (!add_person(scope, user))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the user is being entered into the directory by "
						"another request"),
				 errhint("Try again.")));
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
					 TEXTOID, TEXTOID, TEXTOID},
	};

	return put_user(&plan, user);
}

void
ga_users_find(const GaOwnerScope *scope, const int64 *ids, int count,
			  GaUser *users)
{
	static GaPlan plan = {
		.sql = "SELECT u.id, u.subject, u.username, u.real_name, u.ext_id,"
			   " u.avatar, u.email, u.mobile, u.locale, u.created_at, o.n"
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
	values[0] = ga_row_datum_array(datums, NULL, count, INT8OID);
	found = ga_plan_read(&plan, values, NULL);
	for (uint64 row = 0; row < found; row++)
		ga_user_read_row(
			scope, row,
			&users[ga_row_int64(row, GA_USER_COLUMN_COUNT + 1, 1) - 1]);
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
