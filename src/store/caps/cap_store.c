/*
 * cap_store.c
 *		Counting against the daily caps, and the cool-down of resends.
 *
 * Only the one dispatcher of a database counts sends, so no two count at once.  It
 * adds rows and changes none, and there is no unique index: nobody's transaction is
 * waited for.  A claim costs one look into the index and one row, 3 microseconds; so
 * keys are short (store/contact_hash), and sums are made here, not in SQL.
 *
 * Locks: none on sends, but those of trimming; rows of resends: two resends to one
 * contact at the same moment wait for each other.
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/link_token.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "store/cap_store.h"
#include "store/contact_hash.h"
#include "store/plan_cache.h"
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
	int64 *messages;
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
	ga_contact_keys_make(count, channels, contacts, keys);
	return keys;
}

static Datum *
leader_keys(const GaClaim *claims, int count)
{
	int64 *leaders = palloc(sizeof(int64) * count);
	Datum *keys = palloc(sizeof(Datum) * count);

	for (int i = 0; i < count; i++)
		leaders[i] = claims[i].created_by;
	ga_contact_hash_leader_keys(count, leaders, keys);
	return keys;
}

/* The message: its tries have the same. */
static int64
message_of(const GaClaim *claim)
{
	uint64 hash = hash_bytes_extended(claim->group_id.data, UUID_LEN,
									  (uint64) (uint32) claim->number);

	return (int64) hash_combine64(hash, (uint64) (uint32) claim->link_version);
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
	int64 key = DatumGetInt64(ordering->keys[first]);
	int64 other_key = DatumGetInt64(ordering->keys[second]);
	const GaClaim *claim = &ordering->claims[first];
	const GaClaim *other = &ordering->claims[second];

	if (key != other_key)
		return key < other_key ? -1 : 1;
	if (claim->created_by != other->created_by)
		return claim->created_by < other->created_by ? -1 : 1;
	if (claim->start_tag != other->start_tag)
		return claim->start_tag < other->start_tag ? -1 : 1;
	return (first > second) - (first < second);
}

/* Where one of the found rows belongs: to all claims of its key. */
static void
add_to_histories(Keys *keys, const GaClaim *claims, int first,
				 TimestampTz today, uint64 row)
{
	int64 key = DatumGetInt64(keys->keys[keys->order[first]]);
	int64 leader = ga_row_int64(row, 2, 0);
	TimestampTz at = ga_row_int64(row, 3, 0);
	int64 message = ga_row_int64(row, 4, 0);

	for (int i = first; i < keys->count; i++)
	{
		int place = keys->order[i];
		History *history = &keys->histories[place];
		bool is_same = claims[place].created_by == leader;

		if (DatumGetInt64(keys->keys[place]) != key)
			break;
		if (at >= today)
		{
			history->today++;
			history->of_leader += is_same;
			history->is_counted |= message == keys->messages[place];
		}
		if (is_same)
			history->last = Max(history->last, at);
	}
}

/* Most contacts have none: they cost one look into the index and no row. */
static void
read_histories(Keys *keys, const GaClaim *claims, TimestampTz today)
{
	static GaPlan plan = {
		.sql = "SELECT o.n::int4, s.leader, s.at, s.message"
			   " FROM unnest($1) WITH ORDINALITY AS o (key, n)"
			   " JOIN group_api_private.sends s ON s.key = o.key"
			   " WHERE s.at >= $2",
		.nargs = 2,
		.argtypes = {INT8ARRAYOID, TIMESTAMPTZOID},
	};
	int *firsts = palloc(sizeof(int) * keys->count);
	Datum *distinct = palloc(sizeof(Datum) * keys->count);
	int count = 0;
	Datum values[2];
	uint64 found;

	for (int i = 0; i < keys->count; i++)
	{
		Datum key = keys->keys[keys->order[i]];

		if (count > 0 &&
			DatumGetInt64(distinct[count - 1]) == DatumGetInt64(key))
			continue;
		firsts[count] = i;
		distinct[count++] = key;
	}
	values[0] = ga_row_datum_array(distinct, NULL, count, INT8OID);
	/* Of yesterday for the cool-down. */
	values[1] = TimestampTzGetDatum(today - USECS_PER_DAY);
	found = ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	for (uint64 row = 0; row < found; row++)
		add_to_histories(keys, claims, firsts[ga_row_int32(row, 1, 1) - 1],
						 today, row);
}

static int *
make_order(const Datum *keys, const GaClaim *claims, int count)
{
	Ordering ordering = {claims, keys};
	int *order = palloc(sizeof(int) * count);

	for (int i = 0; i < count; i++)
		order[i] = i;
	qsort_arg(order, count, sizeof(int), compare_places, &ordering);
	return order;
}

static Keys
prepare(Datum *datums, const GaClaim *claims, int count, TimestampTz today)
{
	Keys keys = {.count = count, .keys = datums};

	keys.histories = palloc0(sizeof(History) * count);
	keys.times = palloc0(sizeof(TimestampTz) * count);
	keys.messages = palloc(sizeof(int64) * count);
	for (int i = 0; i < count; i++)
		keys.messages[i] = message_of(&claims[i]);
	keys.order = make_order(datums, claims, count);
	read_histories(&keys, claims, today);
	return keys;
}

/* What counts, by the keys or by those of their leaders, but for what another cap has
 * put off. */
