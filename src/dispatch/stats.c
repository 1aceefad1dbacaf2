/*
 * stats.c
 *		A slot in words: the cause that is known, never a guess.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/htup_details.h"
#include "access/xlog.h"
#include "base/compat.h"
#include "base/extension.h"
#include "base/guc.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "dispatch/clock.h"
#include "dispatch/provider/connections.h"
#include "dispatch/slots.h"
#include "dispatch/stats.h"
#include "dispatch/work.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "store/plan_cache.h"
#include "store/table/extension_owner.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* Of a step that was not tried again for this long after its pause nobody knows. */
#define STILL_HELD_UP_MS 10000

/*
 * A turn so late was missed: a dispatcher's transactions are short, and so is what the
 * launcher does at a time.
 */
#define OVERDUE_US INT64CONST(3000000)

/* Doubled, it is what PostgreSQL's own workers and ours need at least. */
#define LAUNCHER_WORKERS 4

/* Waiting this long for a dispatcher is worth a word. */
#define LONG_WAIT_MS 30000

static const char *
trouble_text(GaSlotTrouble trouble)
{
	switch (trouble)
	{
		case GA_TROUBLE_NONE:
		case GA_TROUBLE_CRASHING:
			return NULL;
		case GA_TROUBLE_NO_COURIER:
			return "the courier cannot be started";
		case GA_TROUBLE_FOREIGN:
			return "waiting for the first group, or for adopt()";
		case GA_TROUBLE_OFF:
			return "group_api.dispatch is off";
		case GA_TROUBLE_READ_ONLY:
			return "default_transaction_read_only is on: nothing is sent";
		case GA_TROUBLE_NO_WORKER:
			return "max_worker_processes is used up by others";
	}
	return NULL;
}

static void
tell_hindrance(GaSlot *slot, GaDispatcherStats *stats)
{
	GaMonotonic since = (GaMonotonic) pg_atomic_read_u64(&slot->held_up_since);
	GaMonotonic until = (GaMonotonic) pg_atomic_read_u64(&slot->held_up_until);

	if (since == 0 || slot->state != GA_SLOT_RUNNING ||
		ga_monotonic_now() - until >= STILL_HELD_UP_MS * 1000)
		return;
	stats->held_up_while =
		ga_work_step_name((GaStep) pg_atomic_read_u32(&slot->held_up_step));
	stats->held_up_table = (Oid) pg_atomic_read_u32(&slot->held_up_table);
	stats->held_up_since = ga_clock_date(since);
}

static void
tell_failure(GaSlot *slot, GaDispatcherStats *stats)
{
	GaMonotonic since = (GaMonotonic) pg_atomic_read_u64(&slot->failing_since);

	if (since == 0 || slot->state != GA_SLOT_RUNNING)
		return;
	stats->failing_while =
		ga_work_step_name((GaStep) pg_atomic_read_u32(&slot->failing_step));
	stats->failing_reason = pstrdup(slot->failing_reason);
	stats->failing_since = ga_clock_date(since);
}

static void
tell_progress(GaSlot *slot, GaDispatcherStats *stats)
{
	GaMonotonic now = ga_monotonic_now();
	GaMonotonic due = (GaMonotonic) pg_atomic_read_u64(&slot->turn_due_at);
	GaMonotonic silent_since =
		(GaMonotonic) pg_atomic_read_u64(&slot->courier_silent_since);

	stats->courier_replaced_at =
		(TimestampTz) pg_atomic_read_u64(&slot->courier_replaced_at);
	if (slot->state != GA_SLOT_RUNNING)
		return;
	if (now - due >= OVERDUE_US)
		stats->overdue_us = now - due;
	if (silent_since != 0)
		stats->courier_silent_us = now - silent_since;
}

static void
tell(GaDispatcherStats *stats, const char *state, const char *reason,
	 const char *hint)
{
	stats->state = state;
	stats->reason = reason;
	stats->hint = hint;
}

/* What is typed into psql against it; several statements stand on lines of their own. */
static void
tell_command(GaDispatcherStats *stats, const char *command)
{
	stats->command = command;
}

#define RESTART_COMMAND "\\! pg_ctl restart -D \"$PGDATA\""

/* Where psql runs, which may be another user than the server's. */
static void
tell_raise(GaDispatcherStats *stats, const char *setting, int now)
{
	tell_command(stats, psprintf("ALTER SYSTEM SET %s = %d;\n" RESTART_COMMAND,
								 setting, now * 2));
}

