/*
 * cap_store.c
 *		Counting against the daily caps, and the cool-down of resends.
 *
 * Only the one dispatcher of a database counts sends (store/caps/sends), so no two count at
 * once.  Sums are made here, not in SQL.
 *
 * Locks: none on sends, but those of trimming; rows of resends: two resends to one
 * contact at the same moment wait for each other.
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/link_token.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "store/caps/cap_store.h"
#include "store/contact_hash.h"
#include "store/plan_cache.h"
#include "store/caps/sends.h"
#include "utils/timestamp.h"

/* Resends forgotten in one go: some milliseconds. */
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

/* The claims in their order, one place for each key. */
typedef struct Distinct
{
	int count;
	Datum *keys;
	int *firsts; /* in the order, the first claim of it */
} Distinct;

/* What is read, for whom, and since when it is today's. */
typedef struct HistoryReading
{
	Keys *keys;
	const GaClaim *claims;
	Distinct distinct;
	TimestampTz today;
} HistoryReading;

/* A row belongs to all claims of its key. */
static void
add_to_histories(void *context, int place, const GaSend *send)
{
	HistoryReading *reading = context;
	Keys *keys = reading->keys;

	for (int i = reading->distinct.firsts[place]; i < keys->count; i++)
	{
		int claim = keys->order[i];
		History *history = &keys->histories[claim];
		bool is_same = reading->claims[claim].created_by == send->leader;

		if (DatumGetInt64(keys->keys[claim]) != send->key)
			break;
		if (send->at >= reading->today)
		{
			history->today++;
			history->of_leader += is_same;
			history->is_counted |= send->message == keys->messages[claim];
		}
		if (is_same)
			history->last = Max(history->last, send->at);
	}
}

static Distinct
find_distinct(const Keys *keys)
{
	Distinct distinct = {0};

	distinct.keys = palloc(sizeof(Datum) * keys->count);
	distinct.firsts = palloc(sizeof(int) * keys->count);
	for (int i = 0; i < keys->count; i++)
	{
		Datum key = keys->keys[keys->order[i]];
		int last = distinct.count - 1;

		if (last >= 0 &&
			DatumGetInt64(distinct.keys[last]) == DatumGetInt64(key))
			continue;
		distinct.firsts[distinct.count] = i;
		distinct.keys[distinct.count++] = key;
	}
	return distinct;
}

/* Those of yesterday count for the cool-down. */
static void
read_histories(Keys *keys, const GaClaim *claims, TimestampTz today)
{
	HistoryReading reading = {keys, claims, find_distinct(keys), today};

	ga_sends_find(reading.distinct.keys, reading.distinct.count,
				  today - USECS_PER_DAY, add_to_histories, &reading);
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
	GaSend *sends = palloc(sizeof(GaSend) * keys->count);
	int count = 0;

	for (int i = 0; i < keys->count; i++)
	{
		const GaClaim *claim = &claims[i];

		if (keys->times[i] != 0 &&
			(claim->later == 0 || claim->later == keys->times[i]))
			sends[count++] =
				(GaSend){DatumGetInt64(counted[i]), claim->created_by,
						 keys->messages[i], keys->times[i]};
	}
	if (count > 0)
		ga_sends_add(sends, count);
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
	sent = ga_sends_count(distinct, count, moment->tomorrow - USECS_PER_DAY);
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
	static GaPlan resends = {
		.sql = "DELETE FROM group_api_private.resends WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.resends"
			   "  WHERE at < now() - interval '8 days' LIMIT $1"
			   "  FOR UPDATE SKIP LOCKED))",
		.nargs = 1,
		.argtypes = {INT4OID},
	};
	Datum values[1] = {Int32GetDatum(TRIM_ROWS)};
	bool more = ga_plan_run(&resends, values, NULL, SPI_OK_DELETE) == TRIM_ROWS;

	return ga_sends_trim() || more;
}
