/*
 * claim_rows.c
 *		Claiming rows of the queue without a plan.
 *
 * The same as the statement of ga_queue_claim() at a third of its price: the index
 * of the queue is read in its order, a row that fits is written as claimed, and what
 * its message needs of the group is read once a group.  Where many rows are set aside,
 * or the tables are not as this extension made them, the statement does it.
 *
 * Locks: those of that statement; rows that others hold are skipped.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "store/invitation_state.h"
#include "store/plan_cache.h"
#include "store/queue/accepted_try.h"
#include "store/queue/claim_rows.h"
#include "store/queue/invitation_row.h"
#include "store/row_access.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* The columns of groups up to the last one that a message needs. */
typedef enum GroupColumn
{
	GROUP_NUMBER = 2,
	GROUP_STATUS = 4,
	GROUP_NAME = 5,
	GROUP_DESCRIPTION = 6,
	GROUP_IMAGE = 7,
	GROUP_MESSAGE = 8,
	GROUP_INVITER = 9,
	GROUP_CREATED_BY = 11,
	GROUP_LOCALE = 20,
} GroupColumn;

/*
 * Their names, in the order of the table.  The reader compares them with the catalog:
 * a table whose columns stand elsewhere is read by the statement instead.
 */
static const char *const group_columns[] = {"id",
											"number",
											"contract",
											"status",
											"name",
											"description",
											"image",
											"message",
											"inviter",
											"product_id",
											"created_by",
											"created_at",
											"slug",
											"color",
											"is_private",
											"visible",
											"active",
											"emotional_image",
											"emotional_image_position",
											"locale",
											NULL};

#define SET_ASIDE_STEP 3
#define SET_ASIDE_UNTIL 5

static const char *const set_aside_columns[] = {"group_id", "number", "step",
												"since",	"until",  NULL};

#define MEMBER_NAME 5

static const char *const member_columns[] = {"group_id", "number", "is_leader",
											 "user_id",	 "name",   NULL};

/* What a group's messages have in common. */
typedef struct GroupWords
{
	pg_uuid_t id; /* the key */
	GaClaim words;
} GroupWords;

/* Patterns of LIKE. */
typedef struct Patterns
{
	Datum *list;
	int count;
} Patterns;

struct GaRowClaims
{
	MemoryContext result_context;
	GaRowReader queue;
	GaRowReader groups;
	GaRowReader members;
	GaRowWriter writer;
	HTAB *words; /* of GroupWords */
	int passed;	 /* rows of the queue that others take */
	GaRowKey *set_aside;
	int set_aside_count;
	bool has_taken;
	Patterns taken;
	Patterns left;
	Datum channel;
	Datum queued;
	Datum sending;
	Datum pending;
	Datum archived;
	Datum server;
	int64 incarnation;
};

/* Others' rows that a claim reads at the most: some milliseconds. */
#define OTHERS_ROWS 5000

/* More of them than these are looked up by the statement, */
#define SET_ASIDE_MAX 100
/* or where other steps have set aside so many that reading them takes half a millisecond. */
#define SET_ASIDE_READ_MAX 1000

/* ---- opening -------------------------------------------------------------- */

/* Which of the table's rows concern a claim. */
static bool
concerns_claims(const GaRowReader *row, TimestampTz now)
{
	static const char step[] = "claim";
	text *is = DatumGetTextPP(ga_row_reader_value(row, SET_ASIDE_STEP));

	return VARSIZE_ANY_EXHDR(is) == sizeof(step) - 1 &&
		   memcmp(VARDATA_ANY(is), step, sizeof(step) - 1) == 0 &&
		   DatumGetTimestampTz(ga_row_reader_value(row, SET_ASIDE_UNTIL)) > now;
}

/* False: they are too many, or the table is not as this extension made it. */
static bool
read_set_aside(GaRowClaims *rows)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	GaRowReader reader;
	int read = 0;
	bool fits = true;

	if (!ga_row_reader_open(&reader, "set_aside", "set_aside_pkey",
							set_aside_columns, 0))
		return false;
	rows->set_aside = palloc(sizeof(GaRowKey) * SET_ASIDE_MAX);
	ga_row_reader_seek(&reader, NULL, 0);
	while (fits && ga_row_reader_next(&reader))
	{
		bool concerns = concerns_claims(&reader, now);

		fits = ++read <= SET_ASIDE_READ_MAX &&
			   rows->set_aside_count + concerns <= SET_ASIDE_MAX;
		if (fits && concerns)
			rows->set_aside[rows->set_aside_count++] =
				(GaRowKey){*DatumGetUUIDP(ga_row_reader_value(&reader, 1)),
						   DatumGetInt32(ga_row_reader_value(&reader, 2))};
	}
	ga_row_reader_close(&reader);
	return fits;
}

