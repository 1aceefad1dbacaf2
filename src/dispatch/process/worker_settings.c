/*
 * worker_settings.c
 *		The settings that the dispatcher runs its statements with.
 */
#include "postgres.h"

#include "dispatch/process/worker_settings.h"
#include "store/pinned_settings.h"
#include "utils/guc.h"

/*
 * The queue's plans must not depend on statistics that are missing or old: the
 * right plan is always the index, in order.  A bitmap of a small table would hold
 * pages of rows that are not asked for, so that one page that cannot be read
 * held up everybody's.  No setting of the database's owner may slow or redirect
 * this worker either.
 */
void
ga_worker_settings_pin(void)
{
	static const char *const settings[][2] = {
		{"search_path", GA_PINNED_SEARCH_PATH},
		{"enable_seqscan", "off"},
		{"enable_bitmapscan", "off"},
		{"enable_hashjoin", "off"},
		{"enable_mergejoin", "off"},
		{"enable_material", "off"},
		{"enable_sort", "off"},
		{"plan_cache_mode", "force_generic_plan"},
		{"jit", "off"},
		{"statement_timeout", "0"},
		/* No step waits for a lock; this is the net below (dispatch/work). */
		{"lock_timeout", "200"},
		/* Durable whatever the database says; the stop waits for no standby. */
		{"synchronous_commit", "local"},
		{"idle_in_transaction_session_timeout", "0"},
		{"default_transaction_isolation", "read committed"},
		{"session_replication_role", "origin"},
		{"row_security", "on"},
	};

	if (GetConfigOption("transaction_timeout", true, false) != NULL)
		SetConfigOption("transaction_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
	for (int i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET,
						PGC_S_OVERRIDE);
}