static void
count_admitted(const Keys *keys, const Datum *counted, const GaClaim *claims)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.sends (key, leader, message, at)"
			   " SELECT * FROM unnest($1, $2, $3, $4)",
		.nargs = 4,
		.argtypes = {INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
					 TIMESTAMPTZARRAYOID},
	};
	static const Oid types[4] = {INT8OID, INT8OID, INT8OID, TIMESTAMPTZOID};
	Datum *columns[4];
	Datum values[4];
	int count = 0;

	for (int i = 0; i < lengthof(columns); i++)
		columns[i] = palloc(sizeof(Datum) * keys->count);
	for (int i = 0; i < keys->count; i++)
	{
		const GaClaim *claim = &claims[i];

		if (keys->times[i] == 0 ||
			(claim->later != 0 && claim->later != keys->times[i]))
			continue;
		columns[0][count] = counted[i];
		columns[1][count] = Int64GetDatum(claim->created_by);
		columns[2][count] = Int64GetDatum(keys->messages[i]);
		columns[3][count++] = TimestampTzGetDatum(keys->times[i]);
	}
	if (count == 0)
		return;
	for (int i = 0; i < lengthof(columns); i++)
		values[i] = ga_row_datum_array(columns[i], NULL, count, types[i]);
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
	TimestampTz last = Max(before->last, history->last);

	if (last == 0 || ga_settings.invitation_cooldown == 0 ||
		!ga_link_version_is_first(claim->link_version))
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
	before->last = Max(before->last, at);
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

		if (DatumGetInt64(keys->keys[place]) != DatumGetInt64(keys->keys[last]))
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

/* How many messages of a leader's groups counted today, one a claim. */
static int64 *
read_leaders(const Datum *keys, int count, TimestampTz today)
{
	static GaPlan plan = {
		.sql = "SELECT o.n::int4, c.sent FROM unnest($1) WITH ORDINALITY"
			   "  AS o (key, n), LATERAL (SELECT count(*) AS sent"
			   "  FROM group_api_private.sends s"
			   "  WHERE s.key = o.key AND s.at >= $2) AS c",
		.nargs = 2,
		.argtypes = {INT8ARRAYOID, TIMESTAMPTZOID},
	};
	Datum values[2] = {ga_row_datum_array((Datum *) keys, NULL, count, INT8OID),
					   TimestampTzGetDatum(today)};
	int64 *sent = palloc0(sizeof(int64) * count);
	uint64 found = ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);

	for (uint64 row = 0; row < found; row++)
		sent[ga_row_int32(row, 1, 1) - 1] = ga_row_int64(row, 2, 0);
	return sent;
}

/* Of what counts for its contact; a leader's is counted with it or not at all. */
static void
judge_leaders(const Keys *keys, const Datum *leaders, GaClaim *claims,
			  const Moment *moment)
{
	int *order = make_order(leaders, claims, keys->count);
	Datum *distinct = palloc(sizeof(Datum) * keys->count);
	int *run = palloc(sizeof(int) * keys->count);
	int count = 0;
	int64 *sent;

	for (int i = 0; i < keys->count; i++)
	{
		if (i == 0 || DatumGetInt64(leaders[order[i]]) !=
						  DatumGetInt64(leaders[order[i - 1]]))
			distinct[count++] = leaders[order[i]];
		run[i] = count - 1;
	}
	sent = read_leaders(distinct, count, moment->tomorrow - USECS_PER_DAY);
	for (int i = 0; i < keys->count; i++)
	{
		if (keys->times[order[i]] == 0)
			continue;
		if (sent[run[i]] < ga_settings.inviter_daily_cap)
			sent[run[i]]++;
		else
			put_off(&claims[order[i]], moment->tomorrow,
					"later: the leader's groups have sent as many invitations "
					"today as group_api.inviter_daily_cap allows");
	}
}

void
ga_caps_take(GaChannel channel, GaClaim *claims, int count, TimestampTz now)
{
	/* The epoch begins a day of UTC. */
	TimestampTz today = now / USECS_PER_DAY * USECS_PER_DAY;
	Moment moment = {now, today + USECS_PER_DAY};
	Datum *leaders;
	Keys keys;

	if (count == 0 || (ga_settings.recipient_daily_cap == 0 &&
					   ga_settings.inviter_recipient_daily_cap == 0 &&
					   ga_settings.inviter_daily_cap == 0 &&
					   ga_settings.invitation_cooldown == 0))
		return;
	keys =
		prepare(recipient_keys(channel, claims, count), claims, count, today);
	judge_recipients(&keys, claims, &moment);
	if (ga_settings.inviter_daily_cap > 0)
	{
		leaders = leader_keys(claims, count);
		judge_leaders(&keys, leaders, claims, &moment);
		count_admitted(&keys, leaders, claims);
	}
	count_admitted(&keys, keys.keys, claims);
}

bool
ga_cap_take_resend(GaChannel channel, const char *contact, int *wait_s)
{
	static GaPlan take = {
		/* One that is still to come was written before the clock was set back. */
		.sql = "INSERT INTO group_api_private.resends AS r (contact_hash, at)"
			   " VALUES ($1, now()) ON CONFLICT (contact_hash)"
			   " DO UPDATE SET at = now()"
			   "  WHERE r.at <= now() - make_interval(secs => $2)"
			   "   OR r.at > now() + make_interval(secs => $2)",
		.nargs = 2,
		.argtypes = {BYTEAOID, FLOAT8OID},
	};
	static GaPlan find = {
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
	if (ga_plan_run(&find, values, NULL, SPI_OK_SELECT) > 0)
		*wait_s = ga_row_int32(0, 1, *wait_s);
	return false;
}

bool
ga_caps_trim(void)
{
	static GaPlan sends = {
		.sql = "DELETE FROM group_api_private.sends WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.sends"
			   "  WHERE at < now() - interval '2 days' LIMIT $1"
			   "  FOR UPDATE SKIP LOCKED))",
		.nargs = 1,
		.argtypes = {INT4OID},
		.is_by_range = true,
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