/* The program that is missing is the one that was set, or the installed one. */
static const char *
courier_command(void)
{
	char *installed = psprintf("%s/group_api_courier", pkglib_path);

	if (ga_settings.courier_path[0] != '\0' && access(installed, X_OK) == 0)
		return "ALTER SYSTEM RESET group_api.courier_path;\n"
			   "SELECT pg_reload_conf();";
	return psprintf("\\! apt-get install --reinstall postgresql-%d-group-api",
					GA_SERVER_MAJOR);
}

static bool
is_template(Oid database)
{
	HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	bool answer;

	if (!HeapTupleIsValid(tuple))
		return false;
	answer = ((Form_pg_database) GETSTRUCT(tuple))->datistemplate;
	ReleaseSysCache(tuple);
	return answer;
}

/* What the lock protects of the launcher. */
typedef struct Launcher
{
	bool is_there;
	bool is_probing;
	pid_t pid;
	GaMonotonic down_since;
} Launcher;

static Launcher
read_launcher(void)
{
	Launcher launcher;

	LWLockAcquire(ga_slots->lock, LW_SHARED);
	launcher.is_there = ga_slots->launcher_latch != NULL;
	launcher.is_probing = ga_slots->is_probing;
	launcher.pid = ga_slots->launcher_pid;
	launcher.down_since = ga_slots->launcher_down_since;
	LWLockRelease(ga_slots->lock);
	return launcher;
}

/* One that ends is started again within a second; one that never was there has no place. */
static void
tell_no_launcher(const Launcher *launcher, GaDispatcherStats *stats)
{
	GaMonotonic down_since = launcher->down_since;

	if (ga_monotonic_now() - down_since < OVERDUE_US)
	{
		tell(stats, "starting", NULL, NULL);
		return;
	}
	stats->since = ga_clock_date(down_since);
	if (RecoveryInProgress())
	{
		tell(stats, "stopped", "this server is a standby: the primary sends",
			 NULL);
		return;
	}
	tell(stats, "stopped", "the launcher does not run",
		 "look for \"group_api launcher\" in the server's log");
	if (launcher->pid != 0)
		return;
	stats->hint = "increase max_worker_processes and restart; where it is "
				  "high enough, look for \"group_api launcher\" in the "
				  "server's log";
	tell_raise(stats, "max_worker_processes",
			   Max(max_worker_processes, LAUNCHER_WORKERS));
}

/* False: it looked since the dispatcher was wanted, or still has time to. */
static bool
tell_late_launcher(const Launcher *launcher, const GaSlot *slot,
				   GaDispatcherStats *stats)
{
	GaMonotonic wanted =
		slot->state == GA_SLOT_IDLE ? slot->next_start : slot->wanted_at;
	int64 late_us = ga_monotonic_now() - wanted;

	if (slot->state != GA_SLOT_IDLE && slot->state != GA_SLOT_WANTED)
		return false;
	if (wanted == GA_MONOTONIC_NEVER || late_us < OVERDUE_US ||
		(GaMonotonic) pg_atomic_read_u64(&ga_slots->launcher_looked_at) >=
			wanted)
		return false;
	stats->since = ga_clock_date(wanted);
	tell(stats, "not responding",
		 psprintf("the launcher has made no progress for %ld s",
				  (long) (late_us / USECS_PER_SEC)),
		 psprintf("SELECT * FROM pg_stat_activity WHERE pid = %d; a process "
				  "that was stopped goes on by kill -CONT %d",
				  (int) launcher->pid, (int) launcher->pid));
	tell_command(stats, psprintf("\\! kill -CONT %d", (int) launcher->pid));
	return true;
}

/* A dispatcher that runs needs none; false: the launcher is at work. */
static bool
tell_launcher(const GaSlot *slot, GaDispatcherStats *stats)
{
	Launcher launcher = read_launcher();

	if (slot->state == GA_SLOT_RUNNING || slot->state == GA_SLOT_STARTING)
		return false;
	if (launcher.is_there)
		return tell_late_launcher(&launcher, slot, stats);
	tell_no_launcher(&launcher, stats);
	return true;
}

/* A database nobody knows of. */
static void
tell_no_slot(Oid database, GaDispatcherStats *stats)
{
	Launcher launcher = {0};

	if (ga_slots != NULL)
		launcher = read_launcher();
	if (ga_slots == NULL)
		tell(stats, "stopped", "the server was started without group_api",
			 "add group_api to shared_preload_libraries and restart");
	else if (!launcher.is_there)
		tell_no_launcher(&launcher, stats);
	else if (is_template(database))
	{
		tell(stats, "stopped", "this database is a template",
			 "ALTER DATABASE ... IS_TEMPLATE false, if it is to send");
		tell_command(stats,
					 psprintf("ALTER DATABASE %s IS_TEMPLATE false;",
							  quote_identifier(get_database_name(database))));
	}
	else if (ga_slots_are_full())
	{
		tell(stats, "stopped", "group_api.max_databases is used up",
			 "increase group_api.max_databases and restart");
		tell_raise(stats, "group_api.max_databases", ga_settings.max_databases);
	}
	else if (launcher.is_probing)
		tell(stats, "starting", NULL, NULL);
	else
	{
		tell(stats, "stopped", "this database has no dispatcher",
			 "SELECT pg_reload_conf(); makes the launcher look for it");
		tell_command(stats, "SELECT pg_reload_conf();");
	}
}

