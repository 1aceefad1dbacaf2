/*
 * event_moves.c
 *		What listeners are told when the state of an invitation moves.
 *
 * Which moves there are stands in store/invitation_events.h; the table here has an
 * entry for each, TOLD_<event>_<state it leads to>, so that a new move does not
 * compile before somebody has decided what is told of it.
 *
 * Locks: none.
 *
 * Must never: tell of a row that has not moved.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/events/event_moves.h"
#include "store/events/event_store.h"
#include "store/invitation_events.h"
#include "store/plan_cache.h"

#define NOTHING 0
#define TOLD(what) GA_EVENT_BIT(GA_EVENT_INVITATION_##what)

/* ---- of the message -------------------------------------------------------- */

#define TOLD_CREATE_NONE NOTHING
#define TOLD_CREATE_HELD NOTHING
#define TOLD_CREATE_SUPPRESSED TOLD(SUPPRESSED)
#define TOLD_CREATE_QUEUED TOLD(QUEUED)
#define TOLD_RELEASE_QUEUED TOLD(QUEUED)
#define TOLD_SUPPRESS_SUPPRESSED TOLD(SUPPRESSED)
#define TOLD_CLAIM_SENDING NOTHING
#define TOLD_RECORD_FAILED TOLD(FAILED)
/* It was withdrawn meanwhile, and that was told. */
#define TOLD_RECORD_CANCELED NOTHING
#define TOLD_RECORD_SENT TOLD(SENT)
/* It is tried again. */
#define TOLD_RECORD_QUEUED NOTHING
#define TOLD_RECORD_UNCERTAIN TOLD(UNCERTAIN)
#define TOLD_RECORD_SUPPRESSED TOLD(SUPPRESSED)
#define TOLD_TAKE_BACK_UNCERTAIN TOLD(UNCERTAIN)
#define TOLD_TAKE_BACK_QUEUED NOTHING
#define TOLD_RECEIPT_SENT TOLD(SENT)
#define TOLD_RECEIPT_DELIVERED TOLD(DELIVERED)
#define TOLD_RECEIPT_FAILED TOLD(FAILED)
/* What is told is the answer, the withdrawal, the expiry. */
#define TOLD_ANSWER_DELIVERED NOTHING
#define TOLD_WITHDRAW_CANCELED NOTHING
#define TOLD_EXPIRE_SENT NOTHING
#define TOLD_EXPIRE_FAILED NOTHING
/* The reminder is told when it is sent. */
#define TOLD_REMIND_QUEUED NOTHING
#define TOLD_RESEND_SUPPRESSED TOLD(SUPPRESSED)
#define TOLD_RESEND_QUEUED TOLD(RESENT)
#define TOLD_RENEW_NONE NOTHING
#define TOLD_RENEW_SUPPRESSED TOLD(SUPPRESSED)
#define TOLD_RENEW_QUEUED TOLD(RESENT)
#define TOLD_RETRY_QUEUED TOLD(QUEUED)

/* ---- of the person --------------------------------------------------------- */

#define TOLD_CREATE_PENDING NOTHING
#define TOLD_ACCEPT_ACCEPTED TOLD(ACCEPTED)
#define TOLD_DECLINE_DECLINED TOLD(DECLINED)
#define TOLD_JOIN_ACCEPTED                                                     \
	(TOLD(ACCEPTED) | GA_EVENT_BIT(GA_EVENT_MEMBER_JOINED))
#define TOLD_WITHDRAW_REVOKED TOLD(REVOKED)
#define TOLD_EXPEL_REVOKED GA_EVENT_BIT(GA_EVENT_MEMBER_REMOVED)
#define TOLD_EXPIRE_EXPIRED TOLD(EXPIRED)
#define TOLD_RECORD_EXPIRED TOLD(EXPIRED)
/* What is told is the message, where there is one. */
#define TOLD_RESEND_PENDING NOTHING
#define TOLD_RENEW_PENDING NOTHING
#define TOLD_RETRY_PENDING NOTHING

/* ---- reading the table ------------------------------------------------------ */

