/*
 * suppression_store.c
 *		The list of contacts that get nothing more.
 *
 * Locks: rows of the list only.  Must never store or log a contact.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/contact_hash.h"
#include "store/group/group_store.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/suppression_store.h"
#include "store/table/table_find.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#define CHANNEL_2                                                              \
	"CASE $2 WHEN 1 THEN 'MOBILE'::group_api.channel"                          \
	" ELSE 'EMAIL'::group_api.channel END"

static void
put_text(const char *text, Datum *value, char *isnull)
{
	*value = text ? CStringGetTextDatum(text) : (Datum) 0;
	*isnull = text ? ' ' : 'n';
}

bool
ga_suppression_add(GaChannel channel, const char *contact,
				   const GaSuppressionCause *cause)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.suppressions (contact_hash,"
			   "  channel, reason, server, code, evidence, receipt)"
			   " VALUES ($1, " CHANNEL_2 ", $3::group_api.suppression, $4, $5,"
			   "  $6, $7)"
			   " ON CONFLICT (contact_hash) DO NOTHING",
		.no_wait = GA_MAY_MEET_A_LOCK("one contact of ga_work_attempt()"),
		.nargs = 7,
		.argtypes = {BYTEAOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
					 INT8OID},
	};
	Datum values[7];
	char nulls[7] = {' ', ' ', ' ', ' ', ' ', ' ', ' '};

	ga_contact_hashes_make(1, &channel, &contact, &values[0]);
	values[1] = Int32GetDatum((int32) channel);
	put_text(cause->reason, &values[2], &nulls[2]);
	put_text(cause->server, &values[3], &nulls[3]);
	put_text(cause->code, &values[4], &nulls[4]);
	put_text(cause->evidence, &values[5], &nulls[5]);
	values[6] = Int64GetDatum(cause->receipt);
	nulls[6] = cause->receipt != 0 ? ' ' : 'n';
	return ga_plan_run(&plan, values, nulls, SPI_OK_INSERT) > 0;
}

bool
ga_suppression_add_member(Datum group_id, int32 number, int32 version,
						  const GaSuppressionCause *cause)
{
	static GaPlan plan = {
		.sql = "SELECT CASE channel WHEN 'MOBILE' THEN 1 ELSE 2 END, contact"
			   " FROM group_api_private.invitations"
			   " WHERE group_id = $1 AND number = $2 AND contact IS NOT NULL"
			   "  AND ($3 = 0 OR contact_since <= $3)",
		.nargs = 3,
		.argtypes = {UUIDOID, INT4OID, INT4OID},
	};
	Datum values[3] = {group_id, Int32GetDatum(number), Int32GetDatum(version)};
	GaChannel channel;
	char *contact;
	bool isnull;

	if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) == 0)
		return false;
	channel = (GaChannel) ga_row_int32(0, 1, GA_CHANNEL_EMAIL);
	contact = TextDatumGetCString(ga_row_datum(0, 2, &isnull));
	return ga_suppression_add(channel, contact, cause);
}

int64
ga_suppressions_kept_back(GaChannel channel, const char *contact,
						  GaRowKey *found, int room)
{
	static GaPlan plan = {
		.sql = "SELECT i.group_id, i.number, count(*) OVER ()"
			   " FROM group_api_private.invitations i"
			   " WHERE i.channel = " CHANNEL_2 "  AND " GA_FROM_SUPPRESSED
			   "  AND lower(i.contact) = lower($1)"
			   " ORDER BY i.changed_at DESC LIMIT $3",
		.nargs = 3,
		.argtypes = {TEXTOID, INT4OID, INT4OID},
	};
	Datum values[3] = {CStringGetTextDatum(contact),
					   Int32GetDatum((int32) channel), Int32GetDatum(room)};
	uint64 rows = ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);

	for (uint64 i = 0; i < rows; i++)
		ga_row_read_key(i, &found[i]);
	return rows > 0 ? ga_row_int64(0, 3, 0) : 0;
}

bool
ga_suppression_remove(GaChannel channel, const char *contact)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.suppressions"
			   " WHERE contact_hash = $1",
		.nargs = 1,
		.argtypes = {BYTEAOID},
	};
	Datum values[1];

	if (!ga_contact_hashes_find(1, &channel, &contact, &values[0]))
		return false;
	return ga_plan_run(&plan, values, NULL, SPI_OK_DELETE) > 0;
}

bool
ga_suppression_remove_reason(GaChannel channel, const char *contact,
							 const char *reason)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.suppressions"
			   " WHERE contact_hash = $1 AND reason::text = $2",
		.nargs = 2,
		.argtypes = {BYTEAOID, TEXTOID},
	};
	Datum values[2];

	if (!ga_contact_hashes_find(1, &channel, &contact, &values[0]))
		return false;
	values[1] = CStringGetTextDatum(reason);
	return ga_plan_run(&plan, values, NULL, SPI_OK_DELETE) > 0;
}

static const GaColumn columns[] = {{"contact_hash", BYTEAOID}};

static GaTable suppressions = {
	.name = "suppressions",
	.column_count = lengthof(columns),
	.columns = columns,
};

static bool
is_list_empty(void)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.suppressions LIMIT 1",
	};
	Datum values[lengthof(columns)];
	bool nulls[lengthof(columns)];
	GaFound found = ga_table_find_any(&suppressions, values, nulls);

	if (found != GA_FOUND_UNKNOWN)
		return found == GA_FOUND_NONE;
	return ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT) == 0;
}

/* As ga_suppressions_find(), of a list that has entries. */
static int
find_listed(const GaOwnerScope *scope, int count, const GaChannel *channels,
			const char *const *contacts, const char **reasons)
{
	static GaPlan plan = {
		.sql = "SELECT o.n::int4, s.reason::text"
			   " FROM unnest($1) WITH ORDINALITY AS o (hash, n)"
			   " JOIN group_api_private.suppressions s"
			   "  ON s.contact_hash = o.hash",
		.nargs = 1,
		.argtypes = {BYTEAARRAYOID},
	};
	Datum *hashes = palloc(sizeof(Datum) * count);
	Datum values[1];
	int found;

	/* Nobody who is on the list may get a message since its salt is gone. */
	if (!ga_contact_hashes_find(count, channels, contacts, hashes))
		ga_contact_salt_is_missing();
	values[0] = ga_row_datum_array(hashes, NULL, count, BYTEAOID);
	found = (int) ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	for (int row = 0; row < found; row++)
		reasons[ga_row_int32(row, 1, 1) - 1] = ga_row_text(scope, row, 2);
	return found;
}

