/*
 * consumers.c
 *		group_api.create_consumer(), next_events() and what belongs to them: events
 *		for whoever asks for them.
 *
 * EXECUTE is the right to call them, since a consumer hears of all groups; one that was
 * made for a role is that role's besides.
 */
#include "postgres.h"

#include "api/arguments.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/shared/event_type.h"
#include "catalog/pg_type.h"
#include "dispatch/wake.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "store/events/consumer_store.h"
#include "store/events/event_store.h"
#include "store/events/listener_store.h"
#include "store/events/webhook_store.h"
#include "store/owner.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

/* Events of one call of next_events(). */
#define NEXT_EVENTS_MAX 10000
/* Of a consumer's name; as PostgreSQL's own names. */
#define NAME_MAX_BYTES (NAMEDATALEN - 1)

static const char *
read_name(FunctionCallInfo fcinfo, int at)
{
	const char *name = ga_argument_text(fcinfo, at);

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the consumer's name must not be null")));
	if (name[0] == '\0' || strlen(name) > NAME_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a consumer's name has 1 to %d bytes", NAME_MAX_BYTES),
				 errdetail("This one has %zu.", strlen(name))));
	return name;
}

static GaEventTypes
read_types(FunctionCallInfo fcinfo, int at)
{
	const char *list = ga_argument_text(fcinfo, at);
	char known[GA_EVENT_TYPES_LIST_MAX];
	GaEventTypes types;
	const char *wrong;
	size_t length;

	if (list == NULL)
		list = "";
	ga_event_types_list(known, sizeof(known));
	if (!ga_event_types_read(list, &types, &wrong, &length))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown event \"%.*s\"", (int) length, wrong),
				 errdetail("The list of events is \"%s\".", list),
				 errhint("Write names or their beginnings, as invitation.*, "
						 "with commas between, or * for all: %s.",
						 known)));
	return types;
}

pg_noreturn static void
refuse_unknown(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("there is no consumer \"%s\"", name),
			 errhint("SELECT name FROM group_api.consumers; shows them, SELECT "
					 "group_api.create_consumer(%s); makes it.",
					 quote_literal_cstr(name))));
}

/* Whose there is no such role any more, superusers have alone. */
static bool
may_have(Oid user, const GaConsumerRole *role)
{
	if (role->name == NULL)
		return true;
	return OidIsValid(role->oid) ? has_privs_of_role(user, role->oid)
								 : superuser_arg(user);
}

/* That there is one, and that `user` may have its events. */
static void
check_consumer(const GaOwnerScope *scope, const char *name, Oid user)
{
	GaConsumerRole role;

	if (!ga_consumer_find(scope, name, &role))
		refuse_unknown(name);
	if (may_have(user, &role))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for consumer \"%s\"", name),
			 OidIsValid(role.oid)
				 ? errdetail("It is for role \"%s\".", role.name)
				 : errdetail("It is for role \"%s\", which is not there.",
							 role.name),
			 OidIsValid(role.oid)
				 ? errhint("GRANT %s TO %s;", quote_identifier(role.name),
						   quote_identifier(GetUserNameFromId(user, false)))
				 : errhint("SELECT group_api.drop_consumer(%s); removes it.",
						   quote_literal_cstr(name))));
}

PG_FUNCTION_INFO_V1(group_api_create_consumer);

Datum
group_api_create_consumer(PG_FUNCTION_ARGS)
{
	const char *name = read_name(fcinfo, 0);
	GaEventTypes types = read_types(fcinfo, 1);
	bool contacts = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	Oid role = PG_ARGISNULL(3) ? InvalidOid : PG_GETARG_OID(3);
	GaOwnerScope scope;
	bool created;

	/* Else it would be everybody's. */
	if (!PG_ARGISNULL(3) &&
		!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("role %u does not exist", role)));
	ga_owner_enter(&scope);
	if (ga_webhook_exists(name))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("there is a webhook \"%s\" already", name),
				 errdetail("A webhook and a consumer of events cannot have the "
						   "same name."),
				 errhint("Choose another name for the consumer.")));
	created = ga_consumer_create(name, types, contacts, role);
	ga_owner_leave(&scope);
	/* Who trims what is kept for it learns of it. */
	ga_wake_reload_at_commit();
	if (!created)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("there is a consumer \"%s\" already", name),
				 errhint("SELECT group_api.drop_consumer(%s); removes it with "
						 "all that waits for it.",
						 quote_literal_cstr(name))));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(group_api_drop_consumer);

Datum
group_api_drop_consumer(PG_FUNCTION_ARGS)
{
	const char *name = read_name(fcinfo, 0);
	GaOwnerScope scope;
	bool dropped;

	ga_owner_enter(&scope);
	dropped = ga_consumer_drop(name);
	ga_owner_leave(&scope);
	PG_RETURN_BOOL(dropped);
}

static int
read_limit(FunctionCallInfo fcinfo, int at)
{
	int limit = PG_ARGISNULL(at) ? 0 : PG_GETARG_INT32(at);

	if (limit < 1 || limit > NEXT_EVENTS_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the limit must be 1 to %d", NEXT_EVENTS_MAX)));
	return limit;
}

static void
put_event(ReturnSetInfo *result, const GaConsumedEvent *event)
{
	Datum values[5] = {Int64GetDatum(event->id), UUIDPGetDatum(&event->uid),
					   CStringGetTextDatum(event->type),
					   TimestampTzGetDatum(event->at),
					   CStringGetTextDatum(event->document)};
	bool nulls[5] = {false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(group_api_next_events);

Datum
group_api_next_events(PG_FUNCTION_ARGS)
{
	const char *name = read_name(fcinfo, 0);
	int limit = read_limit(fcinfo, 1);
	GaConsumedEvent *events;
	GaOwnerScope scope;
	int count;

	InitMaterializedSRF(fcinfo, 0);
	ga_owner_enter(&scope);
	check_consumer(&scope, name, scope.user);
	count =
		ga_consumer_take(&scope, name, limit, ga_settings.event_lease, &events);
	ga_owner_leave(&scope);
	for (int i = 0; i < count; i++)
		put_event((ReturnSetInfo *) fcinfo->resultinfo, &events[i]);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(group_api_ack_events);

Datum
group_api_ack_events(PG_FUNCTION_ARGS)
{
	const char *name = read_name(fcinfo, 0);
	GaOwnerScope scope;
	int64 acked;

	if (PG_ARGISNULL(1) || array_contains_nulls(PG_GETARG_ARRAYTYPE_P(1)))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("an event's id must not be null")));
	ga_owner_enter(&scope);
	check_consumer(&scope, name, scope.user);
	acked = ga_consumer_ack(name, PG_GETARG_DATUM(1));
	ga_owner_leave(&scope);
	PG_RETURN_INT64(acked);
}

PG_FUNCTION_INFO_V1(group_api_replay_events);

Datum
group_api_replay_events(PG_FUNCTION_ARGS)
{
	const char *name = read_name(fcinfo, 0);
	GaOwnerScope scope;
	GaEventTypes types;
	int64 count;

	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the time must not be null")));
	ga_owner_enter(&scope);
	types = ga_listener_types(name);
	if (types == 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("there is neither a webhook nor a consumer \"%s\"", name),
			 errhint("SELECT server FROM group_api.webhooks; and SELECT "
					 "name FROM group_api.consumers; show them.")));
	count = ga_events_replay(name, types, PG_GETARG_TIMESTAMPTZ(1));
	ga_owner_leave(&scope);
	PG_RETURN_INT64(count);
}
