/*
 * member_insert.c
 *		Writing members and their invitations, those of a new group or further
 *		ones.
 *
 * The rows go in as COPY's do (store/table/table_insert), the members' first.
 * Where somebody has changed a table so that these would not be the rows of an
 * INSERT, they travel as arrays and one statement writes them.  Both ways write the
 * same rows, which test/sql/ways_in.sql compares.
 */
#include "postgres.h"

#include "base/fair_queue.h"
#include "catalog/pg_type.h"
#include "store/group/member_insert.h"
#include "store/invitation_events.h"
#include "store/link_timeline.h"
#include "store/plan_cache.h"
#include "store/table/table_insert.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* ---- what both ways need -------------------------------------------------- */

static bool
is_queued(const GaMember *member)
{
	return member->delivery == GA_DELIVERY_QUEUED;
}

/* The places in the queue, by channel. */
typedef struct Tags
{
	GaStartTags taken[GA_CHANNEL_COUNT];
	int used[GA_CHANNEL_COUNT];
} Tags;

static void
take_tags(const GaGroup *group, Tags *tags)
{
	int counts[GA_CHANNEL_COUNT] = {0};

	for (int i = 0; i < group->member_count; i++)
		counts[group->members[i].channel] += is_queued(&group->members[i]);
	memset(tags, 0, sizeof(*tags));
	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
		tags->taken[i] = ga_fair_queue_take_tags((GaChannel) i,
												 group->created_by, counts[i]);
}

static int64
next_tag(Tags *tags, GaChannel channel)
{
	return ga_fair_queue_tag(&tags->taken[channel], tags->used[channel]++);
}

/* ---- by a statement ------------------------------------------------------- */

/* The columns of members and invitations, one element a member. */
typedef struct MemberColumns
{
	Datum *users;
	bool *no_user;
	const char **names;
	const char **pictures;
	Datum *channels; /* -1: not invited */
	const char **contacts;
	const char **suppressed; /* why nothing is sent; NULL: it is */
	int suppressed_count;	 /* 0 when all are sent, likewise */
	const char **locales;
	int locale_count; /* 0 when no member's is known: the column stays NULL */
	bool queued;
	Datum *tags; /* where they stand in the queue */
	bool *no_tag;
} MemberColumns;

static void
fill_columns(const GaGroup *group, MemberColumns *columns)
{
	int count = group->member_count;

	columns->users = palloc(sizeof(Datum) * count);
	columns->no_user = palloc(sizeof(bool) * count);
	columns->names = palloc(sizeof(char *) * count);
	columns->pictures = palloc(sizeof(char *) * count);
	columns->channels = palloc(sizeof(Datum) * count);
	columns->contacts = palloc(sizeof(char *) * count);
	columns->suppressed = palloc0(sizeof(char *) * count);
	columns->suppressed_count = 0;
	columns->locales = palloc(sizeof(char *) * count);
	columns->locale_count = 0;
	columns->queued = false;
	for (int i = 0; i < count; i++)
	{
		const GaMember *member = &group->members[i];

		columns->users[i] = Int64GetDatum(member->user_id);
		columns->no_user[i] = member->user_id == 0;
		columns->names[i] = member->name;
		columns->pictures[i] = member->picture;
		columns->channels[i] = Int16GetDatum(
			member->response == GA_RESPONSE_NONE ? -1
												 : (int16) member->channel);
		columns->contacts[i] = member->contact;
		columns->locales[i] = member->locale;
		if (member->locale != NULL)
			columns->locale_count = count;
		if (member->delivery == GA_DELIVERY_NONE)
			continue;
		if (member->delivery == GA_DELIVERY_SUPPRESSED)
		{
			columns->suppressed[i] = member->reason;
			columns->suppressed_count = count;
		}
		if (member->delivery != GA_DELIVERY_HELD)
			columns->queued = true;
	}
}

static void
fill_tags(const GaGroup *group, MemberColumns *columns)
{
	Tags tags;

	take_tags(group, &tags);
	columns->tags = palloc0(sizeof(Datum) * group->member_count);
	columns->no_tag = palloc(sizeof(bool) * group->member_count);
	for (int i = 0; i < group->member_count; i++)
	{
		columns->no_tag[i] = !is_queued(&group->members[i]);
		if (!columns->no_tag[i])
			columns->tags[i] =
				Int64GetDatum(next_tag(&tags, group->members[i].channel));
	}
}

