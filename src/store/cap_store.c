/*
 * cap_store.c
 *		Counting against the daily caps, and the cool-down of resends.
 *
 * Only the one dispatcher of a database counts sends, so no two count at once.  It
 * adds rows and changes none, and there is no unique index: nobody's transaction is
 * waited for.  A claim costs one look into the index and one row.
 *
 * Locks: none on sends, but those of trimming; rows of resends: two resends to one
 * contact at the same moment wait for each other.
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

/* Of other leaders, too: so others than operators are told less (api/disclosure). */
const char ga_cap_recipient_words[] =
	"later: this contact has had as many invitations today as "
	"group_api.recipient_daily_cap allows";

/* What was sent to a contact, or for a leader, before these claims. */
typedef struct History
{
	bool is_counted;  /* this very message, today: a retry counts once */
	int64 today;	  /* by all leaders */
	int64 of_leader;  /* of them */
	TimestampTz last; /* by this leader, or still to come; 0: none since
					   * yesterday */
} History;

/* The claims by what they count against. */
typedef struct Keys
{
	int count;
	Datum *keys; /* one a claim */
	History *histories;
	TimestampTz *times; /* when it counts, now or later; 0: not by this call */
	int *
		order; /* places among the claims: by key, leader and what is due first */
} Keys;

static bool
is_wanted(const GaClaim *claim)
{
	return claim->suppressed == NULL && claim->later == 0;
}

static Datum *
recipient_keys(GaChannel channel, const GaClaim *claims, int count)
{
	GaChannel *channels = palloc(sizeof(GaChannel) * count);
	const char **contacts = palloc(sizeof(char *) * count);
	Datum *keys = palloc(sizeof(Datum) * count);

	for (int i = 0; i < count; i++)
	{
		channels[i] = channel;
		contacts[i] = claims[i].contact;
	}
	ga_contact_hashes_make(count, channels, contacts, keys);
	return keys;
}

/* Shorter than a hash, so the two kinds of keys never meet. */
static Datum *
leader_keys(const GaClaim *claims, int count)
{
	Datum *keys = palloc(sizeof(Datum) * count);

	for (int i = 0; i < count; i++)
	{
		bytea *key = palloc(VARHDRSZ + sizeof(int64));

		SET_VARSIZE(key, VARHDRSZ + sizeof(int64));
		memcpy(VARDATA(key), &claims[i].created_by, sizeof(int64));
		keys[i] = PointerGetDatum(key);
	}
	return keys;
}

static int
compare_keys(Datum a, Datum b)
{
	const bytea *first = (const bytea *) DatumGetPointer(a);
	const bytea *second = (const bytea *) DatumGetPointer(b);

	Assert(VARSIZE(first) == VARSIZE(second));
	return memcmp(VARDATA(first), VARDATA(second), VARSIZE(first) - VARHDRSZ);
}

typedef struct Ordering
{
	const GaClaim *claims;
	const Datum *keys;
} Ordering;

static int
compare_places(const void *a, const void *b, void *arg)
{
	const Ordering *ordering = arg;
	int first = *(const int *) a;
	int second = *(const int *) b;
	int order = compare_keys(ordering->keys[first], ordering->keys[second]);
	const GaClaim *claim = &ordering->claims[first];
	const GaClaim *other = &ordering->claims[second];

	if (order != 0)
		return order;
	if (claim->created_by != other->created_by)
		return claim->created_by < other->created_by ? -1 : 1;
	if (claim->due != other->due)
		return claim->due < other->due ? -1 : 1;
	return (first > second) - (first < second);
}

/* The first five of both statements. */
static void
fill_values(const Keys *keys, const GaClaim *claims, const int *places,
			int count, Datum *values)
{
	Datum *columns[5];

	for (int i = 0; i < lengthof(columns); i++)
		columns[i] = palloc(sizeof(Datum) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		const GaClaim *claim = &claims[places[i]];

		columns[0][i] = keys->keys[places[i]];
		columns[1][i] = Int64GetDatum(claim->created_by);
		columns[2][i] = UUIDPGetDatum(&claim->group_id);
		columns[3][i] = Int32GetDatum(claim->number);
		columns[4][i] = Int16GetDatum((int16) claim->link_version);
	}
	values[0] = ga_datum_array(columns[0], NULL, count, BYTEAOID);
	values[1] = ga_datum_array(columns[1], NULL, count, INT8OID);
	values[2] = ga_datum_array(columns[2], NULL, count, UUIDOID);
	values[3] = ga_datum_array(columns[3], NULL, count, INT4OID);
	values[4] = ga_datum_array(columns[4], NULL, count, INT2OID);
}

