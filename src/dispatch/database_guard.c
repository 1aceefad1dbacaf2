/*
 * database_guard.c
 *		The utility hook.
 *
 * DROP DATABASE, ALTER DATABASE RENAME or SET TABLESPACE and CREATE DATABASE
 * TEMPLATE wait five seconds for connections to go and then fail: a connected
 * worker would block the DBA.  So the dispatcher is asked to leave first and is
 * kept out until the command is done.  From then on the command's own lock on the
 * database keeps it out until the transaction ends, prepared or not
 * (dispatch/launch/databases), so any number of databases can be held and none is
 * forgotten.  Commands on servers reach the dispatcher, the pauses and
 * the events that wait.
 *
 * Must never make a command fail that would succeed without us, but for one: a
 * webhook of a consumer's name is refused.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "base/compat.h"
#include "base/extension.h"
#include "commands/dbcommands.h"
#include "dispatch/database_guard.h"
#include "dispatch/slots.h"
#include "dispatch/wake.h"
#include "store/events/consumer_store.h"
#include "store/events/webhook_store.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
#include "nodes/parsenodes.h"
#include "commands/defrem.h"
#include "tcop/utility.h"
#include "utils/memutils.h"

/* How long a dispatcher may take to leave; it ends its sends at once. */
#define LEAVE_TIMEOUT_MS 5000

static ProcessUtility_hook_type next_utility_hook = NULL;
/* While a command runs; commands may nest, in a function that an event calls. */
static List *held_databases = NIL; /* of Oid, in TopMemoryContext */

static const char *
template_of(CreatedbStmt *statement)
{
	ListCell *cell;

	foreach (cell, statement->options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "template") == 0 && option->arg)
			return defGetString(option);
	}
	return NULL;
}

static bool
moves_to_tablespace(AlterDatabaseStmt *statement)
{
	ListCell *cell;

	foreach (cell, statement->options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "tablespace") == 0)
			return true;
	return false;
}

/* The database a command needs for itself, NULL for all other commands. */
static const char *
database_to_empty(Node *command)
{
	switch (nodeTag(command))
	{
		case T_DropdbStmt:
			return ((DropdbStmt *) command)->dbname;
		case T_CreatedbStmt:
			return template_of((CreatedbStmt *) command);
		case T_RenameStmt:
			if (((RenameStmt *) command)->renameType == OBJECT_DATABASE)
				return ((RenameStmt *) command)->subname;
			return NULL;
		case T_AlterDatabaseStmt:
			if (moves_to_tablespace((AlterDatabaseStmt *) command))
				return ((AlterDatabaseStmt *) command)->dbname;
			return NULL;
		default:
			return NULL;
	}
}

