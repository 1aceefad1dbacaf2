/*
 * receipt_store.c
 *		Moving deliveries by what providers say of them.
 *
 * Locks, event by event in the order of group and number: the invitation, the
 * digest, the suppression; at the end the counts (receipt_count_store.c).  So several events applied
 * together cannot deadlock with others.  The dispatcher skips the locked rows;
 * its record of a row that a receipt moved meanwhile finds nothing to do.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "store/events/event_moves.h"
#include "store/installation_store.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/row.h"
#include "store/queue/receipt_count_store.h"
#include "store/queue/receipt_store.h"
#include "store/suppression_store.h"
#include "utils/builtins.h"

#define DIGEST_LENGTH 32

/*
 * Whoever has the token of a message can send any number of events about it.  A long
 * SMS has ten parts with some four states each, and may be sent again.
 */
#define KEPT_OF_A_MESSAGE "100"
/* Of an event as it came; a callback may have 1 MB. */
#define RAW_MAX (16 * 1024)

/* The invitation an event is about, locked. */
typedef struct Target
{
	pg_uuid_t group_id;
	int64 group_number;
	int32 number;
	GaDelivery delivery;
	int32 attempts;
	int32 link_version;
	const char *message_id;
	bool is_waiting;
	bool is_known; /* to the event's provider: it was handed the message */
} Target;

const char *
ga_receipt_result_name(GaReceiptResult result)
{
	switch (result)
	{
		case GA_RECEIPT_MOVED:
			return "moved";
		case GA_RECEIPT_KNOWN:
			return "known";
		case GA_RECEIPT_STALE:
			return "stale";
		case GA_RECEIPT_UNKNOWN:
			return "unknown";
		case GA_RECEIPT_IGNORED:
			return "ignored";
		case GA_RECEIPT_REPLAYED:
			return "replayed";
		case GA_RECEIPT_REFUSED:
			break;
	}
	return "refused";
}

/* ---- the row ------------------------------------------------------------ */

#define TARGET                                                                 \
	"SELECT i.group_id, i.number, i.delivery, i.attempts::int4,"               \
	" i.link_version::int4, i.message_id, i.due IS NOT NULL,"                  \
	" $3 IS NULL OR i.server = $3 OR EXISTS (SELECT"                           \
	"  FROM group_api_private.attempts a WHERE a.group_id = i.group_id"        \
	"  AND a.member = i.number AND a.server = $3), g.number"                   \
	" FROM group_api_private.invitations i"                                    \
	" JOIN group_api_private.groups g ON g.id = i.group_id"

#define BY_NUMBER TARGET " WHERE g.number = $1 AND i.number = $2"
#define BY_ID TARGET " WHERE i.group_id = $1 AND i.number = $2"

/* As it stands, or with its row locked. */
static bool
find_target(const GaReceipt *receipt, bool lock, Target *target)
{
	static GaPlan plans[2][2] = {
		{{.sql = BY_NUMBER,
		  .nargs = 3,
		  .argtypes = {INT8OID, INT4OID, TEXTOID}},
		 {.sql = BY_ID, .nargs = 3, .argtypes = {UUIDOID, INT4OID, TEXTOID}}},
		{{.sql = BY_NUMBER " FOR NO KEY UPDATE OF i",
		  .no_wait = GA_ROWS_LOCKED_BY(ga_receipt_try),
		  .nargs = 3,
		  .argtypes = {INT8OID, INT4OID, TEXTOID}},
		 {.sql = BY_ID " FOR NO KEY UPDATE OF i",
		  .no_wait = GA_ROWS_LOCKED_BY(ga_receipt_try),
		  .nargs = 3,
		  .argtypes = {UUIDOID, INT4OID, TEXTOID}}},
	};
	char nulls[3] = {' ', ' ', ' '};
	Datum values[3];
	bool isnull;

	values[0] = receipt->by_group_id ? UUIDPGetDatum(&receipt->group_id)
									 : Int64GetDatum(receipt->ref.group_number);
	values[1] = Int32GetDatum(receipt->ref.member_number);
	values[2] = ga_row_text_datum(receipt->server, &nulls[2]);
	if (ga_plan_run(&plans[lock][receipt->by_group_id], values, nulls,
					SPI_OK_SELECT) == 0)
		return false;
	target->group_id = *DatumGetUUIDP(ga_row_datum(0, 1, &isnull));
	target->number = ga_row_int32(0, 2, 0);
	target->delivery = ga_state_row_delivery(0, 3);
	target->attempts = ga_row_int32(0, 4, 0);
	target->link_version = ga_row_int32(0, 5, 1);
	target->message_id =
		SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 6);
	target->is_waiting = ga_row_bool(0, 7, false);
	target->is_known = ga_row_bool(0, 8, false);
	target->group_number = ga_row_int64(0, 9, 0);
	/* A leader has no message. */
	return target->delivery != GA_DELIVERY_NONE;
}

