/*
 * suppression_store.c
 *		TEMPORARY: enough to link while the real one is written.
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
		.sql = "INSERT INTO group_api_private.suppressions (contact_hash,"
			   " channel, reason) SELECT sha256(convert_to(channel ||"
			   " lower(contact), 'UTF8')), channel,"
			   " $3::group_api.suppression FROM group_api_private.invitations"
			   " WHERE group_id = $1 AND number = $2 AND contact IS NOT NULL"
			   " ON CONFLICT DO NOTHING",
		.nargs = 3,
		.argtypes = {UUIDOID, INT4OID, TEXTOID},
	};
	Datum values[3] = {group_id, Int32GetDatum(number),
					   CStringGetTextDatum(reason)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_INSERT) > 0;
}