/* The way round. */
static void
insert_by_statement(const GaGroup *group)
{
	/* Who has no contact is invited as long as others: when an invitation ends
	 * must not tell whether a message was sent. */
	static GaPlan plan = {
		.sql =
			"WITH o AS MATERIALIZED (SELECT o.*, $12 + n AS number,"
			"  NOT $7 AS is_held"
			"  FROM unnest($2, $3, $4, $5, $6, $10, $11, $13) WITH ORDINALITY"
			"  AS o (user_id, name, picture, channel, contact, locale,"
			"  suppressed, start_tag, n)),"
			" m AS (INSERT INTO group_api_private.members (group_id, number,"
			"  is_leader, user_id, name, picture)"
			"  SELECT $1, number, number = 1, user_id, name, picture FROM o)"
			" INSERT INTO group_api_private.invitations (group_id, number,"
			"  channel, delivery, response, due, changed_at, expires_at,"
			"  contact, locale, reason, start_tag, link_version, contact_since)"
			" SELECT $1, number, CASE channel"
			"   WHEN 1 THEN 'MOBILE'::group_api.channel"
			"   WHEN 2 THEN 'EMAIL'::group_api.channel END,"
			"  " GA_DELIVERY_CREATED ", " GA_RESPONSE_CREATED ","
			"  " GA_DUE_CREATED(
				"$8") ","
					  "  $8, CASE WHEN $7 OR channel = 0 THEN $9 END, contact,"
					  "  locale, suppressed, start_tag, $14, $14"
					  " FROM o WHERE channel >= 0",
		.nargs = 14,
		.argtypes = {UUIDOID, INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
					 INT2ARRAYOID, TEXTARRAYOID, BOOLOID, TIMESTAMPTZOID,
					 TIMESTAMPTZOID, TEXTARRAYOID, TEXTARRAYOID, INT4OID,
					 INT8ARRAYOID, INT2OID},
	};
	int count = group->member_count;
	MemberColumns columns;
	Datum values[14];

	fill_columns(group, &columns);
	fill_tags(group, &columns);
	values[0] = UUIDPGetDatum(&group->id);
	values[1] =
		ga_row_datum_array(columns.users, columns.no_user, count, INT8OID);
	values[2] = ga_row_text_array(columns.names, count);
	values[3] = ga_row_text_array(columns.pictures, count);
	values[4] = ga_row_datum_array(columns.channels, NULL, count, INT2OID);
	values[5] = ga_row_text_array(columns.contacts, count);
	values[6] = BoolGetDatum(columns.queued);
	values[7] = TimestampTzGetDatum(group->created_at);
	values[8] = TimestampTzGetDatum(group->expires_at);
	values[9] = ga_row_text_array(columns.locales, columns.locale_count);
	values[10] =
		ga_row_text_array(columns.suppressed, columns.suppressed_count);
	values[11] = Int32GetDatum(group->members[0].number - 1);
	values[12] =
		ga_row_datum_array(columns.tags, columns.no_tag, count, INT8OID);
	values[13] = Int16GetDatum(ga_link_timeline_first_version());
	ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
}

/* ---- as COPY does ---------------------------------------------------------- */

static const GaColumn member_columns[] = {
	{"group_id", UUIDOID}, {"number", INT4OID}, {"is_leader", BOOLOID},
	{"user_id", INT8OID},  {"name", TEXTOID},	{"picture", TEXTOID},
};

static GaTable members = {
	.name = "members",
	.column_count = lengthof(member_columns),
	.columns = member_columns,
};

static void
put_members(GaTableInsert *insert, const GaGroup *group)
{
	Datum values[lengthof(member_columns)];
	bool nulls[lengthof(member_columns)] = {false};

	values[0] = UUIDPGetDatum(&group->id);
	for (int i = 0; i < group->member_count; i++)
	{
		const GaMember *member = &group->members[i];

		values[1] = Int32GetDatum(member->number);
		values[2] = BoolGetDatum(member->number == 1);
		values[3] = Int64GetDatum(member->user_id);
		nulls[3] = member->user_id == 0;
		values[4] = ga_table_insert_text(insert, member->name, &nulls[4]);
		values[5] = ga_table_insert_text(insert, member->picture, &nulls[5]);
		ga_table_insert_row(insert, values, nulls);
	}
	ga_table_insert_end(insert);
}

enum
{
	GROUP_ID,
	NUMBER,
	CHANNEL,
	DELIVERY,
	DUE,
	CHANGED_AT,
	EXPIRES_AT,
	CONTACT,
	LOCALE,
	REASON,
	START_TAG,
	LINK_VERSION,
	CONTACT_SINCE,
	INVITATION_COLUMNS
};

static const GaColumn invitation_columns[INVITATION_COLUMNS] = {
	{"group_id", UUIDOID},
	{"number", INT4OID},
	{"channel", ANYENUMOID},
	{"delivery", ANYENUMOID},
	{"due", TIMESTAMPTZOID},
	{"changed_at", TIMESTAMPTZOID},
	{"expires_at", TIMESTAMPTZOID},
	{"contact", TEXTOID},
	{"locale", TEXTOID},
	{"reason", TEXTOID},
	{"start_tag", INT8OID},
	{"link_version", INT2OID},
	{"contact_since", INT2OID},
};

