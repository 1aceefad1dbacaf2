/*
 * capture.c
 *		The provider that sends nothing: it hands the message back exactly as
 *		it would leave, for development and for tests.
 */
#include "courier/capture.h"

#include <stdlib.h>
#include <string.h>

#include "courier/memory.h"
#include "courier/smtp/mail.h"

/* RFC 2606 keeps .invalid from ever being somebody's. */
#define DEFAULT_SENDER "group_api <group_api@localhost.invalid>"

static bool
prepare(GaCourierProvider *provider, char *complaint, size_t size)
{
	GaMailSettings *settings = ga_memory_alloc(sizeof(*settings));
	const char *sender = ga_provider_option(provider, "sender");

	provider->plan = settings;
	/* The options' check has seen the sender of an EMAIL provider. */
	if (provider->channel == GA_CHANNEL_EMAIL &&
		!ga_mail_settings_read(settings, sender ? sender : DEFAULT_SENDER,
							   NULL))
	{
		strncpy(complaint, "sender is not an address", size);
		return false;
	}
	return true;
}

static void
release(void *plan)
{
	ga_mail_settings_free(plan);
	free(plan);
}

static void *
open_sender(const GaCourierProvider *provider, GaTransfers *transfers)
{
	(void) transfers;
	/* Nothing to keep; the provider itself is all that is needed. */
	return (void *) provider;
}

static void
close_sender(void *sender)
{
	(void) sender;
}

static bool
compose(const GaCourierProvider *provider, const GaCourierJob *job, GaText *out,
		char *complaint, size_t size)
{
	if (provider->channel == GA_CHANNEL_EMAIL)
		return ga_mail_compose(provider->plan, job, out, complaint, size);
	ga_text_puts(out, job->text);
	return true;
}

static bool
begin(void *sender, const GaCourierJob *job, GaOutcome *outcome)
{
	char complaint[256];

	if (!compose(sender, job, &outcome->captured, complaint, sizeof(complaint)))
	{
		ga_outcome_setf(outcome, GA_OUTCOME_REJECTED, "message", "%s",
						complaint);
		return false;
	}
	ga_outcome_setf(outcome, GA_OUTCOME_ACCEPTED, "captured", "%s", "");
	ga_outcome_set_message_id(outcome, job->message_key);
	return false;
}

const GaTransport ga_capture_transport = {
	.kind = "capture",
	.prepare = prepare,
	.release = release,
	.open = open_sender,
	.close = close_sender,
	.begin = begin,
	.compose = compose,
};