static void
tell_waiting(const GaSlot *slot, GaDispatcherStats *stats)
{
	int64 waited = ga_monotonic_now() - slot->wanted_at;

	if (waited < LONG_WAIT_MS * 1000)
		tell(stats, "starting", stats->reason, NULL);
	else if (slot->holds > 0 || slot->is_locked)
	{
		tell(stats, "waiting", "a command on this database is under way",
			 "look for DROP or ALTER DATABASE in pg_stat_activity and "
			 "pg_prepared_xacts");
		tell_command(stats, "SELECT * FROM pg_stat_activity WHERE query ~* "
							"'(drop|alter|create) database';");
	}
	else
	{
		tell(stats, "waiting",
			 psprintf("it has waited %ld s for one of the %d dispatchers",
					  (long) (waited / USECS_PER_SEC),
					  ga_settings.max_dispatchers),
			 "increase group_api.max_dispatchers; max_worker_processes must "
			 "have room for them");
		tell_command(stats,
					 psprintf("ALTER SYSTEM SET group_api.max_dispatchers = "
							  "%d;\nSELECT pg_reload_conf();",
							  ga_settings.max_dispatchers * 2));
	}
}

static void
tell_crashing(const GaSlot *slot, GaDispatcherStats *stats)
{
	tell(stats, "stopped",
		 psprintf("it crashed at its last %d starts; it is tried again at %s",
				  slot->crashes,
				  timestamptz_to_str(ga_clock_date(slot->retry_at))),
		 "look for the crash in the server's log; SELECT pg_reload_conf(); "
		 "tries it now");
	tell_command(stats, "SELECT pg_reload_conf();");
}

/* False: no table is of another role than the extension. */
static bool
tell_tables_of_others(GaDispatcherStats *stats, const char *state)
{
	List *tables = ga_extension_tables_of_others();
	const char *owner;
	StringInfoData command;
	ListCell *cell;

	if (tables == NIL)
		return false;
	owner = GetUserNameFromId(ga_extension_owner(), true);
	initStringInfo(&command);
	foreach (cell, tables)
	{
		const char *schema =
			get_namespace_name(get_rel_namespace(lfirst_oid(cell)));
		const char *name = get_rel_name(lfirst_oid(cell));

		/* Somebody drops the extension at this moment. */
		if (schema == NULL || name == NULL)
			continue;
		appendStringInfo(&command, "%sALTER TABLE %s OWNER TO %s;",
						 command.len > 0 ? "\n" : "",
						 quote_qualified_identifier(schema, name),
						 quote_identifier(owner ? owner : "..."));
	}
	tell(stats, state,
		 list_length(tables) == 1
			 ? "a table of the extension belongs to another role than the "
			   "extension"
			 : psprintf("%d tables of the extension belong to another role "
						"than the extension",
						list_length(tables)),
		 "ALTER TABLE ... OWNER TO the extension's owner");
	tell_command(stats, command.data);
	return true;
}

/* False: the extension is not in the database that asks, or all is well. */
static bool
tell_owner(GaDispatcherStats *stats)
{
	Oid owner = ga_owner();
	const char *name;

	if (!OidIsValid(owner) || ga_owner_can_serve(owner))
		return false;
	if (tell_tables_of_others(stats, "stopped"))
		return true;
	name = GetUserNameFromId(owner, true);
	tell(stats, "stopped",
		 psprintf("%s, the owner of the extension, is not a superuser",
				  name ? name : "a role"),
		 psprintf("ALTER ROLE %s SUPERUSER; the extension's statements need it",
				  quote_identifier(name ? name : "...")));
	if (name != NULL)
		tell_command(stats, psprintf("ALTER ROLE %s SUPERUSER;",
									 quote_identifier(name)));
	return true;
}

/* The same. */
static bool
tell_version(GaDispatcherStats *stats)
{
	char *version = ga_extension_fits() ? NULL : ga_extension_version();

	if (version == NULL)
		return false;
	tell(stats, "stopped",
		 psprintf("the library is of version %s, the extension in this "
				  "database of version %s",
				  GA_VERSION, version),
		 ga_extension_remedy(version));
	tell_command(stats, ga_extension_is_newer(version)
							? RESTART_COMMAND
							: "ALTER EXTENSION group_api UPDATE;");
	return true;
}

