/*
 * creation.c
 *		What the two contracts' create functions share.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "api/arguments.h"
#include "api/channel_notice.h"
#include "api/creation.h"
#include "api/execute_right.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/uuid.h"
#include "catalog/pg_type.h"
#include "dispatch/wake.h"
#include "port/pg_bitutils.h"
#include "request/body.h"
#include "store/events/event_moves.h"
#include "store/events/event_store.h"
#include "store/group/deadline_store.h"
#include "store/group/insert_store.h"
#include "store/group/member_insert.h"
#include "store/group/subscription_store.h"
#include "store/installation_store.h"
#include "store/suppression_store.h"
#include "utils/timestamp.h"

/* Asks for the right to all forms of the function and reads who calls. */
static bool
is_refused(FunctionCallInfo fcinfo, GaContract contract, GaCaller *caller,
		   Datum *answer)
{
	ga_execute_right_check(fcinfo, GA_ALL_FORMS);
	ga_caller_read(caller);
	if (!caller->is_authenticated)
		*answer = ga_answer_not_authenticated(caller, contract);
	else if (PG_ARGISNULL(0))
		*answer =
			ga_answer_fault(caller, contract, "", GA_VIOLATION_INVALID_BODY,
							NULL, "the body must be an object, not null");
	else
		return false;
	return true;
}

/* The size is in the head of a compressed value, too: nothing is unpacked to be refused. */
static bool
check_size(FunctionCallInfo fcinfo, int at, GaContract contract,
		   const GaCaller *caller, Datum *answer)
{
	GaViolations violations = {NIL};
	size_t size = toast_raw_datum_size(PG_GETARG_DATUM(at));

	if (ga_body_check_size(size - VARHDRSZ, ga_settings.max_members,
						   &violations))
		return true;
	*answer = ga_answer_violations(caller, contract, &violations);
	return false;
}

Jsonb *
ga_creation_body(FunctionCallInfo fcinfo, int at, GaContract contract,
				 const GaCaller *caller, GaViolations *violations,
				 Datum *answer)
{
	static const char *const none[] = {NULL};
	static const char *const lists[] = {"invite_users", "users", NULL};
	static const char *const booleans[] = {"sendInvitations", "dryRun", NULL};
	static const GaFormTypes types_a = {.lists = none, .booleans = booleans};
	/* Its fields take texts for booleans in JSON, too. */
	static const GaFormTypes types_b = {.lists = lists, .booleans = none};
	struct varlena *given;
	Jsonb *body;

	/* It may be compressed, so its size is asked for before it is unpacked. */
	if (!check_size(fcinfo, at, contract, caller, answer))
		return NULL;
	if (ga_argument_type(fcinfo, at) == JSONBOID)
		return PG_GETARG_JSONB_P(at);
	/* A text or a bytea: it is the same. */
	given = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(at));
	body = ga_body_read((GaBytes){VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given)},
						contract == GA_CONTRACT_B ? &types_b : &types_a,
						ga_settings.max_members, violations);
	if (body == NULL)
		*answer = ga_answer_violations(caller, contract, violations);
	return body;
}

Datum
ga_creation_run(FunctionCallInfo fcinfo, GaContract contract, GaCreate create)
{
	GaGivenBody body = {.violations = {NIL}};
	GaCaller caller;
	Datum answer;

	if (is_refused(fcinfo, contract, &caller, &answer))
		return answer;
	body.json = ga_creation_body(fcinfo, 0, contract, &caller, &body.violations,
								 &answer);
	if (body.json == NULL)
		return answer;
	body.is_copy = (Pointer) body.json != DatumGetPointer(PG_GETARG_DATUM(0));
	return create(&caller, &body);
}

void
ga_creation_forget_body(GaGivenBody *body)
{
	if (body->is_copy)
		pfree(body->json);
	body->json = NULL;
}

void
ga_creation_begin(GaGroup *group, char contract)
{
	memset(group, 0, sizeof(*group));
	group->contract = contract;
	group->created_at = GetCurrentTransactionStartTimestamp();
	group->expires_at = ga_group_expiry(group->created_at);
	group->visible = true;
	group->active = true;
	group->id = ga_uuid_v7(group->created_at);
}

void
ga_creation_mark_shard(GaGroup *group)
{
	int shard;

	group->is_named = ga_installation_is_named(&shard);
	ga_shard_put_into_uuid(&group->id, shard);
}

