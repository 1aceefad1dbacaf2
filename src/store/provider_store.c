/*
 * provider_store.c
 *		Reading foreign servers of our wrappers.
 *
 * Options may hold passwords; they are read by the dispatcher for the courier
 * and must not reach a message, a log or a view.
 *
 * Options that read files or the private network of the server are used only
 * while the server's owner has the right to set them.  Nobody else can change
 * the URL, nor the mappings that are used: those for PUBLIC and of the owner.
 * So a file somebody with the right named never goes where somebody without it
 * says.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "base/extension.h"
#include "base/shared/provider_options.h"
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "nodes/parsenodes.h"
#include "commands/defrem.h"
#include "storage/lmgr.h"
#include "store/events/event_store.h"
#include "store/plan_cache.h"
#include "store/provider_store.h"
#include "utils/array.h"
#include "utils/builtins.h"

static int
read_options(uint64 row, int column, GaProviderSetting *settings, int at)
{
	bool isnull;
	Datum options = ga_row_datum(row, column, &isnull);
	ListCell *cell;

	if (isnull)
		return at;
	foreach (cell, untransformRelOptions(options))
	{
		DefElem *option = lfirst_node(DefElem, cell);

		settings[at].name = option->defname;
		settings[at].value = option->arg ? defGetString(option) : "";
		at++;
	}
	return at;
}

static int
count_options(uint64 row, int column)
{
	bool isnull;
	Datum options = ga_row_datum(row, column, &isnull);

	return isnull ? 0
				  : ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(options)),
								   ARR_DIMS(DatumGetArrayTypeP(options)));
}

/* NULL: no option asks for a right that this owner has not. */
static const char *
why_forbidden(const GaProviderRow *row, const char *owner)
{
	for (int i = 0; i < row->setting_count; i++)
	{
		const GaProviderOption *option =
			ga_provider_option_find(row->kind, row->settings[i].name,
									GA_OPTION_ON_SERVER | GA_OPTION_ON_MAPPING);

		if (option &&
			ga_provider_option_asks_right(option, row->settings[i].value))
			return psprintf("option %s is not used, since the server's owner "
							"\"%s\" is no member of pg_read_server_files",
							option->name, owner ? owner : "?");
	}
	return NULL;
}

static void
read_provider(const GaOwnerScope *scope, uint64 row, GaProviderRow *provider)
{
	MemoryContext old = MemoryContextSwitchTo(scope->caller_context);
	int count = count_options(row, 3) + count_options(row, 4);

	provider->server = ga_row_text(scope, row, 1);
	provider->kind = ga_row_text(scope, row, 2);
	provider->settings = palloc0(sizeof(GaProviderSetting) * Max(count, 1));
	provider->setting_count =
		read_options(row, 4, provider->settings,
					 read_options(row, 3, provider->settings, 0));
	provider->fingerprint = ga_row_text(scope, row, 5);
	provider->pause_reason = ga_row_text(scope, row, 6);
	provider->rest_until = ga_row_int64(row, 12, 0);
	provider->is_paused =
		provider->pause_reason != NULL && provider->rest_until == 0;
	provider->paused_by_dispatcher = ga_row_bool(row, 7, false);
	provider->paused_for = ga_row_text(scope, row, 8);
	provider->by_superuser = ga_row_bool(row, 9, false);
	provider->forbidden =
		ga_row_bool(row, 10, false)
			? NULL
			: why_forbidden(provider, ga_row_text(scope, row, 11));
	MemoryContextSwitchTo(old);
}

