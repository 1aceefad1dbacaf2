/*
 * suppression_store.c
 *		TEMPORARY: only what receipts need to link.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/plan_cache.h"
#include "store/suppression_store.h"
#include "utils/builtins.h"

bool
ga_suppression_add_member(Datum group_id, int32 number, const char *reason,
						  const char *server, const char *code)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.suppressions"
			   " (contact_hash, channel, reason, server, code)"
			   " SELECT sha256(convert_to(lower(contact), 'UTF8')), channel,"
			   "  $3::group_api.suppression, $4, $5"
			   "  FROM group_api_private.invitations"
			   "  WHERE group_id = $1 AND number = $2"
			   " ON CONFLICT (contact_hash) DO NOTHING",
		.nargs = 5,
		.argtypes = {UUIDOID, INT4OID, TEXTOID, TEXTOID, TEXTOID},
	};
	char nulls[5] = {' ', ' ', ' ', server ? ' ' : 'n', code ? ' ' : 'n'};
	Datum values[5];

	values[0] = group_id;
	values[1] = Int32GetDatum(number);
	values[2] = CStringGetTextDatum(reason);
	values[3] = server ? CStringGetTextDatum(server) : (Datum) 0;
	values[4] = code ? CStringGetTextDatum(code) : (Datum) 0;
	return ga_plan_run(&plan, values, nulls, SPI_OK_INSERT) > 0;
}