static void
tell_overdue(const GaSlot *slot, GaDispatcherStats *stats)
{
	long late_s = (long) (stats->overdue_us / USECS_PER_SEC);
	PGPROC *process = BackendPidGetProc(slot->pid);

	if (process != NULL && process->wait_event_info == WAIT_EVENT_SYNC_REP)
	{
		tell(stats, "waiting",
			 psprintf("it has waited for a synchronous standby for %ld s",
					  late_s),
			 "bring the standby back, or take it out of "
			 "synchronous_standby_names");
		tell_command(stats, "SELECT application_name, state, sync_state, "
							"reply_time FROM pg_stat_replication;");
		return;
	}
	tell(stats, "not responding",
		 psprintf("it has made no progress for %ld s", late_s),
		 psprintf("SELECT * FROM pg_stat_activity WHERE pid = %d; a process "
				  "that was stopped goes on by kill -CONT %d",
				  (int) slot->pid, (int) slot->pid));
	tell_command(stats, psprintf("\\! kill -CONT %d", (int) slot->pid));
}

static void
tell_slot(const GaSlot *slot, GaSlotTrouble trouble, GaDispatcherStats *stats)
{
	/* One that ended before the setting was changed could not note it. */
	if (slot->state == GA_SLOT_IDLE && !ga_settings.dispatch)
		trouble = GA_TROUBLE_OFF;
	stats->reason = trouble_text(trouble);
	stats->since =
		(TimestampTz) pg_atomic_read_u64(&((GaSlot *) slot)->trouble_since);
	if (stats->overdue_us > 0)
	{
		stats->since = GetCurrentTimestamp() - stats->overdue_us;
		tell_overdue(slot, stats);
	}
	else if (slot->state == GA_SLOT_RUNNING || slot->state == GA_SLOT_IDLE)
	{
		if (trouble == GA_TROUBLE_NO_COURIER)
		{
			tell(stats, "no courier", stats->reason,
				 "run make install again, or set group_api.courier_path");
			tell_command(stats, courier_command());
		}
		else
			tell(stats, slot->state == GA_SLOT_IDLE ? "idle" : "running",
				 stats->reason, NULL);
	}
	else if (trouble == GA_TROUBLE_CRASHING)
		tell_crashing(slot, stats);
	else if (trouble == GA_TROUBLE_NO_WORKER)
	{
		tell(stats, "stopped", stats->reason,
			 "increase max_worker_processes and restart");
		tell_raise(stats, "max_worker_processes", max_worker_processes);
	}
	else if (slot->state == GA_SLOT_STOPPED)
	{
		tell(stats, "stopped",
			 psprintf("it ended with an error; it is tried again at %s",
					  timestamptz_to_str(ga_clock_date(slot->retry_at))),
			 "look for the error in the server's log");
		tell_command(stats, "SELECT pg_reload_conf();");
	}
	else
		tell_waiting(slot, stats);
}

void
ga_stats_of_dispatcher(Oid database, GaDispatcherStats *stats)
{
	GaSlot slot;

	memset(stats, 0, sizeof(*stats));
	if (!ga_slot_read(database, &slot))
	{
		tell_no_slot(database, stats);
		return;
	}
	stats->pid = slot.pid;
	stats->courier_pid = (pid_t) pg_atomic_read_u32(&slot.courier_pid);
	stats->started_at = slot.started_on;
	stats->turns = pg_atomic_read_u64(&slot.turns);
	stats->claimed = pg_atomic_read_u64(&slot.claimed);
	stats->recorded = pg_atomic_read_u64(&slot.recorded);
	tell_hindrance(&slot, stats);
	tell_failure(&slot, stats);
	tell_progress(&slot, stats);
	if (!tell_version(stats) && !tell_owner(stats) &&
		!tell_launcher(&slot, stats))
		tell_slot(&slot, (GaSlotTrouble) pg_atomic_read_u32(&slot.trouble),
				  stats);
	/* Of others than the queue: what needs their foreign keys fails. */
	if (stats->command == NULL && OidIsValid(ga_extension_oid()))
		(void) tell_tables_of_others(stats, stats->state);
}

int
ga_stats_connections(Oid database, const char *server)
{
	GaSlot slot;

	return ga_slot_read(database, &slot) ? ga_connections_allowed(&slot, server)
										 : 0;
}

bool
ga_stats_channel_is_closed(Oid database, GaChannel channel)
{
	return ga_slot_channel_is_closed(database, channel);
}
