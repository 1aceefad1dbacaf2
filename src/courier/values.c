/*
 * values.c
 *		What templates may say of one message, by name.
 *
 * Strangers' names are cleaned here, so that no provider gets to see a line
 * break in one; everything else was checked by job.c.  Escaping is the
 * templates' business.
 */
#include "courier/values.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/shared/mailbox.h"
#include "base/shared/sms_text.h"
#include "courier/smtp/header_words.h"
#include "courier/smtp/mail.h"

static const char *const variable_names[GA_VARIABLE_COUNT] = {
	[GA_VARIABLE_TO] = "to",
	[GA_VARIABLE_TO_DIGITS] = "to_digits",
	[GA_VARIABLE_TO_NAME] = "to_name",
	[GA_VARIABLE_TO_PHRASE] = "to_phrase",
	[GA_VARIABLE_TO_MAILBOX] = "to_mailbox",
	[GA_VARIABLE_TO_ENCODED] = "to_encoded",
	[GA_VARIABLE_SENDER_NAME] = "sender_name",
	[GA_VARIABLE_SENDER_ADDRESS] = "sender_address",
	[GA_VARIABLE_SENDER_MAILBOX] = "sender_mailbox",
	[GA_VARIABLE_SENDER_ENCODED] = "sender_encoded",
	[GA_VARIABLE_REPLY_TO] = "reply_to",
	[GA_VARIABLE_REPLY_TO_NAME] = "reply_to_name",
	[GA_VARIABLE_REPLY_TO_ADDRESS] = "reply_to_address",
	[GA_VARIABLE_REPLY_TO_ENCODED] = "reply_to_encoded",
	[GA_VARIABLE_SUBJECT] = "subject",
	[GA_VARIABLE_TEXT] = "text",
	[GA_VARIABLE_HTML] = "html",
	[GA_VARIABLE_KEY] = "key",
	[GA_VARIABLE_KEY_TOKEN] = "key_token",
	[GA_VARIABLE_UNSUBSCRIBE_URL] = "unsubscribe_url",
	[GA_VARIABLE_CALLBACK_URL] = "callback_url",
	[GA_VARIABLE_CALLBACK_PATTERN] = "callback_pattern",
	[GA_VARIABLE_LOCALE] = "locale",
	[GA_VARIABLE_VALIDITY] = "validity",
	[GA_VARIABLE_VALIDITY_MS] = "validity_ms",
	[GA_VARIABLE_VALIDITY_MINUTES] = "validity_minutes",
	[GA_VARIABLE_UNICODE] = "unicode",
	[GA_VARIABLE_CODING] = "coding",
	[GA_VARIABLE_MESSAGE_ID] = "message_id",
	[GA_VARIABLE_TIMESTAMP] = "timestamp",
	[GA_VARIABLE_SIGNATURE] = "signature",
};

int
ga_values_find_variable(const char *name)
{
	for (int i = 0; i < GA_VARIABLE_COUNT; i++)
		if (strcmp(variable_names[i], name) == 0)
			return i;
	return -1;
}

/* RFC 5322 3.2.3, and what is beyond ASCII. */
static bool
is_phrase(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char) *c) && (unsigned char) *c < 0x80 &&
			strchr(" !#$%&'*+-/=?^_`{|}~", *c) == NULL)
			return false;
	return true;
}

/* The name, quoted when a comma or the like would end it. */
static void
put_phrase(GaText *out, const char *name)
{
	if (is_phrase(name))
	{
		ga_text_puts(out, name);
		return;
	}
	ga_text_put_quoted(out, name);
}

/* Where names are read as a list, what ends one of them is quoted, and nothing else. */
static void
put_listed_name(GaText *out, const char *name)
{
	if (strpbrk(name, ",;") != NULL)
		ga_text_put_quoted(out, name);
	else
		ga_text_puts(out, name);
}

/* name and address are there; works out the rest */
static void
complete_forms(GaMailboxForms *forms)
{
	GaText text = {0};

	char name[sizeof(forms->name)];

	ga_mail_put_mailbox(&text, forms->name, forms->address);
	snprintf(forms->encoded, sizeof(forms->encoded), "%s", text.data);
	/* The provider makes headers of the others, and may leave them as they are. */
	if (ga_header_break_encoded(forms->name, name, sizeof(name)))
		memcpy(forms->name, name, sizeof(name));
	ga_text_truncate(&text, 0);
	put_phrase(&text, forms->name);
	ga_text_printf(&text, *forms->name ? " <%s>" : "%s", forms->address);
	snprintf(forms->mailbox, sizeof(forms->mailbox), "%s", text.data);
	ga_text_truncate(&text, 0);
	put_listed_name(&text, forms->name);
	snprintf(forms->phrase, sizeof(forms->phrase), "%s", text.data);
	ga_text_free(&text);
}

void
ga_values_of_mailbox(GaMailboxForms *forms, const char *value)
{
	GaMailbox mailbox;

	memset(forms, 0, sizeof(*forms));
	if (value == NULL || !ga_mailbox_split(value, &mailbox))
		return;
	ga_mail_read_name(&mailbox, forms->name, sizeof(forms->name));
	snprintf(forms->address, sizeof(forms->address), "%.*s",
			 (int) mailbox.address_length, mailbox.address);
	complete_forms(forms);
}

