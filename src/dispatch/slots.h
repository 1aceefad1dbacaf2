/*
 * slots.h
 *		Shared memory: one slot for each database that has the extension.
 *
 * A slot is what is known of a database whether or not a dispatcher runs there:
 * slots are many and cheap, dispatchers few (group_api.max_dispatchers).  A
 * committing backend finds the dispatcher to wake in it, the launcher when to
 * start one, DDL whom to send away.  Nothing process-local (a pointer of one
 * process, a descriptor) is ever put here.
 */
#ifndef GA_DISPATCH_SLOTS_H
#define GA_DISPATCH_SLOTS_H

#include "postgres.h"

#include "base/fair_queue.h"
#include "base/shared/monotonic.h"
#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

typedef enum GaSlotState
{
	GA_SLOT_FREE = 0,
	GA_SLOT_WANTED,	  /* there is work: waits in line for a dispatcher */
	GA_SLOT_STARTING, /* the launcher registered a worker */
	GA_SLOT_RUNNING,  /* a dispatcher owns the database */
	GA_SLOT_STOPPED,  /* its worker ended with an error; back-off */
	GA_SLOT_IDLE	  /* needs no dispatcher before next_start or a wake */
} GaSlotState;

/* Why nothing is sent.  It stays when the dispatcher ends. */
typedef enum GaSlotTrouble
{
	GA_TROUBLE_NONE = 0,
	GA_TROUBLE_NO_COURIER, /* the program cannot be started */
	GA_TROUBLE_FOREIGN,	   /* the data come from another database */
	GA_TROUBLE_OFF,		   /* group_api.dispatch is off */
	GA_TROUBLE_NO_WORKER,  /* max_worker_processes is used up by others */
	GA_TROUBLE_CRASHING,   /* it crashed at its last starts */
	GA_TROUBLE_READ_ONLY   /* default_transaction_read_only is on */
} GaSlotTrouble;

/* How a provider fared, for the next dispatcher; see dispatch/provider/retire. */
typedef struct GaKeptProvider
{
	uint64 digest; /* of its name and settings; 0: none */
	GaMonotonic rest_until;
	GaMonotonic tokens_at;
	double tokens;
	int faults;
	int window;
	bool unreachable;
	bool rest_is_told;
} GaKeptProvider;

#define GA_KEPT_PROVIDERS 8

/* How many connections a provider allows, as learnt; see dispatch/provider/connections. */
typedef struct GaAllowed
{
	pg_atomic_uint64 server; /* a digest of its name; 0: free */
	pg_atomic_uint32 count;	 /* 0: as many as configured */
} GaAllowed;

/* What a dispatcher that ends of itself leaves to the next one. */
typedef struct GaKept
{
	bool nothing_in_flight; /* no row is in the state sending */
	int courier_wait_ms;	/* > 0: the courier could not be started */
	GaMonotonic trimmed_at;
	int64 clock_offset; /* see dispatch/clock; 0: none */
	GaKeptProvider providers[GA_KEPT_PROVIDERS];
} GaKept;

#define GA_FAILING_REASON_SIZE 256

/* What a dispatcher is to read again: providers or the extension changed. */
#define GA_RELOAD_PROVIDERS 1
/*
 * The configuration file, too.  PostgreSQL's postmaster tells every process by SIGHUP,
 * but one that it has just forked for a background worker ignores that signal for a
 * moment, and with it one that is already pending.  The launcher, which hears it, tells
 * the dispatchers again.
 */
#define GA_RELOAD_CONFIGURATION 2