static GaTable invitations = {
	.name = "invitations",
	.column_count = INVITATION_COLUMNS,
	.columns = invitation_columns,
};

/* The words of a row, as they are stored; each is looked up once. */
typedef struct Words
{
	Datum channels[GA_CHANNEL_COUNT];
	Datum held;
	Datum queued;
	Datum suppressed;
} Words;

static void
find_words(const GaTableInsert *insert, Words *words)
{
	words->channels[GA_CHANNEL_MOBILE] =
		ga_table_insert_enum(insert, CHANNEL, "MOBILE");
	words->channels[GA_CHANNEL_EMAIL] =
		ga_table_insert_enum(insert, CHANNEL, "EMAIL");
	words->held = ga_table_insert_enum(
		insert, DELIVERY, ga_state_delivery_word(GA_DELIVERY_HELD));
	words->queued = ga_table_insert_enum(
		insert, DELIVERY, ga_state_delivery_word(GA_DELIVERY_QUEUED));
	words->suppressed = ga_table_insert_enum(
		insert, DELIVERY, ga_state_delivery_word(GA_DELIVERY_SUPPRESSED));
}

/* Whether the group's invitations count from now on: none is held back. */
static bool
are_sent(const GaGroup *group)
{
	for (int i = 0; i < group->member_count; i++)
		if (group->members[i].delivery != GA_DELIVERY_NONE &&
			group->members[i].delivery != GA_DELIVERY_HELD)
			return true;
	return false;
}

/* The columns that depend on where the message stands. */
static void
fill_delivery(const GaGroup *group, const GaMember *member, bool are_sent,
			  const Words *words, Datum *values, bool *nulls)
{
	bool has_channel = member->channel != GA_CHANNEL_NONE;
	bool is_suppressed =
		member->delivery == GA_DELIVERY_SUPPRESSED && member->reason != NULL;

	values[CHANNEL] = words->channels[member->channel];
	nulls[CHANNEL] = nulls[DELIVERY] = !has_channel;
	if (!are_sent)
		values[DELIVERY] = words->held;
	else
		values[DELIVERY] = is_suppressed ? words->suppressed : words->queued;
	values[DUE] = TimestampTzGetDatum(group->created_at);
	nulls[DUE] = !has_channel || !are_sent || is_suppressed;
	/*
	 * Who has no contact is invited as long as others: when an invitation ends must
	 * not tell whether a message was sent.
	 */
	values[EXPIRES_AT] = TimestampTzGetDatum(group->expires_at);
	nulls[EXPIRES_AT] = has_channel && !are_sent;
}

static void
put_invitations(GaTableInsert *insert, const GaGroup *group)
{
	Datum values[INVITATION_COLUMNS] = {0};
	bool nulls[INVITATION_COLUMNS] = {false};
	bool sent = are_sent(group);
	Words words = {{0}};
	Tags tags;

	take_tags(group, &tags);
	find_words(insert, &words);
	values[GROUP_ID] = UUIDPGetDatum(&group->id);
	values[CHANGED_AT] = TimestampTzGetDatum(group->created_at);
	values[LINK_VERSION] = values[CONTACT_SINCE] =
		Int16GetDatum(ga_link_timeline_first_version());
	for (int i = 0; i < group->member_count; i++)
	{
		const GaMember *member = &group->members[i];
		bool waits = is_queued(member);

		/* Tags are taken in the order of members, as are those of a statement. */
		values[START_TAG] =
			waits ? Int64GetDatum(next_tag(&tags, member->channel)) : (Datum) 0;
		if (member->response == GA_RESPONSE_NONE)
			continue;
		nulls[START_TAG] = !waits;
		values[NUMBER] = Int32GetDatum(member->number);
		fill_delivery(group, member, sent, &words, values, nulls);
		values[CONTACT] =
			ga_table_insert_text(insert, member->contact, &nulls[CONTACT]);
		values[LOCALE] =
			ga_table_insert_text(insert, member->locale, &nulls[LOCALE]);
		values[REASON] = ga_table_insert_text(
			insert,
			member->delivery == GA_DELIVERY_SUPPRESSED ? member->reason : NULL,
			&nulls[REASON]);
		ga_table_insert_row(insert, values, nulls);
	}
	ga_table_insert_end(insert);
}

void
ga_members_insert(const GaGroup *group)
{
	GaTableInsert into_members;
	GaTableInsert into_invitations;

	/* Both or none: a statement writes both. */
	if (!ga_table_insert_begin(&into_members, &members))
		insert_by_statement(group);
	else if (!ga_table_insert_begin(&into_invitations, &invitations))
	{
		ga_table_insert_end(&into_members);
		insert_by_statement(group);
	}
	else
	{
		put_members(&into_members, group);
		put_invitations(&into_invitations, group);
	}
}