static void
wait_until_left(Oid database)
{
	for (int waited = 0; waited < LEAVE_TIMEOUT_MS; waited += 10)
	{
		pid_t pid = ga_slot_pid(database);

		if (pid == 0)
			return;
		if (waited % 1000 == 0)
			kill(pid, SIGTERM);
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Only who could run the command may send the dispatcher away. */
static void
hold_database(const char *name)
{
	Oid database = get_database_oid(name, true);
	MemoryContext old;

	if (!OidIsValid(database) ||
		!(superuser() || ga_database_is_owned_by(database, GetUserId())))
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	held_databases = lappend_oid(held_databases, database);
	MemoryContextSwitchTo(old);
	if (ga_slot_hold(database))
		wait_until_left(database);
	else
		held_databases = list_delete_last(held_databases);
}

/* All but the first `kept`. */
static void
release_databases(int kept)
{
	while (list_length(held_databases) > kept)
	{
		Oid database = llast_oid(held_databases);

		held_databases = list_delete_last(held_databases);
		ga_slot_release(database);
	}
}

/* A session that is terminated within a command never comes back to it. */
static void
release_at_abort(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		release_databases(0);
}

static bool
is_ours_to_drop(DropStmt *statement)
{
	return statement->removeType == OBJECT_EXTENSION ||
		   statement->removeType == OBJECT_SCHEMA ||
		   statement->removeType == OBJECT_FOREIGN_SERVER ||
		   statement->removeType == OBJECT_FDW;
}

/* What the dispatcher of this database must hear once a command is done. */
typedef enum News
{
	NEWS_NONE,
	NEWS_RELOAD,   /* providers, or the extension itself; at commit */
	NEWS_PREPARED, /* a prepared transaction is committed; now */
	NEWS_UNLOCKED, /* one is rolled back, and with it its locks; now */
	NEWS_DATABASES /* databases come, go, open or close; at commit */
} News;

static News
news_of_transaction(TransactionStmt *statement)
{
	if (statement->kind == TRANS_STMT_COMMIT_PREPARED)
		return NEWS_PREPARED;
	return statement->kind == TRANS_STMT_ROLLBACK_PREPARED ? NEWS_UNLOCKED
														   : NEWS_NONE;
}

static News
news_of(Node *command)
{
	switch (nodeTag(command))
	{
		case T_CreateForeignServerStmt:
		case T_AlterForeignServerStmt:
		case T_CreateUserMappingStmt:
		case T_AlterUserMappingStmt:
		case T_DropUserMappingStmt:
		case T_DropOwnedStmt:
		case T_AlterExtensionStmt:
		case T_AlterOwnerStmt:
		case T_ReassignOwnedStmt:
		/* The owner of a server may gain or lose the right to its files. */
		case T_GrantRoleStmt:
		case T_AlterRoleStmt:
			return NEWS_RELOAD;
		case T_DropStmt:
			return is_ours_to_drop((DropStmt *) command) ? NEWS_RELOAD
														 : NEWS_NONE;
		case T_RenameStmt:
			if (((RenameStmt *) command)->renameType == OBJECT_DATABASE)
				return NEWS_DATABASES;
			return ((RenameStmt *) command)->renameType == OBJECT_FOREIGN_SERVER
					   ? NEWS_RELOAD
					   : NEWS_NONE;
		case T_CreatedbStmt:
		case T_DropdbStmt:
		case T_AlterDatabaseStmt:
			return NEWS_DATABASES;
		case T_TransactionStmt:
			return news_of_transaction((TransactionStmt *) command);
		default:
			return NEWS_NONE;
	}
}

static void
tell_dispatcher(News news)
{
	GaSlot slot;

	if (news == NEWS_DATABASES)
	{
		ga_wake_launcher_at_commit();
		return;
	}
	if (news == NEWS_PREPARED || news == NEWS_UNLOCKED)
		ga_slots_check_databases();
	if (news == NEWS_UNLOCKED)
		return;
	/*
	 * Of whatever database or role it changed.  Nearly none does, and who commits so all
	 * the time must not start every dispatcher each time.
	 */
	if (news == NEWS_PREPARED && ga_slots_have_prepared_settings())
		ga_wake_settings_at_commit(InvalidOid);
	/*
	 * A database without the extension is none of our business; but a prepared
	 * transaction may have created it.
	 */
	if (!ga_slot_read(MyDatabaseId, &slot) &&
		!(news == NEWS_PREPARED && OidIsValid(ga_extension_oid())))
		return;
	if (news == NEWS_RELOAD)
		ga_wake_reload_at_commit();
	else
		ga_wake_reload_now();
}

/* What a command does to what names its provider: pauses, and events that wait. */
typedef struct NameChange
{
	bool drops;			/* providers may be gone */
	const char *before; /* which there were; NULL: none that are known */
	const char *from;	/* one has another name; NULL: none */
	const char *to;		/* that, or the name of a new one; NULL: none */
} NameChange;

static NameChange
name_change_of(Node *command)
{
	NameChange change = {0};

	if (IsA(command, CreateForeignServerStmt))
		change.to = pstrdup(((CreateForeignServerStmt *) command)->servername);

	if (IsA(command, RenameStmt) &&
		((RenameStmt *) command)->renameType == OBJECT_FOREIGN_SERVER)
	{
		Node *name = ((RenameStmt *) command)->object;

		change.from = pstrdup(strVal(name));
		change.to = pstrdup(((RenameStmt *) command)->newname);
	}
	if (IsA(command, DropStmt))
	{
		ObjectType dropped = ((DropStmt *) command)->removeType;

		change.drops =
			dropped == OBJECT_FOREIGN_SERVER || dropped == OBJECT_FDW;
	}
	else
		change.drops = IsA(command, DropOwnedStmt);
	return change;
}

/* Events wait for a listener by its name alone. */
static void
check_listener_name(const char *webhook)
{
	if (ga_consumer_exists(webhook))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("there is a consumer \"%s\" already", webhook),
				 errdetail("A webhook and a consumer of events cannot have the "
						   "same name."),
				 errhint("Choose another name for the webhook.")));
}