typedef struct GaSlot
{
	/* The following are protected by GaSlots.lock. */
	Oid database;
	GaSlotState state;
	pid_t pid;	   /* of the dispatcher while running */
	Latch *latch;  /* in its PGPROC: shared memory */
	int holds;	   /* DDL on the database that must find nobody there */
	bool is_probe; /* nobody asked: the launcher looks for the extension */
	GaMonotonic started_at;
	TimestampTz started_on; /* the date of that, for people */
	GaMonotonic wanted_at;	/* its place in the line, while wanted */
	GaMonotonic next_start; /* while idle; never: only a wake starts it */
	GaMonotonic retry_at;	/* while stopped, or in trouble */
	int crashes;			/* with GA_TROUBLE_CRASHING: how many in a row */
	bool is_locked;			/* by DDL when the launcher tried last */

	/* Written by the dispatcher alone, read by anybody. */
	pg_atomic_uint32 trouble; /* GaSlotTrouble */
	/* Since when it is in this one, TimestampTz. */
	pg_atomic_uint64 trouble_since;
	/* Channels without a provider that is configured and not paused, a bit each. */
	pg_atomic_uint32 closed_channels;
	/* No provider would take anything: new rows need not wake it. */
	pg_atomic_uint32 muted;
	/* The earliest deadline of its groups, TimestampTz: an earlier one must wake it
	 * all the same. */
	pg_atomic_uint64 next_deadline;
	/* When it is to take a turn, GaMonotonic: never while it sleeps without end.
	 * Who wakes it brings that forward, so it is long past where one hangs. */
	pg_atomic_uint64 turn_due_at;
	pg_atomic_uint32 courier_pid;
	/* Since when a courier owes an answer, GaMonotonic; 0: it does not. */
	pg_atomic_uint64 courier_silent_since;
	/* When one was replaced for that last, TimestampTz; 0: never. */
	pg_atomic_uint64 courier_replaced_at;
	pg_atomic_uint64 turns;
	pg_atomic_uint64 claimed;
	pg_atomic_uint64 recorded;
	/* A lock is in the way of a step (dispatch/work.h): of which, since when,
	 * until when it will not be tried again (GaMonotonic), and on which table,
	 * InvalidOid for rows.  Since 0: of none. */
	pg_atomic_uint32 held_up_step;
	pg_atomic_uint32 held_up_table;
	pg_atomic_uint64 held_up_since;
	pg_atomic_uint64 held_up_until;
	GaAllowed allowed[GA_KEPT_PROVIDERS];
	/* A step fails (dispatch/work.h): which, since when (GaMonotonic), and its words,
	 * which are protected by GaSlots.lock.  Since 0: none. */
	pg_atomic_uint32 failing_step;
	pg_atomic_uint64 failing_since;
	char failing_reason[GA_FAILING_REASON_SIZE];

	/* Set by anybody, taken by the dispatcher. */
	pg_atomic_uint64 wake_due; /* earliest due of new rows, TimestampTz */
	/* Start tags of new rows, lowest and highest, by channel. */
	pg_atomic_uint64 tags_from[GA_CHANNEL_COUNT];
	pg_atomic_uint64 tags_to[GA_CHANNEL_COUNT];
	pg_atomic_uint32 reload; /* GA_RELOAD_... */
	pg_atomic_uint32 events; /* webhooks are to be told of something */
	/* What new sessions of the database are given changed; taken when one starts. */
	pg_atomic_uint32 settings_changed;

	/* Since when the dispatcher has nothing to do, GaMonotonic; 0: it has. */
	pg_atomic_uint64 idle_since;
	/* Set by the launcher: since when it is to make room, GaMonotonic; 0: no. */
	pg_atomic_uint64 asked_to_leave;

	/* Of the dispatcher of the moment; between two, nobody's. */
	GaKept kept;
} GaSlot;