int
ga_suppressions_find(const GaOwnerScope *scope, int count,
					 const GaChannel *channels, const char *const *contacts,
					 const char **reasons)
{
	memset(reasons, 0, sizeof(*reasons) * count);
	if (count == 0 || is_list_empty())
		return 0;
	return find_listed(scope, count, channels, contacts, reasons);
}

/* So many members are looked for at a time: their hashes and the array of them. */
#define BATCH 1000

typedef struct Batch
{
	int count;
	int places[BATCH]; /* of the members */
	GaChannel channels[BATCH];
	const char *contacts[BATCH];
	const char *reasons[BATCH];
} Batch;

static void
look_for_batch(const GaOwnerScope *scope, Batch *batch, const char **reasons)
{
	memset(batch->reasons, 0, sizeof(batch->reasons[0]) * batch->count);
	(void) find_listed(scope, batch->count, batch->channels, batch->contacts,
					   batch->reasons);
	for (int i = 0; i < batch->count; i++)
		reasons[batch->places[i]] = batch->reasons[i];
	batch->count = 0;
	SPI_freetuptable(SPI_tuptable);
}

static void
look_for_members(const GaOwnerScope *scope, const GaGroup *group,
				 GaDelivery delivery, const char **reasons)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "group_api suppressions", ALLOCSET_DEFAULT_SIZES);
	Batch *batch = palloc(sizeof(Batch));
	MemoryContext old = MemoryContextSwitchTo(context);

	batch->count = 0;
	for (int i = 0; i < group->member_count; i++)
	{
		const GaMember *member = &group->members[i];

		if (member->delivery == delivery)
		{
			batch->places[batch->count] = i;
			batch->channels[batch->count] = member->channel;
			batch->contacts[batch->count++] = member->contact;
		}
		if (batch->count == BATCH)
		{
			look_for_batch(scope, batch, reasons);
			MemoryContextReset(context);
		}
	}
	if (batch->count > 0)
		look_for_batch(scope, batch, reasons);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	pfree(batch);
}

static bool
has_any(const GaGroup *group, GaDelivery delivery)
{
	for (int i = 0; i < group->member_count; i++)
		if (group->members[i].delivery == delivery)
			return true;
	return false;
}

const char **
ga_suppressions_of_members(const GaOwnerScope *scope, const GaGroup *group,
						   GaDelivery delivery)
{
	const char **reasons;

	if (!has_any(group, delivery) || is_list_empty())
		return NULL;
	reasons = palloc0(sizeof(char *) * group->member_count);
	look_for_members(scope, group, delivery, reasons);
	return reasons;
}

const char *
ga_suppression_words(const char *reason)
{
	static const char *const words[][2] = {
		{"bounced",
		 GA_SUPPRESSION_WORDS "messages to this contact came back before"},
		{"complained", GA_SUPPRESSION_WORDS
		 "the person reported an earlier message as unwanted"},
		{"unsubscribed",
		 GA_SUPPRESSION_WORDS "the person wants no more messages"},
		{"opted_out", GA_SUPPRESSION_WORDS "the person answered STOP before"},
		{"operator",
		 GA_SUPPRESSION_WORDS "an operator suppressed this contact"},
	};

	for (int i = 0; i < lengthof(words); i++)
		if (strcmp(words[i][0], reason) == 0)
			return words[i][1];
	return GA_SUPPRESSION_GENERAL_WORDS;
}