/* The owner's own mapping is preferred to that for PUBLIC. */
#define PROVIDER                                                               \
	"SELECT s.srvname, substr(w.fdwname::text, 11), s.srvoptions,"             \
	" u.umoptions, md5(concat(w.fdwname, s.srvoptions::text,"                  \
	"  u.umoptions::text, s.srvowner, r.rolsuper, r.may_read)),"               \
	" p.reason, p.by_dispatcher, p.fingerprint, r.rolsuper, r.may_read,"       \
	" r.rolname::text, p.until"                                                \
	" FROM pg_foreign_server s"                                                \
	" JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw"                      \
	" LEFT JOIN LATERAL (SELECT m.umoptions FROM pg_user_mapping m"            \
	"  WHERE m.umserver = s.oid AND m.umuser IN (0, s.srvowner)"               \
	"  ORDER BY m.umuser DESC LIMIT 1) u ON true"                              \
	" LEFT JOIN LATERAL (SELECT o.rolname, o.rolsuper,"                        \
	"   pg_has_role(o.oid, 'pg_read_server_files', 'USAGE') AS may_read"       \
	"  FROM pg_roles o WHERE o.oid = s.srvowner) r ON true"                    \
	" LEFT JOIN group_api_private.pauses p ON p.server = s.srvname"            \
	"  AND (p.until <= clock_timestamp()) IS NOT TRUE"

int
ga_providers_read(const GaOwnerScope *scope, GaProviderRow **rows)
{
	static GaPlan plan = {
		.sql = PROVIDER " WHERE " GA_WRAPPER_IS_OURS " ORDER BY s.srvname",
	};
	int count = (int) ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT);

	*rows = MemoryContextAllocZero(scope->caller_context,
								   sizeof(GaProviderRow) * Max(count, 1));
	for (int i = 0; i < count; i++)
		read_provider(scope, i, &(*rows)[i]);
	return count;
}