typedef struct GaSlots
{
	LWLock *lock;
	Latch *launcher_latch; /* protected by lock; NULL while it is down */
	/* Protected by lock, too: of the one of now or the last; 0: there was none. */
	pid_t launcher_pid;
	GaMonotonic launcher_down_since; /* protected by lock */
	/* When it looked at the slots last, GaMonotonic. */
	pg_atomic_uint64 launcher_looked_at;
	/* How often its latch was set: a wait inside of PostgreSQL may reset that. */
	pg_atomic_uint32 launcher_calls;
	bool is_probing; /* protected by lock: not all databases are tried */
	/* Databases that wait for a dispatcher of which there are too few. */
	pg_atomic_uint32 waiting;
	/* Databases came, went, or are open to connections or closed. */
	pg_atomic_uint32 databases_changed;
	/* A database with work found no free slot; taken by the launcher. */
	pg_atomic_uint32 refused;
	/* A hash of the confinement that the log tells of last; 0: of none. */
	pg_atomic_uint32 confinement_told;
	pg_atomic_uint32 no_journal_told; /* 1: the log tells that there is none */
	/* 1: some transaction that was prepared since the server's start changed settings. */
	pg_atomic_uint32 settings_prepared;
	int count;
	int used; /* protected by lock: no slot at or above was ever taken */
	GaSlot slots[FLEXIBLE_ARRAY_MEMBER];
} GaSlots;

extern GaSlots *ga_slots; /* NULL in a process without shared memory */

/* Asks for the shared memory; called while preloading. */
extern void ga_slots_init(void);

/* Who has nothing new is placed in the line as if it came this much later. */
#define GA_RELOAD_RANK_MS 5000

/* Of a wake for rows that wait for no time. */
#define GA_DUE_NEVER (DT_NOEND - 1)
/* Of a wake by somebody who held rows, and changed none that wait. */
#define GA_DUE_UNLOCKED (DT_NOBEGIN + 1)

/* All of these take the lock themselves. */

/*
 * Says that a database has work, or something changed: wakes its dispatcher, or
 * the launcher to start one.  `due` is the earliest due of new rows that wait for
 * a time; GA_DUE_NEVER: all bear start tags; GA_DUE_UNLOCKED: rows that were locked
 * may be free; DT_NOBEGIN: the whole queue is to be read again; DT_NOEND: there are no new rows.
 */
extern void ga_slot_wake(Oid database, TimestampTz due, bool reload);
/* Webhooks are to be told of something. */
extern void ga_slot_wake_for_events(Oid database);
/* The start tags of new rows, noted before the wake; false: it has no slot. */
extern bool ga_slot_note_tags(Oid database, GaChannel channel, GaTagRange tags);
/* The dispatcher's: takes what was noted. */
extern GaTagRange ga_slot_take_tags(GaSlot *slot, GaChannel channel);
/*
 * The settings of a database changed, or those of all: InvalidOid.  Makes every
 * dispatcher that runs look at its own, and those that start; one that is idle is started.
 */
extern void ga_slots_change_settings(Oid database);
/* A transaction that changed settings is prepared: COMMIT PREPARED is to tell all. */
extern void ga_slots_prepare_settings(void);
extern bool ga_slots_have_prepared_settings(void);
/* Keeps the dispatcher out of a database; false: it has no slot. */
extern bool ga_slot_hold(Oid database);
extern void ga_slot_release(Oid database);
/* From now on it is expected to take a turn; the lock is held. */
extern void ga_slot_wake_dispatcher(GaSlot *slot);
/* A place at the end of the line; the lock is held exclusively. */
extern void ga_slot_want(GaSlot *slot, GaMonotonic at);
/* New rows are of interest to a provider, or earlier than the next deadline of a group. */
extern bool ga_slot_is_interested(GaSlot *slot, TimestampTz due);
/*
 * Makes the launcher look at the databases: some came, went, were opened or
 * closed, or are locked no longer.
 */
extern void ga_slots_check_databases(void);
/* Wakes the launcher, who looks at the slots before it waits again; the lock is held. */
extern void ga_slots_call_launcher(void);
/* The pid of a database's dispatcher, 0 = none. */
extern pid_t ga_slot_pid(Oid database);
/* Whether its dispatcher found nobody to take a channel's messages. */
extern bool ga_slot_channel_is_closed(Oid database, GaChannel channel);
/* Copies a database's slot; false when it has none. */
extern bool ga_slot_read(Oid database, GaSlot *copy);
/* Whether group_api.max_databases is used up. */
extern bool ga_slots_are_full(void);

#endif /* GA_DISPATCH_SLOTS_H */