/* Most contacts have none: they cost one look into the index and no row. */
static void
read_histories(Keys *keys, const GaClaim *claims, DateADT day)
{
	static GaPlan plan = {
		.sql = "SELECT o.n::int4, s.is_counted, s.today, s.of_leader, s.last"
			   " FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY"
			   "  AS o (key, leader, group_id, number, link_version, n),"
			   " LATERAL (SELECT"
			   "  bool_or(s.day = $6 AND s.group_id = o.group_id"
			   "   AND s.number = o.number"
			   "   AND s.link_version = o.link_version) AS is_counted,"
			   "  count(*) FILTER (WHERE s.day = $6) AS today,"
			   "  count(*) FILTER (WHERE s.day = $6"
			   "   AND s.leader = o.leader) AS of_leader,"
			   "  max(s.at) FILTER (WHERE s.leader = o.leader) AS last"
			   "  FROM group_api_private.sends s"
			   "  WHERE s.key = o.key AND s.day >= $6 - 1"
			   "  HAVING count(*) > 0) AS s",
		.nargs = 6,
		.argtypes = {BYTEAARRAYOID, INT8ARRAYOID, UUIDARRAYOID, INT4ARRAYOID,
					 INT2ARRAYOID, DATEOID},
	};
	int *places = palloc(sizeof(int) * keys->count);
	Datum values[6];
	uint64 found;

	for (int i = 0; i < keys->count; i++)
		places[i] = i;
	fill_values(keys, claims, places, keys->count, values);
	values[5] = DateADTGetDatum(day);
	found = ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	for (uint64 row = 0; row < found; row++)
	{
		History *history = &keys->histories[ga_row_int32(row, 1, 1) - 1];

		history->is_counted = ga_row_bool(row, 2, false);
		history->today = ga_row_int64(row, 3, 0);
		history->of_leader = ga_row_int64(row, 4, 0);
		history->last = ga_row_int64(row, 5, 0);
	}
}

static Keys
prepare(Datum *datums, const GaClaim *claims, int count, DateADT day)
{
	Keys keys = {.count = count, .keys = datums};
	Ordering ordering = {claims, datums};

	keys.histories = palloc0(sizeof(History) * count);
	keys.times = palloc0(sizeof(TimestampTz) * count);
	keys.order = palloc(sizeof(int) * count);
	for (int i = 0; i < count; i++)
		keys.order[i] = i;
	qsort_arg(keys.order, count, sizeof(int), compare_places, &ordering);
	read_histories(&keys, claims, day);
	return keys;
}

/* What counts, but for what another cap has put off. */
static void
count_admitted(const Keys *keys, const GaClaim *claims)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.sends (key, leader, group_id,"
			   "  number, link_version, at, day)"
			   " SELECT key, leader, group_id, number, link_version, at,"
			   "  (at AT TIME ZONE 'UTC')::date"
			   " FROM unnest($1, $2, $3, $4, $5, $6)"
			   "  AS o (key, leader, group_id, number, link_version, at)",
		.nargs = 6,
		.argtypes = {BYTEAARRAYOID, INT8ARRAYOID, UUIDARRAYOID, INT4ARRAYOID,
					 INT2ARRAYOID, TIMESTAMPTZARRAYOID},
	};
	int *places = palloc(sizeof(int) * keys->count);
	Datum *times = palloc(sizeof(Datum) * keys->count);
	int count = 0;
	Datum values[6];

	for (int i = 0; i < keys->count; i++)
		if (keys->times[i] != 0 &&
			(claims[i].later == 0 || claims[i].later == keys->times[i]))
		{
			times[count] = TimestampTzGetDatum(keys->times[i]);
			places[count++] = i;
		}
	if (count == 0)
		return;
	fill_values(keys, claims, places, count, values);
	values[5] = ga_datum_array(times, NULL, count, TIMESTAMPTZOID);
	ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
}

/* ---- what waits --------------------------------------------------------- */

typedef struct Moment
{
	TimestampTz now;
	TimestampTz tomorrow;
} Moment;

static void
put_off(GaClaim *claim, TimestampTz until, const char *reason)
{
	claim->later = until;
	claim->later_reason = reason;
}

/* The claims to the same contact that were judged before, of the same call. */
typedef struct Before
{
	int admitted;	  /* by all leaders */
	int of_leader;	  /* of them */
	TimestampTz last; /* of this leader; 0: none */
} Before;

/*
 * When it may leave: a first message that comes too soon takes the next free
 * moment, and counts from now on; a resend has a limit of its own.
 */