/* ---- the judgement ------------------------------------------------------ */

/* <id> and id are one, and SendGrid appends to what it answered: id.more */
static bool
is_same_message(const char *known, const char *told)
{
	size_t known_length;
	size_t told_length;

	known += *known == '<';
	told += *told == '<';
	known_length = strcspn(known, ">");
	told_length = strcspn(told, ">");
	return told_length >= known_length &&
		   memcmp(known, told, known_length) == 0 &&
		   (told_length == known_length || told[known_length] == '.');
}

/* Whether it speaks of a message that is no longer the invitation's. */
static bool
is_stale(const GaReceipt *receipt, const Target *target)
{
	bool ids_are_known =
		receipt->message_id != NULL && target->message_id != NULL;
	bool is_same = ids_are_known &&
				   is_same_message(target->message_id, receipt->message_id);

	if (receipt->ref.version != 0 &&
		receipt->ref.version != target->link_version)
		return true;
	if (!target->is_known ||
		(target->attempts == 0 && target->delivery == GA_DELIVERY_QUEUED))
		return true;
	if (receipt->status != GA_RECEIPT_FAILED || !ids_are_known)
		return false;
	/* The id of a message is stored when its try is over: while the next try
	 * runs, it is that of an earlier one. */
	return is_same ? target->delivery == GA_DELIVERY_SENDING : true;
}

/*
 * A part that arrived does not mend the message whose first part, the one whose
 * id is known, did not.  After several tries it may be a whole one, though.
 */
static bool
is_mere_part(const GaReceipt *receipt, const Target *target)
{
	return receipt->may_be_part && target->delivery == GA_DELIVERY_FAILED &&
		   target->attempts == 1 && receipt->message_id != NULL &&
		   target->message_id != NULL &&
		   !is_same_message(target->message_id, receipt->message_id);
}

/* ---- the writing -------------------------------------------------------- */

#define SET_BY_RECEIPT GA_SET_BY_RECEIPT("$3", "$4", "$5")

/*
 * Writes the new state.  "sent" is what the provider knew before: its questions go on.
 * After "delivered" or "failed" there is nothing more to ask.
 */
static void
move(const GaReceipt *receipt, const Target *target, GaDelivery delivery)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations i" SET_BY_RECEIPT
			   " WHERE group_id = $1 AND number = $2 RETURNING " GA_MOVED,
		.no_wait = GA_ROWS_LOCKED_BY(find_target),
		.nargs = 5,
		.argtypes = {UUIDOID, INT4OID, TEXTOID, TEXTOID, TEXTOID},
	};
	static GaPlan polls = {
		.sql = "DELETE FROM group_api_private.polls"
			   " WHERE group_id = $1 AND number = $2",
		.no_wait = GA_ROWS_LOCKED_BY(ga_poll_lock),
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	bool has_failed = receipt->status == GA_RECEIPT_FAILED;
	char nulls[5] = {' ', ' ', ' ', ' ', ' '};
	Datum values[5];

	values[0] = UUIDPGetDatum(&target->group_id);
	values[1] = Int32GetDatum(target->number);
	values[2] = CStringGetTextDatum(ga_state_delivery_word(delivery));
	values[3] = ga_row_text_datum(
		!has_failed		  ? NULL
		: receipt->reason ? receipt->reason
						  : "the provider reported that it did not arrive",
		&nulls[3]);
	values[4] = ga_row_text_datum(receipt->message_id, &nulls[4]);
	ga_plan_run(&plan, values, nulls, SPI_OK_UPDATE_RETURNING);
	ga_event_write_moved(GA_MOVE_RECEIPT);
	if (receipt->status != GA_RECEIPT_SENT)
		ga_plan_run(&polls, values, NULL, SPI_OK_DELETE);
}

