/*
 * event_moves.h
 *		What listeners are told when the state of an invitation moves.
 *
 * Every statement that moves a state returns GA_MOVED and is followed by
 * ga_event_write_moved(); test/lint/states.sh fails for one that is not, and the
 * compiler for a move of store/invitation_events.h of which the table below says
 * nothing.
 */
#ifndef GA_STORE_EVENTS_EVENT_MOVES_H
#define GA_STORE_EVENTS_EVENT_MOVES_H

#include "postgres.h"

#include "base/shared/event_type.h"
#include "store/invitation_state.h"
#include "utils/uuid.h"

/* The events of the state machine by their names there; RECEIPT: the three of a receipt. */
typedef enum GaMove
{
	GA_MOVE_CREATE,
	GA_MOVE_RELEASE,
	GA_MOVE_SUPPRESS,
	GA_MOVE_CLAIM,
	GA_MOVE_RECORD,
	GA_MOVE_TAKE_BACK,
	GA_MOVE_RECEIPT,
	GA_MOVE_ACCEPT,
	GA_MOVE_DECLINE,
	GA_MOVE_JOIN,
	GA_MOVE_WITHDRAW,
	GA_MOVE_EXPEL,
	GA_MOVE_EXPIRE,
	GA_MOVE_REMIND,
	GA_MOVE_RESEND,
	GA_MOVE_RENEW,
	GA_MOVE_RETRY,
	GA_MOVE_COUNT
} GaMove;

/* What a statement returns of a row `i` that it moved. */
#define GA_MOVED "i.group_id, i.number, i.delivery, i.response"

/* What is told of an invitation that has these states after the move. */
extern GaEventTypes ga_event_types_after(GaMove move, GaDelivery delivery,
										 GaResponse response);

/*
 * Tells of the rows that the statement before returned.  Replaces SPI_tuptable when
 * somebody listens.
 */
extern void ga_event_write_moved(GaMove move);

/* The same for one row that was written otherwise. */
typedef struct GaMovedRow
{
	pg_uuid_t group_id;
	int32 number;
	GaDelivery delivery;
	GaResponse response; /* none: it has not moved */
} GaMovedRow;

extern bool ga_event_moves_are_wanted(GaMove move);
extern void ga_event_write_moves(GaMove move, const GaMovedRow *rows,
								 int count);

#endif /* GA_STORE_EVENTS_EVENT_MOVES_H */