/* Itself, or its group as the number 0. */
static bool
is_set_aside(const GaRowClaims *rows, const GaQueueCursor *at)
{
	for (int i = 0; i < rows->set_aside_count; i++)
	{
		const GaRowKey *key = &rows->set_aside[i];

		if ((key->number == 0 || key->number == at->number) &&
			memcmp(&key->group_id, &at->group_id, UUID_LEN) == 0)
			return true;
	}
	return false;
}

/* The array is of the provider's filter, so its patterns live as long as the claim. */
static Patterns
read_patterns(Datum array)
{
	Patterns patterns;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
					  TYPALIGN_INT, &patterns.list, NULL, &patterns.count);
	return patterns;
}

/*
 * In a row an enum's value is the oid of its label, which CREATE EXTENSION chose.  Each
 * label is looked up once a claim, and then a row's value is compared as a number.
 */
static void
look_up_words(GaRowClaims *rows, GaChannel channel)
{
	rows->channel =
		ga_row_reader_enum(&rows->queue, GA_INVITATION_CHANNEL,
						   channel == GA_CHANNEL_MOBILE ? "MOBILE" : "EMAIL");
	rows->queued =
		ga_row_reader_enum(&rows->queue, GA_INVITATION_DELIVERY,
						   ga_state_delivery_word(GA_DELIVERY_QUEUED));
	rows->sending =
		ga_row_reader_enum(&rows->queue, GA_INVITATION_DELIVERY,
						   ga_state_delivery_word(GA_DELIVERY_SENDING));
	rows->pending =
		ga_row_reader_enum(&rows->queue, GA_INVITATION_RESPONSE,
						   ga_state_response_word(GA_RESPONSE_PENDING));
	rows->archived =
		ga_row_reader_enum(&rows->groups, GROUP_STATUS, "ARCHIVED");
}

/*
 * All three and the writer, or none: what was opened before one that does not fit is
 * closed again, since a relation that stays open would be warned of at commit.
 */
static bool
open_tables(GaRowClaims *rows)
{
	if (!ga_row_reader_open(&rows->queue, "invitations",
							"invitations_start_tag", ga_invitation_columns, 3))
		return false;
	if (ga_row_reader_open(&rows->groups, "groups", "groups_pkey",
						   group_columns, 1))
	{
		if (ga_row_reader_open(&rows->members, "members", "members_pkey",
							   member_columns, 2))
		{
			if (ga_row_writer_open(&rows->writer, rows->queue.table))
				return true;
			ga_row_reader_close(&rows->members);
		}
		ga_row_reader_close(&rows->groups);
	}
	ga_row_reader_close(&rows->queue);
	return false;
}