/*
 * A message whose answer was lost has no id, and its first receipt tells it.  With the
 * id a later one can be told from those of an earlier message.
 */
static void
store_message_id(const GaReceipt *receipt, const Target *target)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations SET message_id = $3"
			   " WHERE group_id = $1 AND number = $2",
		.no_wait = GA_ROWS_LOCKED_BY(find_target),
		.nargs = 3,
		.argtypes = {UUIDOID, INT4OID, TEXTOID},
	};
	Datum values[3];

	values[0] = UUIDPGetDatum(&target->group_id);
	values[1] = Int32GetDatum(target->number);
	values[2] = CStringGetTextDatum(receipt->message_id);
	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}

static Datum
bytes_datum(const void *bytes, size_t length)
{
	bytea *value = palloc(VARHDRSZ + length);

	SET_VARSIZE(value, VARHDRSZ + length);
	memcpy(VARDATA(value), bytes, length);
	return PointerGetDatum(value);
}

/* What keep() says of an event that is there already, and of one too many. */
#define KEPT_BEFORE 0
#define NOT_KEPT (-1)

/* Why nothing was inserted: the event is there, or there are too many of the message. */
static bool
is_kept(Datum digest)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.receipts WHERE digest = $1",
		.nargs = 1,
		.argtypes = {BYTEAOID},
	};

	return ga_plan_run(&plan, &digest, NULL, SPI_OK_SELECT) > 0;
}

/*
 * The row's id, KEPT_BEFORE or NOT_KEPT.  Of one message so many are kept, but for
 * those that count once: they are signed by the provider.  Of an invitation that is
 * gone nothing personal is kept.
 */
static int64
keep(const GaReceipt *receipt, const Target *target, GaReceiptResult result)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.receipts (way, server, result,"
			   " group_id, member, status, code, message_id, digest, raw)"
			   " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10"
			   " WHERE $11 OR (SELECT count(*) FROM (SELECT"
			   "   FROM group_api_private.receipts"
			   "   WHERE group_id = $4 AND member = $5"
			   "   LIMIT " KEPT_OF_A_MESSAGE ") AS r) < " KEPT_OF_A_MESSAGE
			   " ON CONFLICT (digest) DO NOTHING RETURNING id",
		.no_wait = GA_MAY_MEET_A_LOCK("one answer of ga_work_attempt()"),
		.nargs = 11,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, UUIDOID, INT4OID, TEXTOID,
					 TEXTOID, TEXTOID, BYTEAOID, BYTEAOID, BOOLOID},
	};
	Datum values[11] = {0};
	char nulls[11];

	memset(nulls, ' ', sizeof(nulls));
	values[0] = CStringGetTextDatum(receipt->way);
	values[1] = ga_row_text_datum(receipt->server, &nulls[1]);
	values[2] = CStringGetTextDatum(ga_receipt_result_name(result));
	nulls[3] = nulls[4] = nulls[9] = 'n';
	if (target != NULL)
	{
		values[3] = UUIDPGetDatum(&target->group_id);
		values[4] = Int32GetDatum(target->number);
		nulls[3] = nulls[4] = ' ';
	}
	values[5] = CStringGetTextDatum(ga_receipt_status_word(receipt->status));
	values[6] = ga_row_text_datum(receipt->code, &nulls[6]);
	values[7] = ga_row_text_datum(receipt->message_id, &nulls[7]);
	values[8] = bytes_datum(receipt->digest, DIGEST_LENGTH);
	if (target != NULL && receipt->raw != NULL)
	{
		values[9] = bytes_datum(receipt->raw,
								Min(receipt->raw_length, (size_t) RAW_MAX));
		nulls[9] = ' ';
	}
	values[10] = BoolGetDatum(receipt->counts_once);
	if (ga_plan_run(&plan, values, nulls, SPI_OK_INSERT_RETURNING) > 0)
		return ga_row_int64(0, 1, 0);
	return is_kept(values[8]) ? KEPT_BEFORE : NOT_KEPT;
}

