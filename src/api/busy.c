/*
 * busy.c
 *		The error of a call that waited too long for somebody else's lock.
 *
 * In SQL it stays PostgreSQL's own, 55P03, with a hint.  Over HTTP it becomes the
 * SQLSTATE by which PostgREST (12 and newer) takes status and headers from an
 * error: 503 with Retry-After (RFC 9110, 15.6.4), which nginx puts into the words
 * of the contract.  It must be an error, not a document: a document would commit,
 * and with it keep the locks that the call has taken already.
 */
#include "postgres.h"

#include "api/busy.h"
#include "store/plan_cache.h"
#include "utils/guc.h"

/* https://docs.postgrest.org/en/v12/references/errors.html */
#define ERRCODE_POSTGREST MAKE_SQLSTATE('P', 'G', 'R', 'S', 'T')

#define RETRY_AFTER_S "1"

static bool
is_http(void)
{
	const char *method = GetConfigOption("request.method", true, false);

	return method != NULL && method[0] != '\0';
}

/* Runs while the error is made, in no state to fail. */
static void
tell_busy(void)
{
	if (!is_http())
	{
		errhint("Try again. Another transaction holds what this call needs; "
				"group_api.lock_timeout bounds the wait.");
		return;
	}
	errcode(ERRCODE_POSTGREST);
	errmsg_internal("{\"code\": \"unavailable\", \"message\": \"another "
					"request holds what this one needs\", \"details\": null, "
					"\"hint\": \"Try again in a moment.\"}");
	errdetail_internal("{\"status\": 503, \"headers\": "
					   "{\"Retry-After\": \"" RETRY_AFTER_S "\"}}");
}

void
ga_busy_init(void)
{
	ga_on_lock_timeout = tell_busy;
}