static void
set_mailboxes(GaValues *values, const GaCourierJob *job,
			  const GaValueRules *rules)
{
	const GaMailboxForms *reply = &rules->reply_to;

	snprintf(values->to.address, sizeof(values->to.address), "%s", job->to);
	complete_forms(&values->to);
	if (*job->reply_to)
	{
		ga_values_of_mailbox(&values->reply_to, job->reply_to);
		reply = &values->reply_to;
	}
	values->of[GA_VARIABLE_TO_PHRASE] = values->to.phrase;
	values->of[GA_VARIABLE_TO_MAILBOX] = values->to.mailbox;
	values->of[GA_VARIABLE_TO_ENCODED] = values->to.encoded;
	values->of[GA_VARIABLE_SENDER_NAME] = rules->sender.name;
	values->of[GA_VARIABLE_SENDER_ADDRESS] = rules->sender.address;
	values->of[GA_VARIABLE_SENDER_MAILBOX] = rules->sender.mailbox;
	values->of[GA_VARIABLE_SENDER_ENCODED] = rules->sender.encoded;
	values->of[GA_VARIABLE_REPLY_TO] = reply->mailbox;
	values->of[GA_VARIABLE_REPLY_TO_NAME] = reply->name;
	values->of[GA_VARIABLE_REPLY_TO_ADDRESS] = reply->address;
	values->of[GA_VARIABLE_REPLY_TO_ENCODED] = reply->encoded;
}

static void
set_validity(GaValues *values, int64_t validity, const GaValueRules *rules)
{
	memset(values->validity, 0, sizeof(values->validity));
	values->of[GA_VARIABLE_VALIDITY] = values->validity[0];
	values->of[GA_VARIABLE_VALIDITY_MS] = values->validity[1];
	values->of[GA_VARIABLE_VALIDITY_MINUTES] = values->validity[2];
	if (validity <= 0)
		return;
	if (validity < rules->validity_min)
		validity = rules->validity_min;
	if (rules->validity_max > 0 && validity > rules->validity_max)
		validity = rules->validity_max;
	snprintf(values->validity[0], sizeof(values->validity[0]), "%" PRId64,
			 validity);
	snprintf(values->validity[1], sizeof(values->validity[1]), "%" PRId64 "000",
			 validity);
	snprintf(values->validity[2], sizeof(values->validity[2]), "%" PRId64,
			 validity < 60 ? 1 : validity / 60);
}

/* Where a gateway fills in %d and the like, a % of ours must be doubled. */
static void
set_callback_pattern(GaValues *values, const char *url)
{
	char *out = values->callback_pattern;
	char *end = out + sizeof(values->callback_pattern) - 2;

	for (const char *c = url; *c && out < end - 1; c++)
	{
		if (*c == '%')
			*out++ = '%';
		*out++ = *c;
	}
	if (*url)
		*out++ = strchr(url, '?') ? '&' : '?';
	*out = '\0';
	values->of[GA_VARIABLE_CALLBACK_PATTERN] = values->callback_pattern;
}

static void
set_coding(GaValues *values, const char *text)
{
	GaSmsCount count = {GA_SMS_GSM7, 0, 0};
	bool unicode = ga_sms_count(text, strlen(text), &count) &&
				   count.encoding == GA_SMS_UCS2;

	values->of[GA_VARIABLE_UNICODE] = unicode ? "1" : "";
	values->of[GA_VARIABLE_CODING] = unicode ? "2" : "0";
}

static void
set_key_token(GaValues *values, const char *key)
{
	snprintf(values->key_token, sizeof(values->key_token), "%s", key);
	for (char *c = values->key_token; *c; c++)
		if (*c == '.')
			*c = '_';
	values->of[GA_VARIABLE_KEY_TOKEN] = values->key_token;
}

static void
set_signature(GaValues *values, const GaCourierJob *job,
			  const GaSigningKeys *keys)
{
	if (keys->count == 0)
		return;
	snprintf(values->timestamp, sizeof(values->timestamp), "%lld",
			 (long long) time(NULL));
	ga_webhook_sign(keys, job->message_key, values->timestamp, job->text,
					values->signature);
	values->of[GA_VARIABLE_TIMESTAMP] = values->timestamp;
	values->of[GA_VARIABLE_SIGNATURE] = values->signature;
}

void
ga_values_of_job(GaValues *values, const GaCourierJob *job,
				 const GaValueRules *rules, GaChannel channel)
{
	for (int i = 0; i < GA_VARIABLE_COUNT; i++)
		values->of[i] = "";
	memset(&values->to, 0, sizeof(values->to));
	ga_text_clean_name(job->to_name, values->to.name, sizeof(values->to.name));
	values->of[GA_VARIABLE_TO] = job->to;
	values->of[GA_VARIABLE_TO_DIGITS] = job->to + (job->to[0] == '+');
	values->of[GA_VARIABLE_TO_NAME] = values->to.name;
	values->of[GA_VARIABLE_SUBJECT] =
		ga_header_break_encoded(job->subject, values->subject,
								sizeof(values->subject))
			? values->subject
			: job->subject;
	values->of[GA_VARIABLE_TEXT] = job->text;
	values->of[GA_VARIABLE_HTML] = job->html;
	values->of[GA_VARIABLE_KEY] = job->message_key;
	values->of[GA_VARIABLE_UNSUBSCRIBE_URL] = job->unsubscribe_url;
	values->of[GA_VARIABLE_CALLBACK_URL] = job->callback_url;
	values->of[GA_VARIABLE_LOCALE] = job->locale;
	values->of[GA_VARIABLE_MESSAGE_ID] = job->poll;
	set_key_token(values, job->message_key);
	set_callback_pattern(values, job->callback_url);
	set_validity(values, job->expires_in_s, rules);
	set_signature(values, job, &rules->signing);
	if (channel == GA_CHANNEL_EMAIL)
		set_mailboxes(values, job, rules);
	else if (channel == GA_CHANNEL_MOBILE)
		set_coding(values, job->text);
}
