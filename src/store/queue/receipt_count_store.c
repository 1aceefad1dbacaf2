/*
 * receipt_count_store.c
 *		How many receipts came, by day, provider and result; and the removal of
 *		receipts and counts that are old.
 *
 * Locks: rows of receipt_counts and receipts, skipping those that others hold.
 */
#include "postgres.h"

#include "base/guc.h"
#include "catalog/pg_type.h"
#include "store/plan_cache.h"
#include "store/queue/receipt_count_store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Removed in one go: some milliseconds. */
#define TRIM_ROWS 10000
/* Counts are small: a year of them is kept. */
#define COUNT_DAYS 366

/*
 * Whoever counts takes any row of the day, server and result that nobody holds,
 * or begins another: nobody waits, and there are as many rows as there ever were
 * open transactions that counted the same at once.
 */
static void
count(const char *server, const char *result, int64 receipts)
{
	static GaPlan add = {
		.sql = "UPDATE group_api_private.receipt_counts"
			   " SET receipts = receipts + $3 WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.receipt_counts"
			   "  WHERE day = (now() AT TIME ZONE 'UTC')::date"
			   "   AND server = $1::name AND result = $2 LIMIT 1"
			   "  FOR NO KEY UPDATE SKIP LOCKED))",
		.nargs = 3,
		.argtypes = {TEXTOID, TEXTOID, INT8OID},
	};
	static GaPlan begin = {
		.sql = "INSERT INTO group_api_private.receipt_counts"
			   " (day, server, result, receipts)"
			   " VALUES ((now() AT TIME ZONE 'UTC')::date, $1, $2, $3)",
		.nargs = 3,
		.argtypes = {TEXTOID, TEXTOID, INT8OID},
	};
	Datum values[3];

	values[0] = CStringGetTextDatum(server ? server : "");
	values[1] = CStringGetTextDatum(result);
	values[2] = Int64GetDatum(receipts);
	if (ga_plan_run(&add, values, NULL, SPI_OK_UPDATE) == 0)
		ga_plan_run(&begin, values, NULL, SPI_OK_INSERT);
}

void
ga_receipt_count(const char *server, const char *result)
{
	count(server, result, 1);
}

void
ga_receipt_count_results(const char *server, const GaReceiptResult *results,
						 int number)
{
	for (int result = GA_RECEIPT_MOVED; result <= GA_RECEIPT_REPLAYED; result++)
	{
		int64 found = 0;

		for (int i = 0; i < number; i++)
			found += results[i] == (GaReceiptResult) result;
		if (found > 0)
			count(server, ga_receipt_result_name((GaReceiptResult) result),
				  found);
	}
}

static bool
trim_receipts(void)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.receipts WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.receipts"
			   "  WHERE received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))",
		.nargs = 2,
		.argtypes = {TIMESTAMPTZOID, INT4OID},
		.is_by_range = true,
	};
	TimestampTz end = GetCurrentTimestamp() -
					  (int64) ga_settings.receipts_retention * USECS_PER_MINUTE;
	Datum values[2] = {TimestampTzGetDatum(end), Int32GetDatum(TRIM_ROWS)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_DELETE) == TRIM_ROWS;
}

static bool
trim_counts(void)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.receipt_counts"
			   " WHERE ctid = ANY (ARRAY("
			   " SELECT ctid FROM group_api_private.receipt_counts"
			   "  WHERE day < (now() AT TIME ZONE 'UTC')::date - $1 LIMIT $2"
			   "  FOR UPDATE SKIP LOCKED))",
		.nargs = 2,
		.argtypes = {INT4OID, INT4OID},
	};
	Datum values[2] = {Int32GetDatum(COUNT_DAYS), Int32GetDatum(TRIM_ROWS)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_DELETE) == TRIM_ROWS;
}

bool
ga_receipts_trim(void)
{
	bool more = trim_receipts();

	return trim_counts() || more;
}