GaRowClaims *
ga_row_claims_begin(const GaOwnerScope *scope, GaChannel channel,
					const char *server, const GaQueueFilter *filter,
					int64 incarnation, bool all_may_go)
{
	HASHCTL control = {.keysize = sizeof(pg_uuid_t),
					   .entrysize = sizeof(GroupWords),
					   .hcxt = CurrentMemoryContext};
	GaRowClaims *rows;

	rows = palloc0(sizeof(GaRowClaims));
	PushActiveSnapshot(GetTransactionSnapshot());
	if ((!all_may_go && !read_set_aside(rows)) || !open_tables(rows))
	{
		PopActiveSnapshot();
		return NULL;
	}
	look_up_words(rows, channel);
	rows->result_context = scope->caller_context;
	rows->words = hash_create("group_api groups of a claim", 64, &control,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	rows->has_taken = filter->has_taken;
	rows->taken = read_patterns(filter->taken);
	rows->left = read_patterns(filter->left);
	rows->server = CStringGetTextDatum(server);
	rows->incarnation = incarnation;
	return rows;
}

void
ga_row_claims_end(GaRowClaims *rows)
{
	ga_row_writer_close(&rows->writer);
	ga_row_reader_close(&rows->members);
	ga_row_reader_close(&rows->groups);
	ga_row_reader_close(&rows->queue);
	hash_destroy(rows->words);
	PopActiveSnapshot();
}

/* ---- what a message needs ------------------------------------------------- */

static void
read_group(GaRowClaims *rows, GaClaim *words)
{
	const GaRowReader *group = &rows->groups;

	words->group_number =
		DatumGetInt64(ga_row_reader_value(group, GROUP_NUMBER));
	words->group_name = ga_row_reader_text(group, GROUP_NAME);
	words->message = ga_row_reader_text(group, GROUP_MESSAGE);
	words->inviter = ga_row_reader_text(group, GROUP_INVITER);
	words->description = ga_row_reader_text(group, GROUP_DESCRIPTION);
	words->image = ga_row_reader_text(group, GROUP_IMAGE);
	words->locale = ga_row_reader_text(group, GROUP_LOCALE);
	words->is_archived =
		ga_row_reader_value(group, GROUP_STATUS) == rows->archived;
	words->created_by =
		DatumGetInt64(ga_row_reader_value(group, GROUP_CREATED_BY));
}

/* Of a deleted group there are none. */
static const GaClaim *
words_of_group(GaRowClaims *rows, const pg_uuid_t *id)
{
	bool found;
	GroupWords *group = hash_search(rows->words, id, HASH_ENTER, &found);

	if (found)
		return &group->words;
	memset(&group->words, 0, sizeof(group->words));
	if (ga_row_reader_find(&rows->groups, id, 0))
		read_group(rows, &group->words);
	return &group->words;
}

static int16
small_of(const GaRowClaims *rows, GaInvitationColumn column)
{
	return DatumGetInt16(ga_row_reader_value(&rows->queue, column));
}

static int64
large_of(const GaRowClaims *rows, GaInvitationColumn column)
{
	return ga_row_reader_is_null(&rows->queue, column)
			   ? 0
			   : DatumGetInt64(ga_row_reader_value(&rows->queue, column));
}

/* The row that was read, as claimed; texts live until the turn ends. */
static void
fill_claim(GaRowClaims *rows, int16 attempt, GaClaim *claim)
{
	const GaRowReader *row = &rows->queue;
	MemoryContext old = MemoryContextSwitchTo(rows->result_context);
	pg_uuid_t *id =
		DatumGetUUIDP(ga_row_reader_value(row, GA_INVITATION_GROUP_ID));

	*claim = *words_of_group(rows, id);
	claim->group_id = *id;
	claim->number =
		DatumGetInt32(ga_row_reader_value(row, GA_INVITATION_NUMBER));
	claim->attempt = attempt;
	claim->link_version = small_of(rows, GA_INVITATION_LINK_VERSION);
	claim->reminders = small_of(rows, GA_INVITATION_REMINDERS);
	claim->refusals = small_of(rows, GA_INVITATION_REFUSALS);
	claim->pauses = small_of(rows, GA_INVITATION_PAUSES);
	claim->crashes = small_of(rows, GA_INVITATION_CRASHES);
	claim->start_tag = large_of(rows, GA_INVITATION_START_TAG);
	claim->expires_at = large_of(rows, GA_INVITATION_EXPIRES_AT);
	claim->contact = ga_row_reader_text(row, GA_INVITATION_CONTACT);
	if (!ga_row_reader_is_null(row, GA_INVITATION_LOCALE))
		claim->locale = ga_row_reader_text(row, GA_INVITATION_LOCALE);
	if (ga_row_reader_find(&rows->members, id, claim->number))
		claim->member = ga_row_reader_text(&rows->members, MEMBER_NAME);
	MemoryContextSwitchTo(old);
}

/* ---- claiming ------------------------------------------------------------- */

static bool
is_like_any(const Patterns *patterns, Datum contact)
{
	for (int i = 0; i < patterns->count; i++)
		if (DatumGetBool(DirectFunctionCall2Coll(textlike, C_COLLATION_OID,
												 contact, patterns->list[i])))
			return true;
	return false;
}

/*
 * What the statement has in its WHERE.  The columns up to the contact have been read,
 * and no more: of others' rows, of which there may be thousands, the rest is never
 * taken apart.
 */
static bool
is_claimable(const GaRowClaims *rows)
{
	const GaRowReader *row = &rows->queue;
	Datum contact = ga_row_reader_value(row, GA_INVITATION_CONTACT);

	return !ga_row_reader_is_null(row, GA_INVITATION_CONTACT) &&
		   ga_row_reader_value(row, GA_INVITATION_DELIVERY) == rows->queued &&
		   ga_row_reader_value(row, GA_INVITATION_RESPONSE) == rows->pending &&
		   (!rows->has_taken || is_like_any(&rows->taken, contact)) &&
		   !is_like_any(&rows->left, contact);
}

/* False: somebody else holds the row. */
static bool
mark_as_sending(GaRowClaims *rows, int16 attempt)
{
	GaRowWriter *writer = &rows->writer;
	bool was_accepted =
		!ga_row_reader_is_null(&rows->queue, GA_INVITATION_ACCEPTED_AT);

	ga_row_writer_copy(writer, rows->queue.slot);
	ga_row_writer_set(writer, GA_INVITATION_DELIVERY, rows->sending);
	ga_row_writer_set(writer, GA_INVITATION_ATTEMPTS, Int16GetDatum(attempt));
	ga_row_writer_set(writer, GA_INVITATION_INCARNATION,
					  Int64GetDatum(rows->incarnation));
	ga_row_writer_set(writer, GA_INVITATION_SERVER, rows->server);
	ga_row_writer_set(
		writer, GA_INVITATION_CHANGED_AT,
		TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	/* Of an earlier message (a reminder's, a resend's): its try gets a row of its own. */
	for (int column = GA_INVITATION_ACCEPTED_AT;
		 column <= GA_INVITATION_ACCEPTED_DETAIL; column++)
		ga_row_writer_set_null(writer, column);
	if (!ga_row_writer_update(writer, rows->queue.slot))
		return false;
	if (was_accepted)
		ga_accepted_try_move(&rows->queue);
	return true;
}

/*
 * A place in the queue as a key of the index: the comparison of a row, (start_tag,
 * group_id, number) > (..), which the index follows in one descent.  `members` are
 * the parts, `key` is their head, as nodeIndexscan.c makes them of such a clause.
 */
static void
make_place(const GaQueueCursor *place, StrategyNumber strategy,
		   ScanKeyData members[3], ScanKey key)
{
	ScanKeyEntryInitialize(&members[0], SK_ROW_MEMBER, 2, strategy, InvalidOid,
						   InvalidOid, F_BTINT8CMP,
						   Int64GetDatum(place->start_tag));
	ScanKeyEntryInitialize(&members[1], SK_ROW_MEMBER, 3, strategy, InvalidOid,
						   InvalidOid, F_UUID_CMP,
						   UUIDPGetDatum(&place->group_id));
	ScanKeyEntryInitialize(&members[2], SK_ROW_MEMBER | SK_ROW_END, 4, strategy,
						   InvalidOid, InvalidOid, F_BTINT4CMP,
						   Int32GetDatum(place->number));
	memset(key, 0, sizeof(*key));
	key->sk_flags = SK_ROW_HEADER;
	key->sk_attno = 2;
	key->sk_strategy = strategy;
	key->sk_argument = PointerGetDatum(members);
}

/*
 * The index holds all channels, one behind the other, so a key pins the channel and two
 * more bound its range.  The caller owns the keys: the scan refers to them until it ends.
 */
static void
seek(GaRowClaims *rows, const GaQueueRange *range, ScanKeyData keys[3],
	 ScanKeyData after[3], ScanKeyData last[3])
{
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_ENUM_EQ, rows->channel);
	make_place(&range->after, BTGreaterStrategyNumber, after, &keys[1]);
	make_place(&range->last, BTLessEqualStrategyNumber, last, &keys[2]);
	ga_row_reader_seek(&rows->queue, keys, 3);
}

static GaQueueCursor
place_of_row(const GaRowClaims *rows)
{
	const GaRowReader *row = &rows->queue;

	return (GaQueueCursor){
		DatumGetInt64(ga_row_reader_value(row, GA_INVITATION_START_TAG)),
		*DatumGetUUIDP(ga_row_reader_value(row, GA_INVITATION_GROUP_ID)),
		DatumGetInt32(ga_row_reader_value(row, GA_INVITATION_NUMBER))};
}

/* Claims the row that was read; false: somebody else holds it. */
static bool
claim_row(GaRowClaims *rows, GaClaim *claim)
{
	int16 attempt;

	ga_row_reader_read_all(&rows->queue);
	attempt = Min(small_of(rows, GA_INVITATION_ATTEMPTS) + 1, PG_INT16_MAX);
	if (!mark_as_sending(rows, attempt))
		return false;
	fill_claim(rows, attempt, claim);
	return true;
}

/*
 * The cursor moves behind every row that was read, not only behind those that were
 * claimed.  It passes over others' rows, so they are not walked over again, and over
 * rows that somebody holds, whose tags are noted so that they alone are read once
 * more.  After so many of others' rows the claim ends, with what it has: the dispatcher
 * does its other steps, and goes on from there.
 */
int
ga_row_claims_take(GaRowClaims *rows, const GaQueueRange *range, int limit,
				   GaQueueScan *scan, GaClaim *claims)
{
	ScanKeyData keys[3];
	ScanKeyData after[3];
	ScanKeyData last[3];
	int count = 0;

	seek(rows, range, keys, after, last);
	while (count < limit &&
		   ga_row_reader_next_part(&rows->queue, GA_INVITATION_CONTACT))
	{
		GaQueueCursor at = place_of_row(rows);

		CHECK_FOR_INTERRUPTS();
		if (is_claimable(rows) && !is_set_aside(rows, &at))
		{
			if (claim_row(rows, &claims[count]))
				count++;
			else
				ga_fair_queue_add_range(&scan->locked, at.start_tag,
										at.start_tag);
		}
		else
			rows->passed++;
		*scan->cursor = at;
		if (rows->passed >= OTHERS_ROWS)
		{
			scan->goes_on = true;
			break;
		}
	}
	return count;
}