#define IF_DELIVERY(event, to)                                                 \
	if (delivery == GA_DELIVERY_##to)                                          \
		types |= TOLD_##event##_##to;
#define IF_RESPONSE(event, to)                                                 \
	if (response == GA_RESPONSE_##to)                                          \
		types |= TOLD_##event##_##to;

#define D_CREATE(from, to, when) IF_DELIVERY(CREATE, to)
#define D_RELEASE(from, to, when) IF_DELIVERY(RELEASE, to)
#define D_SUPPRESS(from, to, when) IF_DELIVERY(SUPPRESS, to)
#define D_CLAIM(from, to, when) IF_DELIVERY(CLAIM, to)
#define D_RECORD(from, to, when) IF_DELIVERY(RECORD, to)
#define D_TAKE_BACK(from, to, when) IF_DELIVERY(TAKE_BACK, to)
#define D_RECEIPT(from, to, when) IF_DELIVERY(RECEIPT, to)
#define D_ANSWER(from, to, when) IF_DELIVERY(ANSWER, to)
#define D_WITHDRAW(from, to, when) IF_DELIVERY(WITHDRAW, to)
#define D_EXPIRE(from, to, when) IF_DELIVERY(EXPIRE, to)
#define D_REMIND(from, to, when) IF_DELIVERY(REMIND, to)
#define D_RESEND(from, to, when) IF_DELIVERY(RESEND, to)
#define D_RENEW(from, to, when) IF_DELIVERY(RENEW, to)
#define D_RETRY(from, to, when) IF_DELIVERY(RETRY, to)
#define R_CREATE(from, to, when) IF_RESPONSE(CREATE, to)
#define R_RECORD(from, to, when) IF_RESPONSE(RECORD, to)
#define R_ACCEPT(from, to, when) IF_RESPONSE(ACCEPT, to)
#define R_DECLINE(from, to, when) IF_RESPONSE(DECLINE, to)
#define R_JOIN(from, to, when) IF_RESPONSE(JOIN, to)
#define R_WITHDRAW(from, to, when) IF_RESPONSE(WITHDRAW, to)
#define R_EXPEL(from, to, when) IF_RESPONSE(EXPEL, to)
#define R_EXPIRE(from, to, when) IF_RESPONSE(EXPIRE, to)
#define R_RESEND(from, to, when) IF_RESPONSE(RESEND, to)
#define R_RENEW(from, to, when) IF_RESPONSE(RENEW, to)
#define R_RETRY(from, to, when) IF_RESPONSE(RETRY, to)

static GaEventTypes
types_of_message(GaMove move, GaDelivery delivery)
{
	GaEventTypes types = NOTHING;

	switch (move)
	{
		case GA_MOVE_CREATE:
			GA_DELIVERY_ON_CREATE(D_CREATE)
			break;
		case GA_MOVE_RELEASE:
			GA_DELIVERY_ON_RELEASE(D_RELEASE)
			break;
		case GA_MOVE_SUPPRESS:
			GA_DELIVERY_ON_SUPPRESS(D_SUPPRESS)
			break;
		case GA_MOVE_CLAIM:
			GA_DELIVERY_ON_CLAIM(D_CLAIM)
			break;
		case GA_MOVE_RECORD:
			GA_DELIVERY_ON_RECORD(D_RECORD)
			break;
		case GA_MOVE_TAKE_BACK:
			GA_DELIVERY_ON_TAKE_BACK(D_TAKE_BACK)
			break;
		case GA_MOVE_RECEIPT:
			GA_DELIVERY_ON_RECEIPT_SENT(D_RECEIPT)
			GA_DELIVERY_ON_RECEIPT_DELIVERED(D_RECEIPT)
			GA_DELIVERY_ON_RECEIPT_FAILED(D_RECEIPT)
			break;
		case GA_MOVE_ACCEPT:
		case GA_MOVE_DECLINE:
		case GA_MOVE_JOIN:
			GA_DELIVERY_ON_ANSWER(D_ANSWER)
			break;
		case GA_MOVE_WITHDRAW:
		case GA_MOVE_EXPEL:
			GA_DELIVERY_ON_WITHDRAW(D_WITHDRAW)
			break;
		case GA_MOVE_EXPIRE:
			GA_DELIVERY_ON_EXPIRE(D_EXPIRE)
			break;
		case GA_MOVE_REMIND:
			GA_DELIVERY_ON_REMIND(D_REMIND)
			break;
		case GA_MOVE_RESEND:
			GA_DELIVERY_ON_RESEND(D_RESEND)
			break;
		case GA_MOVE_RENEW:
			GA_DELIVERY_ON_RENEW(D_RENEW)
			break;
		case GA_MOVE_RETRY:
			GA_DELIVERY_ON_RETRY(D_RETRY)
			break;
		case GA_MOVE_COUNT:
			break;
	}
	return types;
}

static GaEventTypes
types_of_person(GaMove move, GaResponse response)
{
	GaEventTypes types = NOTHING;

	switch (move)
	{
		case GA_MOVE_CREATE:
			GA_RESPONSE_ON_CREATE(R_CREATE)
			break;
		case GA_MOVE_RECORD:
			GA_RESPONSE_ON_RECORD(R_RECORD)
			break;
		case GA_MOVE_ACCEPT:
			GA_RESPONSE_ON_ACCEPT(R_ACCEPT)
			break;
		case GA_MOVE_DECLINE:
			GA_RESPONSE_ON_DECLINE(R_DECLINE)
			break;
		case GA_MOVE_JOIN:
			GA_RESPONSE_ON_JOIN(R_JOIN)
			break;
		case GA_MOVE_WITHDRAW:
			GA_RESPONSE_ON_WITHDRAW(R_WITHDRAW)
			break;
		case GA_MOVE_EXPEL:
			GA_RESPONSE_ON_EXPEL(R_EXPEL)
			break;
		case GA_MOVE_EXPIRE:
			GA_RESPONSE_ON_EXPIRE(R_EXPIRE)
			break;
		case GA_MOVE_RESEND:
			GA_RESPONSE_ON_RESEND(R_RESEND)
			break;
		case GA_MOVE_RENEW:
			GA_RESPONSE_ON_RENEW(R_RENEW)
			break;
		case GA_MOVE_RETRY:
			GA_RESPONSE_ON_RETRY(R_RETRY)
			break;
		/* These move no response. */
		case GA_MOVE_RELEASE:
		case GA_MOVE_SUPPRESS:
		case GA_MOVE_CLAIM:
		case GA_MOVE_TAKE_BACK:
		case GA_MOVE_RECEIPT:
		case GA_MOVE_REMIND:
		case GA_MOVE_COUNT:
			break;
	}
	return types;
}

GaEventTypes
ga_event_types_after(GaMove move, GaDelivery delivery, GaResponse response)
{
	return types_of_message(move, delivery) | types_of_person(move, response);
}

/* All that may be told of the move. */
static GaEventTypes
types_of_move(GaMove move)
{
	GaEventTypes types = NOTHING;

	for (int i = GA_DELIVERY_NONE; i <= GA_DELIVERY_UNCERTAIN; i++)
		types |= types_of_message(move, (GaDelivery) i);
	for (int i = GA_RESPONSE_NONE; i <= GA_RESPONSE_EXPIRED; i++)
		types |= types_of_person(move, (GaResponse) i);
	return types;
}

bool
ga_event_moves_are_wanted(GaMove move)
{
	static GaEventTypes of_move[GA_MOVE_COUNT];

	if (of_move[move] == NOTHING)
		of_move[move] = types_of_move(move);
	return ga_events_are_wanted(of_move[move]);
}

/* The message comes before the person: in the order of their numbers. */
static int
add_events(GaMove move, const GaMovedRow *row, GaEvent *events)
{
	GaEventTypes types =
		ga_event_types_after(move, row->delivery, row->response);
	int count = 0;

	for (int i = 0; i < GA_EVENT_COUNT; i++)
		if (types & GA_EVENT_BIT(i))
			events[count++] = (GaEvent){.type = (GaEventType) i,
										.group_id = row->group_id,
										.number = row->number};
	return count;
}

/* A move is told by two events at the most. */
#define EVENTS_OF_A_MOVE 2

void
ga_event_write_moves(GaMove move, const GaMovedRow *rows, int count)
{
	GaEvent *events;
	int written = 0;

	if (count == 0 || !ga_event_moves_are_wanted(move))
		return;
	events = palloc(sizeof(GaEvent) * count * EVENTS_OF_A_MOVE);
	for (int i = 0; i < count; i++)
		written += add_events(move, &rows[i], &events[written]);
	ga_events_write(events, written);
	pfree(events);
}

/* A statement returns its rows in any order; a group's members have one. */
static int
compare_rows(const void *one, const void *other)
{
	const GaMovedRow *a = one;
	const GaMovedRow *b = other;
	int order = memcmp(&a->group_id, &b->group_id, sizeof(pg_uuid_t));

	return order != 0 ? order : a->number - b->number;
}

void
ga_event_write_moved(GaMove move)
{
	int count = (int) SPI_processed;
	GaMovedRow *rows;
	bool isnull;

	if (count == 0 || !ga_event_moves_are_wanted(move))
		return;
	rows = palloc(sizeof(GaMovedRow) * count);
	for (int i = 0; i < count; i++)
	{
		rows[i].group_id = *DatumGetUUIDP(ga_row_datum(i, 1, &isnull));
		rows[i].number = ga_row_int32(i, 2, 0);
		rows[i].delivery = ga_state_row_delivery(i, 3);
		rows[i].response = ga_state_row_response(i, 4);
	}
	qsort(rows, count, sizeof(GaMovedRow), compare_rows);
	ga_event_write_moves(move, rows, count);
	pfree(rows);
}