void
ga_creation_add_leader(const GaOwnerScope *scope, GaGroup *group,
					   const GaCaller *caller)
{
	/* The answer, which is made after the scope has ended, tells of them. */
	MemoryContext old = MemoryContextSwitchTo(scope->caller_context);
	GaMember *leader = &group->members[0];

	group->created_by = caller->user.id;
	group->inviter = ga_user_display_name(&caller->user);
	group->locale = ga_caller_locale(caller->user.locale);
	leader->number = 1;
	leader->is_leader = true;
	leader->user_id = caller->user.id;
	leader->name = ga_caller_name(caller);
	leader->picture = caller->user.avatar;
	MemoryContextSwitchTo(old);
}

void
ga_creation_mark_suppressed(const GaOwnerScope *scope, GaGroup *group)
{
	const char **reasons =
		ga_suppressions_of_members(scope, group, GA_DELIVERY_QUEUED);

	for (int i = 0; reasons != NULL && i < group->member_count; i++)
		if (reasons[i] != NULL)
		{
			group->members[i].delivery = GA_DELIVERY_SUPPRESSED;
			group->members[i].reason = ga_suppression_words(reasons[i]);
		}
}

/* Of a member who is written: whoever is invited, or is in without being asked. */
static GaEventTypes
types_of_member(const GaMember *member)
{
	if (member->response != GA_RESPONSE_NONE)
		return ga_event_types_after(GA_MOVE_CREATE, member->delivery,
									member->response);
	return member->is_leader || member->user_id == 0
			   ? 0
			   : GA_EVENT_BIT(GA_EVENT_MEMBER_JOINED);
}

/*
 * Mostly nobody listens: then a group of ten thousand costs one look at what is wanted,
 * and no array is made.
 */
static void
write_events(const GaGroup *group, bool is_new)
{
	GaEvent *events;
	int count = 0;

	if (!ga_event_moves_are_wanted(GA_MOVE_CREATE) &&
		!ga_events_are_wanted(GA_EVENT_BIT(GA_EVENT_GROUP_CREATED) |
							  GA_EVENT_BIT(GA_EVENT_MEMBER_JOINED)))
		return;
	events = palloc0(sizeof(GaEvent) * (group->member_count + 1));
	if (is_new)
		events[count++] =
			(GaEvent){.type = GA_EVENT_GROUP_CREATED, .group_id = group->id};
	for (int i = 0; i < group->member_count; i++)
	{
		GaEventTypes types = types_of_member(&group->members[i]);

		if (types != 0)
			events[count++] =
				(GaEvent){.type = (GaEventType) pg_rightmost_one_pos32(types),
						  .group_id = group->id,
						  .number = group->members[i].number};
	}
	ga_events_write(events, count);
}

/*
 * The trigger on invitations, which wakes the dispatcher for whoever writes them, is
 * silent meanwhile: ours are told by their tags, so that exactly these are read.  False:
 * the name is taken, and nothing was written.
 */
bool
ga_creation_write(const GaOwnerScope *scope, GaGroup *group)
{
	bool done;

	ga_creation_mark_suppressed(scope, group);
	ga_wake_trigger_is_silent = true;
	done = ga_group_insert(scope, group);
	ga_wake_trigger_is_silent = false;
	if (done)
	{
		ga_wake_at_commit_for_tags();
		write_events(group, true);
		ga_channel_notice_tell(scope, group);
	}
	if (group->is_first)
		ga_wake_reload_at_commit();
	return done;
}

void
ga_creation_add_members(const GaOwnerScope *scope, GaGroup *added)
{
	if (added->member_count == 0)
		return;
	ga_creation_mark_suppressed(scope, added);
	ga_subscription_number_members(added);
	ga_wake_trigger_is_silent = true;
	ga_members_insert(added);
	ga_wake_trigger_is_silent = false;
	write_events(added, false);
}

void
ga_creation_end(GaOwnerScope *scope, GaCaller *caller, GaGroup *group,
				GaPreview *preview, const GaViolations *violations)
{
	if (preview != NULL && !ga_violations_any(violations))
		ga_preview_make(scope, caller, group, ga_preview_queued,
						GA_PREVIEW_EVERY, NULL, preview);
	ga_owner_leave(scope);
}

/* RFC 7240: preferences are separated by commas, their case is of no meaning. */
bool
ga_creation_is_rehearsal(const GaCaller *caller)
{
	const char *header = ga_caller_header(caller, "prefer");
	char *state;

	if (header == NULL)
		return false;
	for (char *preference = strtok_r(pstrdup(header), ", ;", &state);
		 preference != NULL; preference = strtok_r(NULL, ", ;", &state))
		if (pg_strcasecmp(preference, "tx=rollback") == 0)
			return true;
	return false;
}
