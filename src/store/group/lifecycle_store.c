/*
 * lifecycle_store.c
 *		What a caller changes after a group was written: invitations sent again and
 *		withdrawn, groups archived and deleted.
 *
 * Locks: a caller locks the group before its invitations, those in the order of
 * their numbers, or one invitation alone.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/fair_queue.h"
#include "catalog/pg_type.h"
#include "store/events/event_moves.h"
#include "store/events/event_store.h"
#include "store/group/lifecycle_store.h"
#include "store/group/deadline_store.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"
#include "store/queue/poll_store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

bool
ga_lifecycle_lock_invitation(const GaOwnerScope *scope, pg_uuid_t group_id,
							 int32 number, GaOpenInvitation *invitation)
{
	static GaPlan plan = {
		.sql = "SELECT CASE channel WHEN 'MOBILE' THEN 1 WHEN 'EMAIL' THEN 2"
			   "  ELSE 0 END, contact, delivery, response, due IS NOT NULL"
			   " FROM group_api_private.invitations"
			   " WHERE group_id = $1 AND number = $2 FOR NO KEY UPDATE",
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	Datum values[2] = {UUIDPGetDatum(&group_id), Int32GetDatum(number)};

	if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) == 0)
		return false;
	invitation->group_id = group_id;
	invitation->number = number;
	invitation->channel = (GaChannel) ga_row_int32(0, 1, GA_CHANNEL_NONE);
	invitation->contact = ga_row_text(scope, 0, 2);
	invitation->delivery = ga_state_row_delivery(0, 3);
	invitation->response = ga_state_row_response(0, 4);
	invitation->is_waiting = ga_row_bool(0, 5, false);
	return true;
}

bool
ga_group_lock(pg_uuid_t group_id, bool *is_archived)
{
	static GaPlan plan = {
		.sql = "SELECT status = 'ARCHIVED' FROM group_api_private.groups"
			   " WHERE id = $1 FOR NO KEY UPDATE",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	Datum values[1] = {UUIDPGetDatum(&group_id)};

	if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) == 0)
		return false;
	*is_archived = ga_row_bool(0, 1, false);
	return true;
}

/* Of a user who asked to join after the invitation had ended. */
static void
forget_request(const Datum *values)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.requests r"
			   " USING group_api_private.members m"
			   " WHERE m.group_id = $1 AND m.number = $2"
			   "  AND r.group_id = m.group_id AND r.user_id = m.user_id",
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};

	ga_plan_run(&plan, (Datum *) values, NULL, SPI_OK_DELETE);
}

void
ga_lifecycle_resend(const GaOpenInvitation *invitation, const char *suppressed,
					int64 leader)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations i" GA_SET_RESENT
			   " FROM (SELECT $3 AS expires_at, $4 AS suppressed,"
			   "  $5 AS start_tag) AS o"
			   " WHERE i.group_id = $1 AND i.number = $2 RETURNING " GA_MOVED,
		.nargs = 5,
		.argtypes = {UUIDOID, INT4OID, TIMESTAMPTZOID, TEXTOID, INT8OID},
	};
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	TimestampTz expires_at = ga_group_expiry(now);
	Datum values[5] = {UUIDPGetDatum(&invitation->group_id),
					   Int32GetDatum(invitation->number),
					   TimestampTzGetDatum(expires_at)};
	char nulls[5] = {' ', ' ', ' ', suppressed ? ' ' : 'n',
					 suppressed ? 'n' : ' '};

	if (suppressed != NULL)
		values[3] = CStringGetTextDatum(suppressed);
	else
		values[4] = Int64GetDatum(
			ga_fair_queue_take_tags(invitation->channel, leader, 1).first);
	ga_plan_run(&plan, values, nulls, SPI_OK_UPDATE_RETURNING);
	ga_event_write_moved(GA_MOVE_RESEND);
	forget_request(values);
	ga_poll_forget(invitation->group_id, invitation->number, NULL);
	ga_group_advance_deadline(invitation->group_id,
							  ga_group_first_deadline(now, expires_at));
}

void
ga_lifecycle_revoke(const GaOpenInvitation *invitation)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations i" GA_SET_WITHDRAWN
			   " WHERE group_id = $1 AND number = $2 RETURNING " GA_MOVED,
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	Datum values[2] = {UUIDPGetDatum(&invitation->group_id),
					   Int32GetDatum(invitation->number)};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE_RETURNING);
	ga_event_write_moved(GA_MOVE_WITHDRAW);
}

bool
ga_lifecycle_end_link(const GaOpenInvitation *invitation)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations i"
			   " SET link_version = " GA_NEXT_LINK
			   " WHERE i.group_id = $1 AND i.number = $2 AND NOT EXISTS ("
			   "  SELECT FROM group_api_private.members m"
			   "   WHERE m.group_id = $1 AND m.number = $2"
			   "    AND m.user_id IS NOT NULL)",
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	Datum values[2] = {UUIDPGetDatum(&invitation->group_id),
					   Int32GetDatum(invitation->number)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE) > 0;
}

bool
ga_group_archive(pg_uuid_t group_id)
{
	static GaPlan archive = {
		.sql = "UPDATE group_api_private.groups"
			   " SET status = 'ARCHIVED', next_deadline = NULL"
			   " WHERE id = $1 AND status = 'ACTIVE'",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	/* Receipts of several invitations lock them in this order. */
	static GaPlan lock = {
		.sql = "SELECT FROM group_api_private.invitations"
			   " WHERE group_id = $1 AND response = " GA_SQL_PENDING
			   " ORDER BY number FOR NO KEY UPDATE",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	static GaPlan withdraw = {
		.sql = "UPDATE group_api_private.invitations i" GA_SET_WITHDRAWN
			   " WHERE group_id = $1 AND " GA_IS_OPEN " RETURNING " GA_MOVED,
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	Datum values[1] = {UUIDPGetDatum(&group_id)};

	if (ga_plan_run(&archive, values, NULL, SPI_OK_UPDATE) == 0)
		return false;
	ga_plan_run(&lock, values, NULL, SPI_OK_SELECT);
	ga_plan_run(&withdraw, values, NULL, SPI_OK_UPDATE_RETURNING);
	ga_event_write_moved(GA_MOVE_WITHDRAW);
	ga_event_write(GA_EVENT_GROUP_ARCHIVED, group_id, 0);
	return true;
}

void
ga_group_delete(pg_uuid_t group_id)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.groups WHERE id = $1",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	Datum values[1] = {UUIDPGetDatum(&group_id)};

	ga_event_write(GA_EVENT_GROUP_DELETED, group_id, 0);
	ga_plan_run(&plan, values, NULL, SPI_OK_DELETE);
}
