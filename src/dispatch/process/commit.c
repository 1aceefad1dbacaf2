/*
 * commit.c
 *		A commit that waits for the synchronous standbys.
 *
 * The dispatcher commits with synchronous_commit = local, so that no standby holds up
 * the delivery.  Where group_api.synchronous_claims is on, the claims are the
 * exception.  PostgreSQL ends the wait when the standbys have answered, when there is
 * none to wait for any more (synchronous_standby_names), and on a cancel, which a stop
 * is made into here: what was committed stays so.
 */
#include "postgres.h"

#include "access/xact.h"
#include "dispatch/process/commit.h"
#include "dispatch/process/signals.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "utils/guc.h"

void
ga_commit_replicated(void)
{
	ga_signals_stop_is_cancel = true;
	PG_TRY();
	{
		/* One that came before is answered by a commit as ever. */
		if (!ShutdownRequestPending)
			(void) set_config_option("synchronous_commit", "on", PGC_SUSET,
									 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
									 false);
		CommitTransactionCommand();
	}
	PG_FINALLY();
	{
		/* Where nothing was committed, too: a stop that comes later cancels nothing. */
		ga_signals_stop_is_cancel = false;
		QueryCancelPending = false;
	}
	PG_END_TRY();
}
