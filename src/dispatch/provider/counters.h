/*
 * counters.h
 *		What became of each provider's messages, in shared memory, for whoever asks.
 */
#ifndef GA_DISPATCH_PROVIDER_COUNTERS_H
#define GA_DISPATCH_PROVIDER_COUNTERS_H

#include "postgres.h"

#include "base/shared/wire.h"
#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/lwlock.h"

#define GA_OUTCOME_KINDS 5 /* of GaOutcomeKind, from accepted on */

/* Quarters of an octave, from 64 us to more than two minutes. */
#define GA_LATENCY_BUCKETS 88
/* The present and the last period of an hour. */
#define GA_LATENCY_PERIODS 2
#define GA_RATE_SECONDS 60
/* A day in quarters of an hour, and the one that begins. */
#define GA_HISTORY_QUARTERS 97
#define GA_ERROR_SIZE 256

/* What became of the messages of a quarter of an hour. */
typedef struct GaQuarter
{
	pg_atomic_uint32 sent;
	pg_atomic_uint32 failed;
	pg_atomic_uint32 uncertain;
	pg_atomic_uint32 put_off; /* to be tried again */
} GaQuarter;

typedef struct GaCounters
{
	/* Written under GaCounterPool.lock, by the dispatcher alone but for `database`. */
	Oid database; /* InvalidOid: free */
	char server[NAMEDATALEN];
	char error[GA_ERROR_SIZE];
	pg_atomic_uint64 error_at; /* TimestampTz; 0: none since counting began */

	/* Written by the dispatcher alone, read by anybody. */
	pg_atomic_uint64 since; /* TimestampTz: counted from then on */
	pg_atomic_uint64 outcomes[GA_OUTCOME_KINDS];
	pg_atomic_uint64 accepted_at; /* TimestampTz of the last one; 0: none */
	pg_atomic_uint64
		failing_since;		   /* TimestampTz; 0: its last answer was one */
	pg_atomic_uint32 failures; /* in a row */
	pg_atomic_uint32 in_flight;
	pg_atomic_uint32 window;
	pg_atomic_uint64 rest_until; /* GaMonotonic */
	/* Since when what is in flight got no answer, GaMonotonic; 0: nothing is. */
	pg_atomic_uint64 silent_since;
	pg_atomic_uint32 resumed; /* set by whoever resumes it */
	pg_atomic_uint64 rate_second;
	pg_atomic_uint32 rate[GA_RATE_SECONDS];
	pg_atomic_uint64 latency_hour;
	pg_atomic_uint32 latency[GA_LATENCY_PERIODS][GA_LATENCY_BUCKETS];
	pg_atomic_uint64 history_quarter;
	GaQuarter history[GA_HISTORY_QUARTERS];
} GaCounters;

/* Asks for the shared memory; called while preloading, after the slots. */
extern void ga_counters_init(void);

/*
 * The counters of a provider of this database, begun anew when there were none;
 * NULL when all are taken: then it is not counted.
 */
extern GaCounters *ga_counters_take(const char *server);
/* Gives back those of this database whose provider is gone. */
extern void ga_counters_keep(bool (*is_known)(const char *server));
/* The database, or the extension in it, is gone. */
extern void ga_counters_free(Oid database);

/* What the record of an outcome says of the message itself. */
typedef enum GaFate
{
	GA_FATE_SENT = 0,
	GA_FATE_FAILED,
	GA_FATE_UNCERTAIN,
	GA_FATE_PUT_OFF
} GaFate;

/*
 * One more outcome.  `reason` is NULL where nothing went wrong; `blames_provider`:
 * it says that the provider cannot do its work, not that one message is wrong.
 */
extern void ga_counters_note_outcome(GaCounters *counters,
									 const GaOutcomeFrame *outcome, GaFate fate,
									 bool blames_provider, const char *reason,
									 TimestampTz now);
extern void ga_counters_note_load(GaCounters *counters, int in_flight,
								  int window, int64 rest_until);
/*
 * An operator put a provider of this database right: what it said before is over,
 * and its dispatcher takes up that it is to be tried at once.  Whether it was failing
 * or resting.
 */
extern bool ga_counters_resume(const char *server);
/* The dispatcher's: takes that, once. */
extern bool ga_counters_take_resumed(GaCounters *counters);

/* What is read at one moment. */
typedef struct GaProviderFigures
{
	char server[NAMEDATALEN];
	TimestampTz since;
	uint64 outcomes[GA_OUTCOME_KINDS];
	TimestampTz accepted_at;
	TimestampTz failing_since;
	int failures;
	int in_flight;
	int window;
	int64 rest_us;		 /* 0: it does not rest */
	int64 silent_us;	 /* no answer to what is in flight; 0: nothing is */
	double rate;		 /* messages a second, in the last minute */
	int64 latency_us[3]; /* p50, p95, p99 of this hour and the last; -1: none */
	TimestampTz error_at;
	char error[GA_ERROR_SIZE];
} GaProviderFigures;

/* Those of this database, palloc'ed; how many. */
extern int ga_counters_read(GaProviderFigures **figures);

typedef struct GaQuarterFigures
{
	char server[NAMEDATALEN];
	TimestampTz at; /* when the quarter of an hour begins */
	uint32 sent;
	uint32 failed;
	uint32 uncertain;
	uint32 put_off;
} GaQuarterFigures;

/* The quarters of the last day of this database in which anything was sent. */
extern int ga_counters_read_history(GaQuarterFigures **quarters);

#endif /* GA_DISPATCH_PROVIDER_COUNTERS_H */
