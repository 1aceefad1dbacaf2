/*
 * handover.c
 *		Handing claimed invitations over to the courier.
 *
 * Each was claimed and committed before.  The last look (dispatch/screening) comes
 * first; what may be sent becomes a job with its message and its link, and what
 * cannot be sent becomes a record at once, so that it is in the history like any
 * other.
 *
 * Locks: none; no transaction is open.
 *
 * Must never: let one message that cannot be made stop the others, or leave the
 * secret of links in a log or an error.
 */
#include "postgres.h"

#include "base/callback_url.h"
#include "base/fair_queue.h"
#include "base/link_token.h"
#include "dispatch/courier/couriers.h"
#include "dispatch/courier/handover.h"
#include "dispatch/courier/jobs.h"
#include "dispatch/courier/message.h"
#include "dispatch/courier/own_journal.h"
#include "dispatch/records.h"
#include "dispatch/screening.h"
#include "store/installation_store.h"
#include "utils/memutils.h"

uint64 ga_handover_last_job_id;

void
ga_handover_begin(int64 incarnation)
{
	ga_handover_last_job_id = ga_own_journal_first_job_id(incarnation);
}

static uint8 link_secret[GA_LINK_SECRET_LENGTH];

void
ga_handover_read_secret(void)
{
	ga_installation_read_link_secret(link_secret);
}

static void
record_over(const GaClaim *claim, GaProvider *provider, const GaRecord *how)
{
	GaRecord *record = ga_records_add();

	*record = *how;
	record->group_id = claim->group_id;
	record->number = claim->number;
	record->start_tag = claim->start_tag;
	record->server = provider->server;
	record->channel = provider->channel;
	record->give_back = true;
	provider->in_flight--;
}

static void
hand_over(GaProvider *provider, const GaClaim *claim)
{
	const char *callback_url = provider->callback_url;
	GaRecord over = {0};
	GaJobFrame frame;
	const char *link_token;
	GaMessage message;
	GaJob *job;

	if (ga_screening_holds_back(claim, &over))
	{
		record_over(claim, provider, &over);
		return;
	}
	job = ga_job_add(++ga_handover_last_job_id, provider, claim);
	link_token = ga_message_link_token(link_secret, claim);
	ga_message_for_claim(link_token, claim, provider->channel, &message);
	job->segments = message.segments;
	ga_provider_sent(provider, Max(message.segments, 1));
	if (callback_url != NULL)
		callback_url = ga_callback_url_make(
			callback_url, provider->server, link_secret,
			(GaLinkToken){claim->group_number, claim->number,
						  claim->link_version});
	ga_message_job(&frame, job->id, link_secret, link_token, provider->server,
				   callback_url, claim, provider->channel, &message);
	if (ga_wire_job_length(&frame) > GA_FRAME_MAX)
	{
		ga_job_remove(job);
		over.delivery = GA_DELIVERY_FAILED;
		over.set_aside = true;
		over.reason = "the message is too long to be sent";
		record_over(claim, provider, &over);
		return;
	}
	/* One that is tried alone is known to kill couriers, and has no journal. */
	if (job->crashes == 0)
		ga_own_journal_put(job);
	ga_couriers_put_job(job, &frame);
}

/* No message can be made of this one: it has failed, and the others go on. */
static void
fail_to_hand_over(GaProvider *provider, const GaClaim *claim, uint64 last_id,
				  MemoryContext context)
{
	GaRecord over = {.delivery = GA_DELIVERY_FAILED, .set_aside = true};
	ErrorData *error;
	GaJob *job;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	EmitErrorReport();
	FlushErrorState();
	job = ga_handover_last_job_id == last_id
			  ? NULL
			  : ga_job_find(ga_handover_last_job_id);
	if (job != NULL)
		ga_job_remove(job);
	over.reason = MemoryContextStrdup(
		ga_records_context(),
		psprintf("the message cannot be made: %s",
				 error->message ? error->message : "unknown error"));
	record_over(claim, provider, &over);
}

void
ga_handover_all(GaProvider *provider, const GaClaim *claims, int count)
{
	MemoryContext context = CurrentMemoryContext;

	for (volatile int i = 0; i < count; i++)
	{
		uint64 last_id = ga_handover_last_job_id;

		ga_fair_queue_served(provider->channel, claims[i].created_by);
		PG_TRY();
		{
			hand_over(provider, &claims[i]);
		}
		PG_CATCH();
		{
			fail_to_hand_over(provider, &claims[i], last_id, context);
		}
		PG_END_TRY();
	}
}
