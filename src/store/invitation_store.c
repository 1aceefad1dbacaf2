/*
 * invitation_store.c
 *		Statements on invitations from the callers' side.
 *
 * Locks: one invitation row at a time, or the rows of one group in key order.
 * The dispatcher skips locked rows, so an open transaction of a caller never
 * delays the queue; whoever locks rows wakes it at the end (dispatch/wake).
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/fair_queue.h"
#include "base/guc.h"
#include "catalog/pg_type.h"
#include "store/caps/cap_store.h"
#include "store/events/event_moves.h"
#include "store/group/deadline_store.h"
#include "store/invitation_events.h"
#include "store/invitation_store.h"
#include "store/group/lifecycle_store.h"
#include "store/plan_cache.h"
#include "store/suppression_store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* The settings' expiry as an interval parameter. */
static Datum
expiry_interval(void)
{
	Interval *interval = palloc0(sizeof(Interval));

	interval->time = (int64) ga_settings.invitation_expiry * USECS_PER_MINUTE;
	return IntervalPGetDatum(interval);
}

#define INVITATION_BY_NUMBERS                                                  \
	"SELECT i.group_id, i.number, g.status = 'ARCHIVED', g.name,"              \
	" g.description, g.image, g.message, g.inviter, m.name, i.response,"       \
	" i.expires_at, i.responded_at, i.due IS NOT NULL, i.locale, g.locale,"    \
	" m.user_id"                                                               \
	" FROM group_api_private.groups g"                                         \
	" JOIN group_api_private.invitations i ON i.group_id = g.id"               \
	" JOIN group_api_private.members m"                                        \
	"  ON m.group_id = i.group_id AND m.number = i.number"                     \
	" WHERE g.number = $1 AND i.number = $2"
#define INVITATION_BY_TOKEN INVITATION_BY_NUMBERS " AND i.link_version = $3"

static void
read_view(const GaOwnerScope *scope, GaInvitationView *view)
{
	bool isnull;

	view->group_id = *DatumGetUUIDP(ga_row_datum(0, 1, &isnull));
	view->number = ga_row_int32(0, 2, 0);
	view->group_is_archived = ga_row_bool(0, 3, false);
	view->text.group_name = ga_row_text(scope, 0, 4);
	view->text.description = ga_row_text(scope, 0, 5);
	view->text.image = ga_row_text(scope, 0, 6);
	view->text.message = ga_row_text(scope, 0, 7);
	view->text.inviter = ga_row_text(scope, 0, 8);
	view->text.member = ga_row_text(scope, 0, 9);
	view->response = ga_state_row_response(0, 10);
	view->text.expires_at = ga_row_int64(0, 11, 0);
	view->text.responded_at = ga_row_int64(0, 12, 0);
	view->is_waiting = ga_row_bool(0, 13, false);
	view->locale = ga_row_text(scope, 0, 14);
	view->group_locale = ga_row_text(scope, 0, 15);
	view->user_id = ga_row_int64(0, 16, 0);
}

bool
ga_invitation_find(const GaOwnerScope *scope, GaLinkToken token,
				   bool for_update, GaInvitationView *view)
{
	static GaPlan find = {
		.sql = INVITATION_BY_TOKEN,
		.nargs = 3,
		.argtypes = {INT8OID, INT4OID, INT4OID},
	};
	static GaPlan lock = {
		.sql = INVITATION_BY_TOKEN " FOR NO KEY UPDATE OF i",
		.nargs = 3,
		.argtypes = {INT8OID, INT4OID, INT4OID},
	};
	Datum values[3] = {Int64GetDatum(token.group_number),
					   Int32GetDatum(token.member_number),
					   Int32GetDatum(token.version)};
	uint64 found;

	if (!for_update)
		found = ga_plan_read(&find, values, NULL);
	else if (ga_plan_run(&lock, values, NULL, SPI_OK_SELECT) == 0)
		return false;
	else
		/* A statement of its own: of the member, too, it sees what was
		 * committed before the lock. */
		found = ga_plan_run(&find, values, NULL, SPI_OK_SELECT);
	if (found > 0)
		read_view(scope, view);
	return found > 0;
}

bool
ga_invitation_find_any(const GaOwnerScope *scope, GaLinkToken token,
					   GaInvitationView *view)
{
	static GaPlan plan = {
		.sql = INVITATION_BY_NUMBERS,
		.nargs = 2,
		.argtypes = {INT8OID, INT4OID},
	};
	Datum values[2] = {Int64GetDatum(token.group_number),
					   Int32GetDatum(token.member_number)};
	uint64 found = ga_plan_read(&plan, values, NULL);

	if (found > 0)
		read_view(scope, view);
	return found > 0;
}

