/*
 * cap_store.c
 *		Counting against the daily caps, and the cool-down of resends.
 *
 * Only the one dispatcher of a database counts sends, so no two count at once.
 *
 * Locks: rows of sends and resends only; two resends to one contact at the same
 * moment wait for each other.
 */
#include "postgres.h"

#include "base/guc.h"
#include "catalog/pg_type.h"
#include "store/cap_store.h"
#include "store/contact_hash.h"
#include "store/plan_cache.h"
#include "utils/date.h"
#include "utils/timestamp.h"

/* Removed in one go: some milliseconds. */
#define TRIM_ROWS 10000

/* The claims that count against one of the caps, as columns. */
typedef struct Keys
{
	int count;
	int *places; /* index among the claims */
	Datum *keys;
	Datum *groups;
	Datum *numbers;
	Datum *versions;
} Keys;

static Keys
new_keys(int count)
{
	Keys keys = {0};

	keys.places = palloc(sizeof(int) * count);
	keys.keys = palloc(sizeof(Datum) * count);
	keys.groups = palloc(sizeof(Datum) * count);
	keys.numbers = palloc(sizeof(Datum) * count);
	keys.versions = palloc(sizeof(Datum) * count);
	return keys;
}

static void
add_key(Keys *keys, const GaClaim *claims, int place, Datum key)
{
	const GaClaim *claim = &claims[place];

	keys->places[keys->count] = place;
	keys->keys[keys->count] = key;
	keys->groups[keys->count] = UUIDPGetDatum(&claim->group_id);
	keys->numbers[keys->count] = Int32GetDatum(claim->number);
	keys->versions[keys->count] = Int16GetDatum((int16) claim->link_version);
	keys->count++;
}

static bool
is_wanted(const GaClaim *claim)
{
	return claim->suppressed == NULL && claim->later == 0;
}

static Keys
recipient_keys(GaChannel channel, const GaClaim *claims, int count)
{
	Keys keys = new_keys(count);
	GaChannel *channels = palloc(sizeof(GaChannel) * count);
	const char **contacts = palloc(sizeof(char *) * count);
	Datum *hashes = palloc(sizeof(Datum) * count);

	for (int i = 0; i < count; i++)
	{
		channels[i] = channel;
		contacts[i] = claims[i].contact;
	}
	ga_contact_hashes_make(count, channels, contacts, hashes);
	for (int i = 0; i < count; i++)
		if (is_wanted(&claims[i]))
			add_key(&keys, claims, i, hashes[i]);
	return keys;
}

/* Shorter than a hash, so the two kinds of keys never meet. */
static Keys
inviter_keys(const GaClaim *claims, int count)
{
	Keys keys = new_keys(count);

	for (int i = 0; i < count; i++)
	{
		bytea *key;

		if (!is_wanted(&claims[i]))
			continue;
		key = palloc(VARHDRSZ + sizeof(int64));
		SET_VARSIZE(key, VARHDRSZ + sizeof(int64));
		memcpy(VARDATA(key), &claims[i].created_by, sizeof(int64));
		add_key(&keys, claims, i, PointerGetDatum(key));
	}
	return keys;
}

static void
fill_values(const Keys *keys, DateADT day, Datum *values)
{
	values[0] = ga_datum_array(keys->keys, NULL, keys->count, BYTEAOID);
	values[1] = ga_datum_array(keys->groups, NULL, keys->count, UUIDOID);
	values[2] = ga_datum_array(keys->numbers, NULL, keys->count, INT4OID);
	values[3] = ga_datum_array(keys->versions, NULL, keys->count, INT2OID);
	values[4] = DateADTGetDatum(day);
}

#define KEYS_1_TO_4                                                            \
	"unnest($1, $2, $3, $4) WITH ORDINALITY"                                   \
	" AS o (key, group_id, number, link_version, n)"

/* No join of the claims with the keys: the dispatcher has nested loops only.
 * Those over the cap get `later`; what was counted before stays admitted. */
static void
refuse_over_cap(const Keys *keys, GaClaim *claims, DateADT day, int cap,
				TimestampTz tomorrow, const char *reason)
{
	static GaPlan plan = {
		.sql = "WITH o AS MATERIALIZED (SELECT o.*, EXISTS (SELECT"
			   "   FROM group_api_private.sends s WHERE s.key = o.key"
			   "    AND s.day = $5 AND s.group_id = o.group_id"
			   "    AND s.number = o.number"
			   "    AND s.link_version = o.link_version) AS is_counted"
			   "  FROM " KEYS_1_TO_4 "),"
			   " k AS MATERIALIZED (SELECT key, array_agg(n ORDER BY n) AS ns"
			   "  FROM o WHERE NOT is_counted GROUP BY key),"
			   " c AS MATERIALIZED (SELECT k.ns, (SELECT count(*)"
			   "   FROM group_api_private.sends s WHERE s.key = k.key"
			   "    AND s.day = $5) AS counted FROM k)"
			   " SELECT p.n::int4 FROM c, unnest(c.ns) WITH ORDINALITY"
			   "   AS p (n, place) WHERE c.counted + p.place > $6",
		.nargs = 6,
		.argtypes = {BYTEAARRAYOID, UUIDARRAYOID, INT4ARRAYOID, INT2ARRAYOID,
					 DATEOID, INT8OID},
	};
	Datum values[6];
	uint64 refused;

	if (keys->count == 0)
		return;
	fill_values(keys, day, values);
	values[5] = Int64GetDatum(cap);
	refused = ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	for (uint64 row = 0; row < refused; row++)
	{
		int at = keys->places[ga_row_int32(row, 1, 1) - 1];

		claims[at].later = tomorrow;
		claims[at].later_reason = reason;
	}
}