bool
ga_provider_find(const GaOwnerScope *scope, const char *server,
				 GaProviderRow *provider)
{
	static GaPlan plan = {
		.sql = PROVIDER " WHERE " GA_WRAPPER_IS_OURS " AND s.srvname = $1",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	Datum values[1] = {CStringGetTextDatum(server)};

	if (ga_plan_read(&plan, values, NULL) == 0)
		return false;
	read_provider(scope, 0, provider);
	return true;
}

bool
ga_provider_exists(const char *server)
{
	static GaPlan plan = {
		.sql = "SELECT FROM pg_foreign_server s"
			   " JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw"
			   " WHERE " GA_WRAPPER_IS_OURS " AND s.srvname = $1",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	Datum values[1] = {CStringGetTextDatum(server)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_SELECT) > 0;
}

const char *
ga_provider_list(const GaOwnerScope *scope)
{
	static GaPlan plan = {
		.sql =
			"SELECT coalesce(string_agg(s.oid::text, ' ' ORDER BY s.oid), '')"
			" FROM pg_foreign_server s"
			" JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw"
			" WHERE " GA_WRAPPER_IS_OURS,
	};

	/* A command that has just ended counts. */
	ga_plan_run(&plan, NULL, NULL, SPI_OK_SELECT);
	return ga_row_text(scope, 0, 1);
}

bool
ga_provider_lock_pauses(void)
{
	/* Whoever pauses or resumes holds RowExclusiveLock until his end. */
	return ConditionalLockRelationOid(ga_extension_table("pauses"),
									  ShareRowExclusiveLock);
}

void
ga_provider_pause(const char *server, bool by_dispatcher,
				  const char *fingerprint, TimestampTz until,
				  const char *reason)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.pauses AS p"
			   " (server, by_dispatcher, fingerprint, reason, until)"
			   " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (server) DO UPDATE"
			   " SET by_dispatcher = $2, fingerprint = $3, reason = $4,"
			   "  until = $5, since = now()"
			   " WHERE $5 IS NULL OR p.until IS NOT NULL",
		.no_wait = GA_MAY_MEET_A_LOCK(
			"who pauses or resumes is shut out: ga_provider_lock_pauses()"),
		.nargs = 5,
		.argtypes = {TEXTOID, BOOLOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
	};
	Datum values[5] = {CStringGetTextDatum(server), BoolGetDatum(by_dispatcher),
					   fingerprint ? CStringGetTextDatum(fingerprint)
								   : (Datum) 0,
					   CStringGetTextDatum(reason), TimestampTzGetDatum(until)};
	char nulls[5] = {' ', ' ', fingerprint ? ' ' : 'n', ' ',
					 until == 0 ? 'n' : ' '};

	/* A rest ends by itself: it is no pause. */
	if (ga_plan_run(&plan, values, nulls, SPI_OK_INSERT) > 0 && until == 0)
		ga_event_write_provider(GA_EVENT_PROVIDER_PAUSED, server, reason);
}

/* What ended; its column: whether that was a pause.  None when nothing was left. */
static uint64
remove_pause(const char *server)
{
	static GaPlan plan = {
		/* What rested and is over counts no more. */
		.sql = "WITH ended AS (DELETE FROM group_api_private.pauses"
			   "  WHERE server = $1 RETURNING until)"
			   " SELECT until IS NULL FROM ended"
			   "  WHERE (until <= clock_timestamp()) IS NOT TRUE",
		.no_wait = GA_MAY_MEET_A_LOCK(
			"who pauses or resumes is shut out: ga_provider_lock_pauses()"),
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	Datum values[1] = {CStringGetTextDatum(server)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_SELECT);
}

void
ga_provider_rename_pause(const char *from, const char *to)
{
	static GaPlan plan = {
		.sql = "UPDATE group_api_private.pauses SET server = $2"
			   " WHERE server = $1",
		.nargs = 2,
		.argtypes = {TEXTOID, TEXTOID},
	};
	Datum values[2] = {CStringGetTextDatum(from), CStringGetTextDatum(to)};

	/* What stands under the new name is of one that is gone. */
	(void) remove_pause(to);
	ga_plan_run(&plan, values, NULL, SPI_OK_UPDATE);
}

void
ga_provider_trim_pauses(void)
{
	static GaPlan plan = {
		/* Whoever pauses or resumes one at this moment is not waited for. */
		.sql = "DELETE FROM group_api_private.pauses WHERE server = ANY (ARRAY("
			   " SELECT p.server FROM group_api_private.pauses p"
			   "  WHERE NOT EXISTS (SELECT FROM pg_foreign_server s"
			   "   WHERE s.srvname = p.server) FOR UPDATE SKIP LOCKED))",
	};

	ga_plan_run(&plan, NULL, NULL, SPI_OK_DELETE);
}

bool
ga_provider_resume(const char *server)
{
	if (remove_pause(server) == 0)
		return false;
	if (ga_row_bool(0, 1, false))
		ga_event_write_provider(GA_EVENT_PROVIDER_RESUMED, server, NULL);
	return true;
}

const char *
ga_provider_waiting_reason(const GaOwnerScope *scope, GaChannel channel)
{
	/*
	 * A provider that is ready sorts first: then there is nothing to tell.  Not by
	 * the view: callers may name that, and so keep others waiting for it.
	 */
	static GaPlan plan = {
		.sql = "SELECT CASE WHEN p.until IS NOT NULL THEN format("
			   "  'provider %s rests until %s: %s', p.server,"
			   "  to_char(p.until, 'HH24:MI'), p.reason)"
			   "  WHEN p.server IS NOT NULL THEN format("
			   "  'provider %s is paused: %s', p.server, p.reason) END"
			   " FROM pg_foreign_server s"
			   " JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw"
			   " LEFT JOIN group_api_private.pauses p ON p.server = s.srvname"
			   "  AND (p.until <= clock_timestamp()) IS NOT TRUE"
			   " WHERE " GA_WRAPPER_IS_OURS "  AND $1 = coalesce("
			   "   group_api_private.kind_channel(substr(w.fdwname::text, 11)),"
			   "   (SELECT o.option_value"
			   "    FROM pg_options_to_table(s.srvoptions) o"
			   "    WHERE o.option_name = 'channel'))"
			   " ORDER BY p.server IS NOT NULL, s.srvname LIMIT 1",
		.nargs = 1,
		.argtypes = {TEXTOID},
	};
	const char *name = channel == GA_CHANNEL_MOBILE ? "MOBILE" : "EMAIL";
	Datum values[1] = {CStringGetTextDatum(name)};

	if (ga_plan_read(&plan, values, NULL) == 0)
		return MemoryContextStrdup(
			scope->caller_context,
			psprintf("no provider for %s is configured", name));
	return ga_row_text(scope, 0, 1);
}
