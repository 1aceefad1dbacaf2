/*
 * providers.h
 *		The dispatcher's picture of its providers: who takes which rows, how many
 *		at once, and who is given a rest.
 *
 * A provider claims for itself, so that a slow or dead one never delays another.
 * Among those of a channel the lowest priority value goes first; the next is
 * used only while the first is paused or given a rest.
 */
#ifndef GA_DISPATCH_PROVIDER_PROVIDERS_H
#define GA_DISPATCH_PROVIDER_PROVIDERS_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "base/shared/monotonic.h"
#include "base/shared/wire.h"
#include "datatype/timestamp.h"
#include "dispatch/provider/counters.h"
#include "dispatch/provider/evidence.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "store/provider_store.h"
#include "store/queue/queue_store.h"

/* Where a provider stands in its channel's queue; dispatch/reading draws the order. */
typedef enum GaReadingState
{
	GA_READING_ON = 0,	  /* rows may stand behind the cursor */
	GA_READING_AT_END,	  /* none does; when the next is due is to be asked */
	GA_READING_KNOWS_NEXT /* likewise, and `next_due` is the answer */
} GaReadingState;

/* What came back, or late, with tags before the cursor. */
typedef enum GaRereadState
{
	GA_REREAD_NOTHING = 0,
	GA_REREAD_TO_BEGIN, /* `range` is to be read from its beginning */
	GA_REREAD_UNDER_WAY /* up to `cursor` it has been */
} GaRereadState;

typedef struct GaReading
{
	GaReadingState state;
	GaQueueCursor cursor;	/* behind what was read in the order */
	int64 claimed_to;		/* the highest tag claimed since it began anew */
	int64 read_to;			/* the tag claimed last; GA_START_TAG_MIN: none */
	TimestampTz next_due;	/* a date; 0: nothing waits */
	bool asks_again;		/* nothing is due then, as far as is known */
	GaMonotonic not_before; /* when rows others hold locked are tried again */
	bool found_nothing;		/* since it began: what is due is locked */
	GaTagRange locked;		/* of rows that others held */
	GaMonotonic locked_not_before; /* when those are tried again */
	bool is_blind;				   /* others may have held more */
	GaMonotonic ask_not_before;	   /* when the next is due is dear to know */
	struct
	{
		GaRereadState state;
		GaTagRange range;
		GaQueueCursor cursor;
		bool had_turn; /* the next turn is the other cursor's, if it has rows */
	} reread;
} GaReading;

typedef struct GaProvider
{
	/* as configured */
	char *server;
	char *kind;
	char *fingerprint;
	char *callback_url; /* NULL: none */
	GaChannel channel;
	int priority;
	int max_connections;
	double rate; /* messages a second, SMS segments; 0 = unlimited */
	bool hold_uncertain;
	bool polls;			 /* asked how its messages fare */
	bool tells_contacts; /* a webhook that hears of addresses */
	List *prefixes;		 /* of char *; NIL: any recipient */
	bool is_paused;
	/* reason of a pause or a rest that is to be stored; NULL: none */
	char *unrecorded;
	TimestampTz unrecorded_until; /* a date; 0: a pause */
	bool gone;					  /* dropped; freed when nothing is in flight */

	/* how it fares */
	int in_flight;
	int questions;			/* those in flight that send nothing */
	int suspects;			/* those that are tried alone, or wait for that */
	int window;				/* bound of in_flight: follows its speed */
	int faults;				/* in a row: connection refused, 5xx, ... */
	bool unreachable;		/* the last of them: no connection at all */
	GaMonotonic rest_until; /* circuit open, or Retry-After */
	bool rest_is_told;	 /* it stands in `pauses`, or is to: resume() ends it */
	int allowed;		 /* connections, as learnt; 0: as configured */
	GaEvidence evidence; /* whom its refusals blame */
	double tokens;
	GaMonotonic tokens_at;
	GaMonotonic filled_at; /* last claim that filled the window */
	int finished;		   /* messages since then */

	/* whose rows it takes (dispatch/provider/routing) */
	GaQueueFilter filter;
	char *route; /* the filter as a text; NULL: none yet */
	bool was_usable;
	bool routed_anew; /* it begins at the front, whatever its filter was */
	bool led;		  /* rows it takes are kept from those behind it */
	bool has_nothing; /* all its rows go to others first */

	GaReading reading; /* how far it has read the queue */
	GaCounters
		*counters; /* what others can see of it; NULL: it is not counted */
} GaProvider;

/* It hears of events (dispatch/events) and takes no message. */
static inline bool
ga_provider_is_webhook(const GaProvider *provider)
{
	return provider->channel == GA_CHANNEL_NONE;
}

/* Everything below belongs to the one dispatcher of the process. */
extern List *ga_providers; /* of GaProvider * */

/*
 * Takes over a new configuration, keeping what is known of those that stay.
 * Returns the courier's configuration in `json`.
 */
extern void ga_providers_load(const GaProviderRow *rows, int count,
							  StringInfo json);
/* NULL: no such provider. */
extern GaProvider *ga_provider_named(const char *server);

/* Names of the servers whose uncertain messages are held: text[]. */
extern Datum ga_providers_that_hold(void);

/* Tells in its counters how much is under way. */
extern void ga_provider_tell_load(const GaProvider *provider);

/* Whether it may be sent to: neither paused, nor resting, nor dropped. */
extern bool ga_provider_is_usable(const GaProvider *provider, GaMonotonic now);
/* And is well: one that is only probed keeps no rows from the others. */
extern bool ga_provider_leads(const GaProvider *provider, GaMonotonic now);

/* How many rows a provider may claim now. */
extern int ga_provider_capacity(GaProvider *provider, GaMonotonic now);
/* When it may claim again, never if only an event can tell. */
extern GaMonotonic ga_provider_next_turn(GaProvider *provider, GaMonotonic now);

/* When it may be asked how a message fares; never: not for now. */
extern GaMonotonic ga_provider_next_question(GaProvider *provider,
											 GaMonotonic now);
/* How many questions at once leave room for messages; after the former. */
extern int ga_provider_question_room(const GaProvider *provider);

extern void ga_provider_claimed(GaProvider *provider, const GaQueueScan *scan,
								int count, int limit, GaMonotonic now);
/* The same of a webhook, which has no place in the queue. */
extern void ga_provider_took(GaProvider *provider, int count, int limit,
							 GaMonotonic now);
/* When there is room for more in flight; never: only an event can tell. */
extern GaMonotonic ga_provider_next_room(GaProvider *provider, GaMonotonic now);
/* `weight`: segments of an SMS, else 1. */
extern void ga_provider_sent(GaProvider *provider, int weight);
extern void ga_provider_finished(GaProvider *provider,
								 const GaOutcomeFrame *outcome,
								 GaMonotonic now);

/*
 * Whether another provider takes at once what this one, which could not be
 * reached, had to give back; after ga_provider_finished().
 */
extern bool ga_provider_gives_way(const GaProvider *provider, GaMonotonic now);

#endif /* GA_DISPATCH_PROVIDER_PROVIDERS_H */