/* What is counted, by whom and when. */
typedef struct Count
{
	const Keys *keys;
	const GaClaim *claims;
	DateADT day;
} Count;

/* Part of ga_run_without_waiting(). */
static void
count_admitted(const void *arg)
{
	const Count *count = arg;
	const Keys *keys = count->keys;
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.sends (day, key, group_id,"
			   "  number, link_version)"
			   " SELECT $5, key, group_id, number, link_version"
			   " FROM " KEYS_1_TO_4 " ON CONFLICT DO NOTHING",
		.no_wait = GA_MAY_MEET_A_LOCK("part of ga_run_without_waiting()"),
		.nargs = 5,
		.argtypes = {BYTEAARRAYOID, UUIDARRAYOID, INT4ARRAYOID, INT2ARRAYOID,
					 DATEOID},
	};
	Keys admitted = new_keys(Max(keys->count, 1));
	Datum values[5];

	for (int i = 0; i < keys->count; i++)
		if (is_wanted(&count->claims[keys->places[i]]))
			add_key(&admitted, count->claims, keys->places[i], keys->keys[i]);
	if (admitted.count == 0)
		return;
	fill_values(&admitted, count->day, values);
	ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
}

void
ga_caps_take(GaChannel channel, GaClaim *claims, int count, TimestampTz now)
{
	/* The epoch of both types begins a day of UTC. */
	DateADT day = (DateADT) (now / USECS_PER_DAY);
	TimestampTz tomorrow = ((TimestampTz) day + 1) * USECS_PER_DAY;
	Keys recipients = {0};
	Keys inviters = {0};

	if (count == 0)
		return;
	if (ga_settings.recipient_daily_cap > 0)
	{
		recipients = recipient_keys(channel, claims, count);
		refuse_over_cap(&recipients, claims, day,
						ga_settings.recipient_daily_cap, tomorrow,
						"later: this contact has had as many invitations today "
						"as group_api.recipient_daily_cap allows");
	}
	if (ga_settings.inviter_daily_cap > 0)
	{
		inviters = inviter_keys(claims, count);
		refuse_over_cap(&inviters, claims, day, ga_settings.inviter_daily_cap,
						tomorrow,
						"later: the leader's groups have sent as many "
						"invitations today as group_api.inviter_daily_cap "
						"allows");
	}
	/* What somebody writes to the counts by hand must not stop the queue. */
	if (recipients.count > 0)
		(void) ga_run_without_waiting(count_admitted,
									  &(Count){&recipients, claims, day});
	if (inviters.count > 0)
		(void) ga_run_without_waiting(count_admitted,
									  &(Count){&inviters, claims, day});
}

bool
ga_resend_take(GaChannel channel, const char *contact, int *wait_s)
{
	static GaPlan take = {
		.sql = "INSERT INTO group_api_private.resends AS r (contact_hash, at)"
			   " VALUES ($1, now()) ON CONFLICT (contact_hash)"
			   " DO UPDATE SET at = now()"
			   "  WHERE r.at <= now() - make_interval(secs => $2)",
		.nargs = 2,
		.argtypes = {BYTEAOID, FLOAT8OID},
	};
	static GaPlan look = {
		.sql = "SELECT greatest(1, ceil($2 - extract(epoch FROM"
			   "  now() - at)))::int4"
			   " FROM group_api_private.resends WHERE contact_hash = $1",
		.nargs = 2,
		.argtypes = {BYTEAOID, FLOAT8OID},
	};
	Datum values[2];

	ga_contact_hashes_make(1, &channel, &contact, &values[0]);
	values[1] = Float8GetDatum((double) ga_settings.resend_cooldown);
	if (ga_plan_run(&take, values, NULL, SPI_OK_INSERT) > 0)
		return true;
	*wait_s = ga_settings.resend_cooldown;
	if (ga_plan_run(&look, values, NULL, SPI_OK_SELECT) > 0)
		*wait_s = ga_row_int32(0, 1, *wait_s);
	return false;
}

bool
ga_caps_trim(void)
{
	static GaPlan sends = {
		.sql = "DELETE FROM group_api_private.sends WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.sends"
			   "  WHERE day < (now() AT TIME ZONE 'UTC')::date LIMIT $1"
			   "  FOR UPDATE SKIP LOCKED))",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	static GaPlan resends = {
		.sql = "DELETE FROM group_api_private.resends WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.resends"
			   "  WHERE at < now() - interval '8 days'"
			   "  FOR UPDATE SKIP LOCKED))",
	};

	Datum values[1] = {Int32GetDatum(TRIM_ROWS)};

	ga_plan_run(&resends, NULL, NULL, SPI_OK_DELETE);
	return ga_plan_run(&sends, values, NULL, SPI_OK_DELETE) == TRIM_ROWS;
}
