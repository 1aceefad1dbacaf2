/*
 * slots.h
 *		Shared memory: one slot for each database that has the extension.
 *
 * A slot is how everybody finds a database's dispatcher: committing backends to
 * wake it, the launcher to start it, DDL to hold it.  Nothing process-local (a
 * pointer of one process, a descriptor) is ever put here.
 */
#ifndef GA_DISPATCH_SLOTS_H
#define GA_DISPATCH_SLOTS_H

#include "postgres.h"

#include "base/fair_queue.h"
#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

typedef enum GaSlotState
{
	GA_SLOT_FREE = 0,
	GA_SLOT_WANTED,	  /* somebody has work: the launcher starts a worker */
	GA_SLOT_STARTING, /* the launcher registered a worker */
	GA_SLOT_RUNNING,  /* a dispatcher owns the database */
	GA_SLOT_STOPPED	  /* its worker ended with an error; back-off */
} GaSlotState;

/* Why a running dispatcher sends nothing. */
typedef enum GaSlotTrouble
{
	GA_TROUBLE_NONE = 0,
	GA_TROUBLE_NO_COURIER, /* the program cannot be started */
	GA_TROUBLE_FOREIGN,	   /* the data come from another database */
	GA_TROUBLE_OFF,		   /* group_api.dispatch is off */
	GA_TROUBLE_NO_WORKER,  /* max_worker_processes is used up */
	GA_TROUBLE_CRASHING	   /* it crashed at every start */
} GaSlotTrouble;

typedef struct GaSlot
{
	/* The following are protected by GaSlots.lock. */
	Oid database;
	GaSlotState state;
	pid_t pid;	  /* of the dispatcher while running */
	Latch *latch; /* in its PGPROC: shared memory */
	int holds;	  /* DDL on the database that must find nobody there */
	TimestampTz started_at;

	/* Written by the dispatcher alone, read by anybody. */
	pg_atomic_uint32 trouble; /* GaSlotTrouble */
	/* No provider would take anything: new rows need not wake it. */
	pg_atomic_uint32 deaf;
	/* When it looks at groups next: earlier looks must wake it all the same. */
	pg_atomic_uint64 look_at;
	pg_atomic_uint32 courier_pid;
	pg_atomic_uint64 turns;
	pg_atomic_uint64 claimed;
	pg_atomic_uint64 recorded;

	/* Set by anybody, taken by the dispatcher. */
	pg_atomic_uint64 wake_due; /* earliest due of new rows, TimestampTz */
	/* Start tags of new rows, lowest and highest, by channel. */
	pg_atomic_uint64 tags_from[GA_CHANNEL_COUNT];
	pg_atomic_uint64 tags_to[GA_CHANNEL_COUNT];
	pg_atomic_uint32 reload; /* providers or the extension changed */
} GaSlot;

typedef struct GaSlots
{
	LWLock *lock;
	Latch *launcher_latch; /* protected by lock; NULL while it is down */
	int count;
	GaSlot slots[FLEXIBLE_ARRAY_MEMBER];
} GaSlots;

extern GaSlots *ga_slots; /* NULL in a process without shared memory */

/* Asks for the shared memory; called while preloading. */
extern void ga_slots_init(void);

/* Of a wake for rows that wait for no time. */
#define GA_DUE_NEVER (DT_NOEND - 1)

/* All of these take the lock themselves. */

/*
 * Says that a database has work, or something changed: wakes its dispatcher, or
 * the launcher to start one.  `due` is the earliest due of new rows that wait for
 * a time; GA_DUE_NEVER: all bear start tags; DT_NOBEGIN: the whole queue is to be
 * read again; DT_NOEND: there are no new rows.
 */
extern void ga_slot_wake(Oid database, TimestampTz due, bool reload);
/* The start tags of new rows, noted before the wake; false: it has no slot. */
extern bool ga_slot_note_tags(Oid database, GaChannel channel, GaTagRange tags);
/* The dispatcher's: takes what was noted. */
extern GaTagRange ga_slot_take_tags(GaSlot *slot, GaChannel channel);
/* Keeps the dispatcher out of a database; returns false when there was none. */
extern bool ga_slot_hold(Oid database);
extern void ga_slot_release(Oid database);
/* The pid of a database's dispatcher, 0 = none. */
extern pid_t ga_slot_pid(Oid database);
/* Copies a database's slot; false when it has none. */
extern bool ga_slot_look(Oid database, GaSlot *copy);
/* Whether group_api.max_databases is used up. */
extern bool ga_slots_are_full(void);

#endif /* GA_DISPATCH_SLOTS_H */