void
ga_invitation_answer(const GaInvitationView *view, bool accepted)
{
	static GaPlan accept = {
		.sql = "UPDATE group_api_private.invitations i" GA_SET_ACCEPTED
			   " WHERE group_id = $1 AND number = $2 AND " GA_IS_OPEN
			   " RETURNING " GA_MOVED,
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	static GaPlan decline = {
		.sql = "UPDATE group_api_private.invitations i" GA_SET_DECLINED
			   " WHERE group_id = $1 AND number = $2 AND " GA_IS_OPEN
			   " RETURNING " GA_MOVED,
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	Datum values[2] = {UUIDPGetDatum(&view->group_id),
					   Int32GetDatum(view->number)};

	ga_plan_run(accepted ? &accept : &decline, values, NULL,
				SPI_OK_UPDATE_RETURNING);
	ga_event_write_moved(accepted ? GA_MOVE_ACCEPT : GA_MOVE_DECLINE);
}

#define SET_SUPPRESSED GA_SET_SUPPRESSED("o.words", "now() + $4")

static void
mark_suppressed(pg_uuid_t group_id, const Datum *numbers,
				const char *const *words, int count)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations i" SET_SUPPRESSED
			   " FROM unnest($2, $3) AS o (number, words)"
			   " WHERE i.group_id = $1 AND i.number = o.number"
			   "  AND " GA_FROM_HELD " RETURNING " GA_MOVED,
		.nargs = 4,
		.argtypes = {UUIDOID, INT4ARRAYOID, TEXTARRAYOID, INTERVALOID},
	};
	Datum values[4] = {
		UUIDPGetDatum(&group_id),
		ga_row_datum_array((Datum *) numbers, NULL, count, INT4OID),
		ga_row_text_array(words, count), expiry_interval()};

	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE_RETURNING);
	ga_event_write_moved(GA_MOVE_SUPPRESS);
}

/* Those of the held ones whose contact is on the suppression list; how many. */
static int
suppress_held(const GaOwnerScope *scope, pg_uuid_t group_id)
{
	static GaPlan plan = {
		.sql = "SELECT number, CASE channel WHEN 'MOBILE' THEN 1 ELSE 2 END,"
			   " contact FROM group_api_private.invitations"
			   " WHERE group_id = $1 AND delivery = " GA_SQL_HELD
			   "  AND EXISTS (SELECT FROM group_api_private.suppressions)",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	Datum values[1] = {UUIDPGetDatum(&group_id)};
	int count = (int) ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	Datum *numbers = palloc(sizeof(Datum) * Max(count, 1));
	GaChannel *channels = palloc(sizeof(GaChannel) * Max(count, 1));
	const char **contacts = palloc(sizeof(char *) * Max(count, 1));
	const char **words = palloc(sizeof(char *) * Max(count, 1));
	int marked = 0;

	for (int i = 0; i < count; i++)
	{
		numbers[i] = Int32GetDatum(ga_row_int32(i, 1, 0));
		channels[i] = (GaChannel) ga_row_int32(i, 2, GA_CHANNEL_EMAIL);
		contacts[i] = ga_row_text(scope, i, 3);
	}
	if (ga_suppressions_find(scope, count, channels, contacts, words) == 0)
		return 0;
	for (int i = 0; i < count; i++)
		if (words[i] != NULL)
		{
			numbers[marked] = numbers[i];
			words[marked++] = ga_suppression_words(words[i]);
		}
	mark_suppressed(group_id, numbers, words, marked);
	return marked;
}

#define MAY_BE_RELEASED                                                        \
	" WHERE group_id = $1 AND delivery = " GA_SQL_HELD                         \
	" AND response = " GA_SQL_PENDING

/*
 * The places in the queue of those that are held, in the order of their numbers:
 * an array of bigint that begins with the one of the number `first`.
 */
static Datum
take_tags_of_held(pg_uuid_t group_id, int64 leader, int32 *first)
{
	static GaPlan plan = {
		.sql = "SELECT number, CASE channel WHEN 'MOBILE' THEN 1 ELSE 2 END"
			   " FROM group_api_private.invitations" MAY_BE_RELEASED
			   " ORDER BY number",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	Datum values[1] = {UUIDPGetDatum(&group_id)};
	int rows = (int) ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
	int counts[GA_CHANNEL_COUNT] = {0};
	GaStartTags tags[GA_CHANNEL_COUNT];
	int places;
	Datum *places_of;

	*first = rows > 0 ? ga_row_int32(0, 1, 0) : 0;
	places = rows > 0 ? ga_row_int32(rows - 1, 1, 0) - *first + 1 : 0;
	places_of = palloc0(sizeof(Datum) * Max(places, 1));
	for (int i = 0; i < rows; i++)
		counts[ga_row_int32(i, 2, 0)]++;
	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
	{
		tags[i] = ga_fair_queue_take_tags((GaChannel) i, leader, counts[i]);
		counts[i] = 0;
	}
	for (int i = 0; i < rows; i++)
	{
		int32 channel = ga_row_int32(i, 2, 0);

		places_of[ga_row_int32(i, 1, 0) - *first] =
			Int64GetDatum(ga_fair_queue_tag(&tags[channel], counts[channel]++));
	}
	return ga_row_datum_array(places_of, NULL, places, INT8OID);
}

#define SET_RELEASED GA_SET_RELEASED("($3)[i.number - $4 + 1]", "now() + $2")

uint64
ga_invitations_release(const GaOwnerScope *scope, pg_uuid_t group_id,
					   int64 leader)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.invitations i" SET_RELEASED
			MAY_BE_RELEASED " RETURNING " GA_MOVED,
		.nargs = 4,
		.argtypes = {UUIDOID, INTERVALOID, INT8ARRAYOID, INT4OID},
	};
	Datum values[4] = {UUIDPGetDatum(&group_id), expiry_interval()};
	int32 first;
	uint64 released;

	released = suppress_held(scope, group_id);
	values[2] = take_tags_of_held(group_id, leader, &first);
	values[3] = Int32GetDatum(first);
	released += ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE_RETURNING);
	ga_event_write_moved(GA_MOVE_RELEASE);
	/* Those that are not sent expire as well. */
	if (released > 0)
		ga_group_advance_deadline(group_id, ga_group_deadline_of_queued());
	return released;
}

