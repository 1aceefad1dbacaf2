/* TEMPORARY: the real one is written elsewhere. */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/plan_cache.h"
#include "store/receipt_store.h"
#include "utils/builtins.h"

const char *
ga_receipt_result_name(GaReceiptResult result)
{
	static const char *const names[] = {"moved",   "known",	   "stale",
										"unknown", "replayed", "refused"};
	return names[result];
}

static Datum
digest_of(const GaReceipt *receipt)
{
	bytea *digest = palloc(VARHDRSZ + 32);

	SET_VARSIZE(digest, VARHDRSZ + 32);
	memcpy(VARDATA(digest), receipt->digest, 32);
	return PointerGetDatum(digest);
}

GaReceiptResult
ga_receipt_apply(const GaReceipt *receipt)
{
	static GaPlan keep = {
		.sql = "INSERT INTO group_api_private.receipts (way, result, group_id,"
			   " number, status, code, digest, raw)"
			   " VALUES ('bounce', 'known', $1, $2, $3, $4, $5, $6)"
			   " ON CONFLICT DO NOTHING",
		.nargs = 6,
		.argtypes = {UUIDOID, INT4OID, TEXTOID, TEXTOID, BYTEAOID, BYTEAOID},
	};
	static GaPlan find = {
		.sql = "SELECT i.group_id, i.link_version <> $4 AND $4 <> 0"
			   " FROM group_api_private.invitations i"
			   " JOIN group_api_private.groups g ON g.id = i.group_id"
			   " WHERE i.number = $3 AND (g.id = $1 OR g.number = $2)",
		.nargs = 4,
		.argtypes = {UUIDOID, INT8OID, INT4OID, INT4OID},
	};
	static GaPlan move = {
		.sql = "UPDATE group_api_private.invitations"
			   " SET delivery = 'failed', reason = $3, due = NULL"
			   " WHERE group_id = $1 AND number = $2"
			   " AND delivery IN ('sent', 'uncertain', 'sending')",
		.nargs = 3,
		.argtypes = {UUIDOID, INT4OID, TEXTOID},
	};
	Datum found[4] = {UUIDPGetDatum(&receipt->group_id),
					  Int64GetDatum(receipt->ref.group_number),
					  Int32GetDatum(receipt->ref.member_number),
					  Int32GetDatum(receipt->ref.version)};
	pg_uuid_t group;
	bool isnull;
	bool stale;
	Datum kept[6];
	char nulls[7] = "      ";
	Datum moved[3];

	if (ga_plan_run(&find, found, receipt->by_group_id ? " n  " : "n   ",
					SPI_OK_SELECT) == 0)
		return GA_RECEIPT_UNKNOWN;
	group = *DatumGetUUIDP(ga_row_datum(0, 1, &isnull));
	stale = ga_row_bool(0, 2, false);
	kept[0] = UUIDPGetDatum(&group);
	kept[1] = Int32GetDatum(receipt->ref.member_number);
	kept[2] = CStringGetTextDatum("x");
	kept[3] = receipt->code ? CStringGetTextDatum(receipt->code) : (Datum) 0;
	nulls[3] = receipt->code ? ' ' : 'n';
	kept[4] = digest_of(receipt);
	kept[5] = PointerGetDatum(
		cstring_to_text_with_len(receipt->raw, receipt->raw_length));
	if (ga_plan_run(&keep, kept, nulls, SPI_OK_INSERT) == 0)
		return GA_RECEIPT_REPLAYED;
	if (stale)
		return GA_RECEIPT_STALE;
	if (receipt->status != GA_RECEIPT_FAILED)
		return GA_RECEIPT_KNOWN;
	moved[0] = kept[0];
	moved[1] = kept[1];
	moved[2] = CStringGetTextDatum(receipt->reason);
	return ga_plan_run(&move, moved, NULL, SPI_OK_UPDATE) > 0
			   ? GA_RECEIPT_MOVED
			   : GA_RECEIPT_KNOWN;
}

void
ga_receipt_count(const char *server, const char *result)
{
	static GaPlan plan = {
		.sql =
			"INSERT INTO group_api_private.receipt_counts AS c"
			" (day, server, result, receipts) VALUES (current_date, $1, $2, 1)"
			" ON CONFLICT (day, server, result)"
			" DO UPDATE SET receipts = c.receipts + 1",
		.nargs = 2,
		.argtypes = {TEXTOID, TEXTOID},
	};
	Datum values[2] = {CStringGetTextDatum(server),
					   CStringGetTextDatum(result)};

	ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
}
