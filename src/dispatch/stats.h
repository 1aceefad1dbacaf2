/*
 * stats.h
 *		What shared memory tells of a database's dispatcher.
 */
#ifndef GA_DISPATCH_STATS_H
#define GA_DISPATCH_STATS_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "datatype/timestamp.h"

typedef struct GaDispatcherStats
{
	pid_t pid;		   /* 0: not running */
	pid_t courier_pid; /* 0: not running */
	/* running, idle (none is needed now), starting, waiting, stopped, no courier,
	 * not responding */
	const char *state;
	const char *reason;	 /* why it sends nothing; NULL: it would */
	const char *hint;	 /* what to do about that; NULL: nothing */
	TimestampTz since;	 /* when that began; 0: not known */
	const char *command; /* to be typed into psql against it; NULL: none */
	TimestampTz started_at;
	uint64 turns;
	uint64 claimed;
	uint64 recorded;
	const char *held_up_while; /* a step a lock is in the way of; NULL: none */
	Oid held_up_table;		   /* InvalidOid: by rows */
	TimestampTz held_up_since;
	const char *failing_while; /* a step that fails; NULL: none */
	const char *failing_reason;
	TimestampTz failing_since;
	int64 overdue_us;		 /* the turn it does not take; 0: it is not late */
	int64 courier_silent_us; /* a courier owes an answer; 0: it does not */
	TimestampTz courier_replaced_at; /* one that hung, last; 0: none */
} GaDispatcherStats;

/* A copy as of now, palloc'ed; no lock is held afterwards. */
extern void ga_stats_of_dispatcher(Oid database, GaDispatcherStats *stats);

/* Whether nobody takes a channel's messages, as far as its dispatcher knows. */
extern bool ga_stats_channel_is_closed(Oid database, GaChannel channel);

/* How many connections a provider was found to allow; 0: as configured. */
extern int ga_stats_connections(Oid database, const char *server);

#endif /* GA_DISPATCH_STATS_H */