/* What changes nothing may come again and again. */
static bool
is_to_be_kept(const GaReceipt *receipt, bool is_found)
{
	return receipt->counts_once ||
		   (is_found &&
			(receipt->is_ignored || receipt->status != GA_RECEIPT_NOTHING ||
			 receipt->suppress != NULL));
}

/* ---- what is not kept --------------------------------------------------- */

static const char *
without_tokens(const uint8 *secret, GaLinkToken token, const char *text,
			   size_t length)
{
	char *copy;

	if (text == NULL)
		return NULL;
	copy = palloc(length + 1);
	memcpy(copy, text, length);
	copy[length] = '\0';
	ga_link_token_hide(secret, token, copy, length);
	return copy;
}

/*
 * Events quote messages: Amazon tells the headers, a bounce the address it came
 * to, an error the address of the callback.
 */
static void
hide_tokens(const Target *target, GaReceipt *receipt)
{
	uint8 secret[GA_LINK_SECRET_LENGTH];
	GaLinkToken token = {.group_number = target->group_number,
						 .member_number = target->number,
						 .version = receipt->ref.version != 0
										? receipt->ref.version
										: target->link_version};
	const char **texts[] = {&receipt->message_id, &receipt->code,
							&receipt->reason};

	if (!ga_installation_find_link_secret(secret))
		return;
	for (int i = 0; i < lengthof(texts); i++)
		*texts[i] = without_tokens(secret, token, *texts[i],
								   *texts[i] ? strlen(*texts[i]) : 0);
	receipt->raw =
		without_tokens(secret, token, receipt->raw, receipt->raw_length);
	explicit_bzero(secret, sizeof(secret));
}

/* What becomes of the target; `delivery`: its state afterwards. */
static GaReceiptResult
judge(const GaReceipt *receipt, const Target *target, GaDelivery *delivery)
{
	*delivery = target->delivery;
	if (receipt->is_ignored)
		return GA_RECEIPT_IGNORED;
	if (is_stale(receipt, target))
		return GA_RECEIPT_STALE;
	if (!is_mere_part(receipt, target))
		*delivery = ga_state_after_receipt(target->delivery, receipt->status);
	return *delivery != target->delivery ? GA_RECEIPT_MOVED : GA_RECEIPT_KNOWN;
}

/*
 * Finds and judges; the row is locked, and judged again, only where something
 * will be written: what is refused as stale holds nobody up.
 */
static bool
find_and_judge(const GaReceipt *receipt, Target *target,
			   GaReceiptResult *result, GaDelivery *delivery)
{
	*result = GA_RECEIPT_UNKNOWN;
	if (receipt->ref.member_number <= 0 || !find_target(receipt, false, target))
		return false;
	*result = judge(receipt, target, delivery);
	if (*result == GA_RECEIPT_STALE || *result == GA_RECEIPT_IGNORED)
		return true;
	if (!find_target(receipt, true, target))
	{
		*result = GA_RECEIPT_UNKNOWN;
		return false;
	}
	*result = judge(receipt, target, delivery);
	return true;
}

/*
 * The event's row is written first, since its digest is what tells a replay: whoever
 * inserts it moves the delivery, and one that comes twice at the same time waits for
 * the other's commit in the index and then changes nothing.
 */