const char *
ga_invitation_contact(const GaOwnerScope *scope, const pg_uuid_t *group_id,
					  int32 number)
{
	static GaPlan plan = {
		.sql = "SELECT contact FROM group_api_private.invitations"
			   " WHERE group_id = $1 AND number = $2",
		.nargs = 2,
		.argtypes = {UUIDOID, INT4OID},
	};
	Datum values[2] = {UUIDPGetDatum(group_id), Int32GetDatum(number)};

	if (ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) == 0)
		return NULL;
	return ga_row_text(scope, 0, 1);
}

int64
ga_invitations_waiting(void)
{
	static GaPlan plan = {
		.sql = "SELECT count(*) FROM group_api_private.invitations"
			   " WHERE due IS NOT NULL",
	};

	ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT);
	return ga_row_int64(0, 1, 0);
}

#define GA_SQL_BUSY                                                            \
	" FROM group_api_private.invitations WHERE due IS NOT NULL"                \
	" AND (start_tag IS NOT NULL OR due <= clock_timestamp()"                  \
	" OR delivery = " GA_SQL_SENDING ")"

bool
ga_invitations_are_busy(void)
{
	static GaPlan plan = {
		.sql = "SELECT" GA_SQL_BUSY " LIMIT 1",
	};

	/* In the snapshot the caller pushed: the newest, in any isolation. */
	return ga_plan_read(&plan, NULL, NULL) > 0;
}

char *
ga_invitations_busy_words(const GaOwnerScope *scope)
{
	/* A long queue is not counted to its end. */
	static GaPlan plan = {
		.sql = "SELECT string_agg(format('%s to %s %s%s',"
			   " CASE WHEN n > 1000 THEN 'more than 1000' ELSE n::text END,"
			   " channel, CASE WHEN n = 1 THEN 'is ' ELSE 'are ' END,"
			   " CASE delivery WHEN " GA_SQL_SENDING " THEN 'being sent' ELSE"
			   " 'in the queue' END), ', ' ORDER BY channel, delivery)"
			   " FROM (SELECT channel, delivery, count(*) AS n"
			   "  FROM (SELECT channel, delivery" GA_SQL_BUSY " LIMIT 1001) b"
			   "  GROUP BY channel, delivery) g",
	};

	ga_plan_read(&plan, NULL, NULL);
	return ga_row_text(scope, 0, 1);
}
