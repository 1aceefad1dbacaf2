/*
 * copied_over.c
 *		The trigger on installation: data of another database come into one in use.
 *
 * A dump that is restored over groups, or a subscription to a database in use, brings the
 * row that says whose data it brings.  The row that is there says otherwise, and the new
 * one would be refused as its double, while its groups go in and are sent.  So the row
 * that is there disowns the data, the new one is passed over, and nothing is sent before
 * adopt().
 *
 * The row that is written here bears this cluster and database.  It is an ALWAYS trigger,
 * since what a subscription applies fires no other.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "dispatch/wake.h"
#include "fmgr.h"
#include "store/installation_store.h"
#include "store/plan_cache.h"
#include "utils/rel.h"

static Datum
column_of(const TriggerData *data, const char *name, bool *isnull)
{
	TupleDesc desc = RelationGetDescr(data->tg_relation);

	return SPI_getbinval(data->tg_trigtuple, desc, SPI_fnumber(desc, name),
						 isnull);
}

static bool
is_written_here(const TriggerData *data)
{
	Datum own[2];
	Datum said[2];
	bool nulls[2];

	ga_installation_fill_identity(own);
	said[0] = column_of(data, "system_identifier", &nulls[0]);
	said[1] = column_of(data, "database_oid", &nulls[1]);
	return !nulls[0] && !nulls[1] &&
		   DatumGetInt64(said[0]) == DatumGetInt64(own[0]) &&
		   DatumGetObjectId(said[1]) == DatumGetObjectId(own[1]);
}

static bool
disown(const TriggerData *data)
{
	bool isnull;
	Datum salt_digest = column_of(data, "salt_digest", &isnull);
	GaOwnerScope scope;
	bool was_there;

	ga_owner_enter(&scope);
	was_there = ga_installation_copied_over(isnull ? (Datum) 0 : salt_digest);
	ga_owner_leave(&scope);
	return was_there;
}

PG_FUNCTION_INFO_V1(group_api_copied_over_trigger);

Datum
group_api_copied_over_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(data->tg_event))
		ereport(
			ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("group_api_private.copied_over can only be a trigger")));
	if (is_written_here(data) || !disown(data))
		PG_RETURN_POINTER(data->tg_trigtuple);
	ga_wake_reload_at_commit();
	ereport(NOTICE,
			(errmsg("data of another database were copied into this one, which "
					"sends nothing from now on"),
			 errhint("See what would be sent: SELECT "
					 "group_api.adopt(dry_run => true).")));
	PG_RETURN_POINTER(NULL);
}