static GaReceiptResult
apply(const GaReceipt *told, bool *was_waiting)
{
	GaReceiptResult result;
	GaReceipt clean = *told;
	const GaReceipt *receipt = &clean;
	GaDelivery delivery;
	int64 id = 0;
	bool is_found;
	Target target;

	is_found = find_and_judge(receipt, &target, &result, &delivery);
	if (is_found)
	{
		hide_tokens(&target, &clean);
		*was_waiting |= target.is_waiting;
	}
	if (is_to_be_kept(receipt, is_found))
	{
		id = keep(receipt, is_found ? &target : NULL, result);
		if (id == KEPT_BEFORE)
			return GA_RECEIPT_REPLAYED;
	}
	if (result == GA_RECEIPT_MOVED)
		move(receipt, &target, delivery);
	else if (result == GA_RECEIPT_KNOWN && receipt->message_id != NULL &&
			 target.message_id == NULL)
		store_message_id(receipt, &target);
	if (is_found && receipt->suppress != NULL && target.is_known)
		(void) ga_suppression_add_member(UUIDPGetDatum(&target.group_id),
										 target.number, receipt->ref.version,
										 &(GaSuppressionCause){
											 .reason = receipt->suppress,
											 .server = receipt->server,
											 .code = receipt->code,
											 .evidence = receipt->evidence,
											 .receipt = Max(id, 0),
										 });
	return result;
}

/* ---- from outside ------------------------------------------------------- */

/* In the order of the locks; those of one message stay in their order. */
static int
compare_receipts(const void *a, const void *b)
{
	const GaReceipt *first = *(const GaReceipt *const *) a;
	const GaReceipt *second = *(const GaReceipt *const *) b;
	int order = memcmp(first->group_id.data, second->group_id.data, UUID_LEN);

	if (order != 0)
		return order;
	if (first->ref.group_number != second->ref.group_number)
		return first->ref.group_number < second->ref.group_number ? -1 : 1;
	if (first->ref.member_number != second->ref.member_number)
		return first->ref.member_number < second->ref.member_number ? -1 : 1;
	return first < second ? -1 : first > second;
}

/*
 * A callback may tell of hundreds of messages, in any order.  Two of them that lock the
 * same two invitations the other way round would wait for each other for ever, so the
 * locks are taken in the order of the table, and the results are told in the order given.
 */
bool
ga_receipts_apply(const GaReceipt *receipts, int number,
				  GaReceiptResult *results)
{
	const GaReceipt **order = palloc(sizeof(GaReceipt *) * Max(number, 1));
	bool was_waiting = false;

	for (int i = 0; i < number; i++)
		order[i] = &receipts[i];
	qsort(order, number, sizeof(GaReceipt *), compare_receipts);
	for (int i = 0; i < number; i++)
		results[order[i] - receipts] = apply(order[i], &was_waiting);
	if (number > 0)
		ga_receipt_count_results(receipts[0].server, results, number);
	return was_waiting;
}

GaReceiptResult
ga_receipt_apply(const GaReceipt *receipt)
{
	GaReceiptResult result;

	(void) ga_receipts_apply(receipt, 1, &result);
	return result;
}

static bool
is_there(Datum *key)
{
	static GaPlan plan = {
		.sql = "SELECT FROM group_api_private.invitations"
			   " WHERE group_id = $1 AND number = $2",
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};

	return ga_plan_run(&plan, key, NULL, SPI_OK_SELECT) > 0;
}

/*
 * The dispatcher's way: it may wait for no row that a caller can hold.  False: somebody
 * holds the invitation, and the answer is dropped, as the next question is scheduled.
 */
bool
ga_receipt_try(const GaReceipt *receipt)
{
	static GaPlan lock = {
		.sql = "SELECT FROM group_api_private.invitations"
			   " WHERE group_id = $1 AND number = $2"
			   " FOR NO KEY UPDATE SKIP LOCKED",
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	Datum key[2] = {UUIDPGetDatum(&receipt->group_id),
					Int32GetDatum(receipt->ref.member_number)};
	bool was_waiting = false;

	if (ga_plan_run(&lock, key, NULL, SPI_OK_SELECT) == 0)
		/* Held, or gone: of one that is gone there is nothing to do. */
		return !is_there(key);
	(void) apply(receipt, &was_waiting);
	return true;
}
