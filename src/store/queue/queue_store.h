/*
 * queue_store.h
 *		What the dispatcher takes out of the queue, and how it records what became of it.
 *
 * Each is one short transaction of the dispatcher's; none is open while the
 * network is waited for.
 */
#ifndef GA_STORE_QUEUE_QUEUE_STORE_H
#define GA_STORE_QUEUE_QUEUE_STORE_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "base/fair_queue.h"
#include "datatype/timestamp.h"
#include "store/invitation_state.h"
#include "store/queue/set_aside_store.h"
#include "store/queue/queue_cursor.h"
#include "utils/uuid.h"

struct GaOwnerScope;

/* Which rows of a channel a provider takes: LIKE patterns on the contact. */
typedef struct GaQueueFilter
{
	Datum taken; /* text[]; any of them, when has_taken */
	Datum left;	 /* text[]; none of them: others' rows */
	bool has_taken;
	bool has_left; /* there are others' rows */
} GaQueueFilter;

typedef struct GaClaim
{
	pg_uuid_t group_id;
	int32 number;
	int32 attempt; /* this one counted, from 1 */
	int32
		refusals;  /* of it that were put off, see dispatch/provider/evidence */
	int32 pauses;  /* of a provider that it alone was the reason of */
	int32 crashes; /* of couriers, see dispatch/courier/suspects */
	int32 link_version;
	int64 group_number;
	int64 start_tag;
	TimestampTz expires_at; /* 0: never */
	bool is_archived;		/* the group: nothing is sent any more */
	const char *contact;
	const char *member;
	const char *group_name;
	const char *message;
	const char *inviter;
	const char *description;
	const char *image;
	const char *locale; /* the member's, else the group's; NULL: not known */
	int32 reminders;	/* > 0: this message is one */
	int64 created_by;
	/* set by the screening before the message leaves (dispatch/screening) */
	const char *suppressed; /* why nothing may be sent; NULL: it may */
	TimestampTz later;		/* a cap is reached: when to try again; 0: now */
	const char *later_reason;
} GaClaim;

/* What became of one claimed row. */
typedef struct GaRecord
{
	pg_uuid_t group_id;
	int32 number;
	int32 attempt;
	uint64 job_id;		 /* what the journal knows it by; 0: nothing */
	GaDelivery delivery; /* the new state */
	TimestampTz due;	 /* 0: no longer waiting */
	int64 start_tag;	 /* kept by what is due at once */
	bool give_back;		 /* the attempt does not count */
	bool expired;		 /* the invitation is over as well */
	bool in_doubt;		 /* the next two are to be kept with the row */
	int32 refusals;
	int32 pauses;
	bool counts_crashes; /* the next one is to be kept with the row */
	int32 crashes;
	bool set_aside; /* not to be tried again before retry_failed() */
	const char *server;
	const char *reason;		/* for people; NULL: nothing to tell */
	const char *message_id; /* the provider's; NULL: none */
	const char *outcome;	/* NULL: no line in the history */
	const char *code;
	const char *detail;
	bool polled;		  /* the provider is to be asked how it fares */
	const char *suppress; /* put the contact on the suppression list */
	int32 segments;		  /* 0: not an SMS */
	TimestampTz started_at;
	int64 elapsed_us;
	GaChannel channel;	  /* of `captured` */
	const char *captured; /* NULL unless a capture provider */
	const char *recipient;
	int failures;	  /* to write it down, alone: how often it was set aside */
	bool is_with_row; /* its try stands with the invitation (accepted_try) */
} GaRecord;

/* All run inside ga_owner_enter()/leave(). */

/* A number greater than that of every earlier dispatcher of the database. */
extern int64 ga_queue_new_incarnation(void);

/*
 * Records outcomes.  Rows that a caller holds locked are left for later: their
 * records are moved to the front of the array and their number is returned.
 */
extern int ga_queue_record(GaRecord *records, int count, int64 incarnation);
/*
 * Moves the records whose rows are still being sent by that incarnation to the front of
 * the array; returns their number.
 */
extern int ga_queue_find_sending(GaRecord *records, int count,
								 int64 incarnation);

#endif /* GA_STORE_QUEUE_QUEUE_STORE_H */