/* Others' servers come and go whatever state the extension is in. */
static bool
can_follow(void)
{
	return OidIsValid(ga_owner()) && ga_owner_can_serve(ga_owner()) &&
		   ga_extension_fits();
}

static void
note_providers(NameChange *change)
{
	GaOwnerScope scope;

	if (!change->drops || !can_follow())
		return;
	ga_owner_enter(&scope);
	change->before = ga_provider_list(&scope);
	ga_owner_leave(&scope);
}

/*
 * A pause belongs to its provider, and so do the events that wait for a webhook:
 * they go with it, so that another one of the same name does not begin paused or
 * hears old things, and keep to it under another name.
 *
 * Nothing is written, and no table of ours locked, where none of ours is concerned:
 * anybody may drop servers, if only some that do not exist, and stay in the transaction.
 */
static void
follow_names(const NameChange *change)
{
	GaOwnerScope scope;

	if (change->before == NULL && change->to == NULL)
		return;
	CommandCounterIncrement();
	if (!can_follow())
		return;
	ga_owner_enter(&scope);
	if (change->from != NULL && ga_provider_exists(change->to))
		ga_provider_rename_pause(change->from, change->to);
	if (change->to != NULL && ga_webhook_exists(change->to))
	{
		check_listener_name(change->to);
		if (change->from != NULL)
			ga_webhook_rename(change->from, change->to);
	}
	if (change->before != NULL &&
		strcmp(change->before, ga_provider_list(&scope)) != 0)
	{
		ga_provider_trim_pauses();
		(void) ga_webhooks_trim(PG_INT32_MAX);
		ga_webhooks_forget_contacts();
	}
	ga_owner_leave(&scope);
}

typedef struct UtilityCall
{
	PlannedStmt *planned;
	const char *text;
	bool read_only_tree;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *environment;
	DestReceiver *receiver;
	QueryCompletion *completion;
} UtilityCall;

static void
run_utility(const UtilityCall *call)
{
	ProcessUtility_hook_type run =
		next_utility_hook ? next_utility_hook : standard_ProcessUtility;

	run(call->planned, call->text, call->read_only_tree, call->context,
		call->params, call->environment, call->receiver, call->completion);
}

/* A command that needs a database for itself. */
static void
run_in_empty_database(const UtilityCall *call, const char *name)
{
	const int held_before = list_length(held_databases);

	PG_TRY();
	{
		hold_database(name);
		/* Whoever is kept out may come when the transaction has ended. */
		ga_wake_launcher_at_commit();
		run_utility(call);
	}
	PG_CATCH();
	{
		release_databases(held_before);
		PG_RE_THROW();
	}
	PG_END_TRY();
	release_databases(held_before);
}

static void
watch_utility(PlannedStmt *planned, const char *text, bool read_only_tree,
			  ProcessUtilityContext context, ParamListInfo params,
			  QueryEnvironment *environment, DestReceiver *receiver,
			  QueryCompletion *completion)
{
	UtilityCall call = {planned, text,		  read_only_tree, context,
						params,	 environment, receiver,		  completion};
	/* The tree may be gone after the command: decide before. */
	Node *command = planned->utilityStmt;
	const char *emptied = database_to_empty(command);
	News news = news_of(command);
	NameChange change = name_change_of(command);

	note_providers(&change);
	if (emptied != NULL && ga_slots != NULL)
		run_in_empty_database(&call, emptied);
	else
		run_utility(&call);
	follow_names(&change);
	if (news != NEWS_NONE && ga_slots != NULL)
		tell_dispatcher(news);
}

void
ga_database_guard_init(void)
{
	next_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = watch_utility;
	RegisterXactCallback(release_at_abort, NULL);
}