static TimestampTz
next_moment(const GaClaim *claim, const History *history, const Before *before,
			TimestampTz now)
{
	TimestampTz last = before->last != 0 ? before->last : history->last;

	if (last == 0 || ga_settings.invitation_cooldown == 0 ||
		claim->link_version > 1)
		return now;
	return Max(now, last + ga_settings.invitation_cooldown * USECS_PER_SEC);
}

/* When it counts; 0: not today. */
static TimestampTz
judge_recipient(GaClaim *claim, const History *history, Before *before,
				const Moment *moment)
{
	int cap = ga_settings.recipient_daily_cap;
	int leaders_cap = ga_settings.inviter_recipient_daily_cap;
	TimestampTz at = next_moment(claim, history, before, moment->now);

	if (cap > 0 && history->today + before->admitted >= cap)
		put_off(claim, moment->tomorrow, ga_cap_recipient_words);
	else if (leaders_cap > 0 &&
			 history->of_leader + before->of_leader >= leaders_cap)
		put_off(claim, moment->tomorrow,
				"later: the leader's groups have sent this contact as many "
				"invitations today as group_api.inviter_recipient_daily_cap "
				"allows");
	else if (at > moment->now)
		put_off(claim, Min(at, moment->tomorrow),
				"later: the leader's groups sent this contact an invitation a "
				"moment ago (group_api.invitation_cooldown)");
	if (claim->later >= moment->tomorrow)
		return 0;
	before->admitted++;
	before->of_leader++;
	before->last = at;
	return at;
}

static void
judge_recipients(const Keys *keys, GaClaim *claims, const Moment *moment)
{
	Before before = {0};

	for (int i = 0; i < keys->count; i++)
	{
		int place = keys->order[i];
		int last = keys->order[Max(i - 1, 0)];
		const History *history = &keys->histories[place];

		if (compare_keys(keys->keys[place], keys->keys[last]) != 0)
			memset(&before, 0, sizeof(before));
		else if (claims[place].created_by != claims[last].created_by)
		{
			before.of_leader = 0;
			before.last = 0;
		}
		if (is_wanted(&claims[place]) && !history->is_counted)
			keys->times[place] =
				judge_recipient(&claims[place], history, &before, moment);
	}
}

static void
judge_leaders(const Keys *keys, GaClaim *claims, const Moment *moment)
{
	int admitted = 0;

	for (int i = 0; i < keys->count; i++)
	{
		int place = keys->order[i];
		int last = keys->order[Max(i - 1, 0)];
		const History *history = &keys->histories[place];

		if (claims[place].created_by != claims[last].created_by)
			admitted = 0;
		if (!is_wanted(&claims[place]) || history->is_counted)
			continue;
		if (history->today + admitted < ga_settings.inviter_daily_cap)
		{
			admitted++;
			keys->times[place] = moment->now;
		}
		else
			put_off(&claims[place], moment->tomorrow,
					"later: the leader's groups have sent as many invitations "
					"today as group_api.inviter_daily_cap allows");
	}
}

void
ga_caps_take(GaChannel channel, GaClaim *claims, int count, TimestampTz now)
{
	/* The epoch of both types begins a day of UTC. */
	DateADT day = (DateADT) (now / USECS_PER_DAY);
	Moment moment = {now, ((TimestampTz) day + 1) * USECS_PER_DAY};
	Keys recipients = {0};
	Keys leaders = {0};

	if (count == 0)
		return;
	if (ga_settings.recipient_daily_cap > 0 ||
		ga_settings.inviter_recipient_daily_cap > 0 ||
		ga_settings.invitation_cooldown > 0)
	{
		recipients =
			prepare(recipient_keys(channel, claims, count), claims, count, day);
		judge_recipients(&recipients, claims, &moment);
	}
	if (ga_settings.inviter_daily_cap > 0)
	{
		leaders = prepare(leader_keys(claims, count), claims, count, day);
		judge_leaders(&leaders, claims, &moment);
	}
	if (recipients.count > 0)
		count_admitted(&recipients, claims);
	if (leaders.count > 0)
		count_admitted(&leaders, claims);
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
			   "  WHERE day < (now() AT TIME ZONE 'UTC')::date - 1 LIMIT $1))",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	static GaPlan resends = {
		.sql = "DELETE FROM group_api_private.resends"
			   " WHERE at < now() - interval '8 days'",
	};

	Datum values[1] = {Int32GetDatum(TRIM_ROWS)};

	ga_plan_run(&resends, NULL, NULL, SPI_OK_DELETE);
	return ga_plan_run(&sends, values, NULL, SPI_OK_DELETE) == TRIM_ROWS;
}
