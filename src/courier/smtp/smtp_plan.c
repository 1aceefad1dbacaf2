/*
 * smtp_plan.c
 *		What is the same for all mails of a relay.
 */
#include "courier/smtp/smtp_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shared/mailbox.h"
#include "courier/memory.h"

static bool
make_url(GaCourierProvider *provider, GaSmtpPlan *plan, const char *url,
		 char *complaint, size_t size)
{
	const char *ehlo = ga_provider_option(provider, "ehlo_name");
	size_t host = strcspn(strstr(url, "://") + 3, "/?#");
	const char *rest = strstr(url, "://") + 3 + host;
	GaText text = {0};

	if (*rest && strcmp(rest, "/") != 0)
	{
		snprintf(complaint, size,
				 "option \"url\" must end after host and port; the EHLO name "
				 "is option ehlo_name");
		return false;
	}
	ga_text_append(&text, url, (size_t) (rest - url));
	ga_text_putc(&text, '/');
	if (ehlo)
		ga_text_put_url(&text, ehlo);
	plan->url = text.data;
	return true;
}

bool
ga_smtp_plan_prepare(GaCourierProvider *provider, char *complaint, size_t size)
{
	GaSmtpPlan *plan = ga_memory_alloc(sizeof(*plan));
	const char *url = ga_provider_option(provider, "url");
	const char *tls = ga_provider_option(provider, "tls");
	const char *envelope = ga_provider_option(provider, "envelope_sender");
	GaMailbox mailbox;
	char scheme[16];

	provider->plan = plan;
	if (!ga_provider_inspect_url(provider, url, scheme, sizeof(scheme),
								 complaint, size) ||
		!make_url(provider, plan, url, complaint, size))
		return false;
	plan->tls =
		tls ? strcmp(tls, "required") == 0 : !provider->host_is_loopback;
	plan->is_wrapped = strcmp(scheme, "smtps") == 0;
	plan->greeting_timeout =
		atol(ga_provider_option(provider, "greeting_timeout"));
	if (provider->password && !plan->tls && !plan->is_wrapped &&
		!provider->host_is_loopback)
	{
		snprintf(complaint, size,
				 "a password is only sent over TLS: drop option tls 'none' or "
				 "use smtps://");
		return false;
	}
	if (!ga_mail_settings_read(&plan->mail,
							   ga_provider_option(provider, "sender"),
							   ga_provider_option(provider, "reply_to")))
	{
		snprintf(complaint, size, "option \"sender\" is not an address");
		return false;
	}
	plan->bounce_address =
		ga_memory_strdup(ga_provider_option(provider, "bounce_address"));
	plan->envelope_sender = ga_memory_strdup(
		plan->bounce_address ? plan->bounce_address : plan->mail.address);
	if (envelope && ga_mailbox_split(envelope, &mailbox))
	{
		free(plan->envelope_sender);
		plan->envelope_sender = ga_memory_alloc(mailbox.address_length + 1);
		memcpy(plan->envelope_sender, mailbox.address, mailbox.address_length);
	}
	return true;
}

void
ga_smtp_plan_release(void *context)
{
	GaSmtpPlan *plan = context;

	ga_mail_settings_free(&plan->mail);
	free(plan->url);
	free(plan->envelope_sender);
	free(plan->bounce_address);
	free(plan);
}

void
ga_smtp_plan_set_connecting(const GaCourierProvider *provider, CURL *curl)
{
	const GaSmtpPlan *plan = provider->plan;
	const char *username = ga_provider_option(provider, "username");
	long connecting = provider->connect_timeout + plan->greeting_timeout;

	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_URL, plan->url);
	curl_easy_setopt(curl, CURLOPT_USE_SSL,
					 (long) (plan->tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT,
					 connecting + provider->timeout);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT,
					 connecting + GA_SMTP_REPLIES * provider->timeout);
	if (username && provider->password)
	{
		curl_easy_setopt(curl, CURLOPT_USERNAME, username);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, provider->password);
	}
}
