/*
 * group_api.c
 *		The library's entry: what is set up, in which order.
 */
#include "postgres.h"

#include "api/busy.h"
#include "api/error_hint.h"
#include "base/compat.h"
#include "base/fair_queue.h"
#include "base/guc.h"
#include "base/upgrade_mark.h"
#include "dispatch/database_guard.h"
#include "dispatch/launch/launcher.h"
#include "dispatch/setting_guard.h"
#include "dispatch/progress.h"
#include "dispatch/provider/counters.h"
#include "dispatch/slots.h"
#include "dispatch/wake.h"
#include "message/languages.h"
#include "request/contact/contact.h"

GA_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("group_api must be loaded when the server starts"),
				 errhint("Add group_api to shared_preload_libraries in "
						 "postgresql.conf and restart the server.")));

	ga_guc_init(ga_contact_countries_are_known, ga_language_has_words);
	ga_upgrade_mark_init();
	ga_contact_init();
	ga_slots_init();
	ga_counters_init();
	ga_progress_init();
	ga_fair_queue_init();
	ga_wake_init();
	ga_database_guard_init();
	ga_setting_guard_init();
	ga_launcher_init();
	ga_busy_init();
	ga_error_hint_init();
}
