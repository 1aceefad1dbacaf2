/*
 * provider_options.c
 *		The table of provider options, and the check of one value.
 *
 * The same rows refuse a typo in CREATE SERVER and give the courier its
 * defaults, so the two cannot disagree.  An option may have several rows when
 * its default or its values depend on the kind.  It is for every kind (*), for those
 * it names, and for those that take a group of options (+group, see
 * provider_table.h).
 */
#include "base/shared/provider_options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/shared/event_type.h"
#include "base/shared/mailbox.h"
#include "base/shared/provider_table.h"

#define SERVER GA_OPTION_ON_SERVER
#define MAPPING GA_OPTION_ON_MAPPING
#define REQUIRED GA_OPTION_REQUIRED
#define SECRET GA_OPTION_SECRET
#define PRIVILEGED GA_OPTION_PRIVILEGED

/* clang-format off */
const GaProviderOption ga_provider_options[] = {
	/* every kind */
	{"sender", "+email", GA_OPTION_MAILBOX, SERVER | REQUIRED, 0, 0, NULL, NULL,
	 "the From of every message: an address of a domain you may send for"},
	{"sender", "+sender", GA_OPTION_TEXT, SERVER | REQUIRED, 0, 0, NULL, NULL,
	 "the number or name messages come from"},
	{"sender", "+optional_sender", GA_OPTION_TEXT, SERVER, 0, 0, NULL, NULL,
	 "the number or name messages come from"},
	{"sender", "+any_channel", GA_OPTION_TEXT, SERVER, 0, 0, NULL, NULL,
	 "who messages come from: {sender} in templates"},
	{"channel", "+any_channel", GA_OPTION_CHOICE, SERVER | REQUIRED, 0, 0, "EMAIL|MOBILE", NULL,
	 "the kind of contact this provider reaches"},
	{"channel", "+email", GA_OPTION_CHOICE, SERVER, 0, 0, "EMAIL", "EMAIL",
	 "the kind of contact this provider reaches"},
	{"channel", "+sms", GA_OPTION_CHOICE, SERVER, 0, 0, "MOBILE", "MOBILE",
	 "the kind of contact this provider reaches"},
	{"priority", "+email +sms +any_channel", GA_OPTION_INTEGER, SERVER, 0, 1000, NULL, "100",
	 "which provider of a channel is asked first: lower goes first"},
	{"prefixes", "+email +sms +any_channel", GA_OPTION_TEXT, SERVER, 0, 0, NULL, NULL,
	 "only contacts beginning with one of these (+27,+1) or of these domains (example.com)"},
	{"max_connections", "*", GA_OPTION_INTEGER, SERVER, 1, 64, NULL, "8",
	 "connections used at once; each carries one message at a time"},
	{"rate", "*", GA_OPTION_NUMBER, SERVER, 0, 100000, NULL, "0",
	 "messages per second at the most; 0 = unlimited"},
	/* RFC 5321 4.5.3.2 would wait 10 minutes after the final dot; a relay of
	 * one's own answers in seconds, and the whole attempt may take five times
	 * this (see courier/smtp/smtp.c). */
	{"timeout", "smtp", GA_OPTION_INTEGER, SERVER, 1, 600, NULL, "120",
	 "seconds to wait for one reply; the whole attempt may take five times as long"},
	{"timeout", "+request capture webhook", GA_OPTION_INTEGER, SERVER, 1, 600, NULL, "30",
	 "seconds one request may take"},
	/* RFC 5321 4.5.3.2.1: a busy relay takes the connection and greets later. */
	{"greeting_timeout", "smtp", GA_OPTION_INTEGER, SERVER, 1, 600, NULL, "300",
	 "seconds to wait for the relay's greeting once it has taken the connection"},
	{"connect_timeout", "*", GA_OPTION_INTEGER, SERVER, 1, 120, NULL, "10",
	 "seconds to resolve the name, connect and agree on TLS"},
	{"allow_private", "*", GA_OPTION_BOOLEAN, SERVER | PRIVILEGED, 0, 0, NULL, "false",
	 "whether the host may be at a private or loopback address"},
	{"ca_file", "*", GA_OPTION_FILE, SERVER | PRIVILEGED, 0, 0, NULL, NULL,
	 "certificate authorities to trust instead of the system's (PEM)"},
	{"on_uncertain", "+email +sms +any_channel", GA_OPTION_CHOICE, SERVER, 0, 0, "resend|hold", "resend",
	 "what to do when the message was handed over and no answer came"},
	{"callback_url", "+email +sms +any_channel", GA_OPTION_URL, SERVER, 0, 0, "http|https", NULL,
	 "where the provider sends its receipts"},
	{"poll", "+poll", GA_OPTION_BOOLEAN, SERVER, 0, 0, NULL, "false",
	 "whether the provider is asked how a message fares when no receipt comes"},
	{"base_url", "+base_url", GA_OPTION_URL, SERVER, 0, 0, "http|https", NULL,
	 "scheme, host and path prefix used instead of the provider's own"},

	/* smtp */
	{"url", "smtp", GA_OPTION_URL, SERVER | REQUIRED, 0, 0, "smtp|smtps", NULL,
	 "the relay: smtp://host:587 or smtps://host:465"},
	{"tls", "smtp", GA_OPTION_CHOICE, SERVER, 0, 0, "required|none", NULL,
	 "whether STARTTLS must succeed; default required, none for a loopback host"},
	{"ehlo_name", "smtp", GA_OPTION_TEXT, SERVER, 0, 0, NULL, NULL,
	 "the name said in EHLO; default the machine's own"},
	{"envelope_sender", "smtp", GA_OPTION_MAILBOX, SERVER, 0, 0, NULL, NULL,
	 "where bounces go; default the address of sender"},
	{"bounce_address", "smtp", GA_OPTION_MAILBOX, SERVER, 0, 0, NULL, NULL,
	 "where bounces come back to ingest_bounce(): each message's own is name+token@domain"},
	{"reply_to", "+email", GA_OPTION_MAILBOX, SERVER, 0, 0, NULL, NULL,
	 "where replies go unless a message says otherwise"},

	/* twilio */
	{"account_sid", "twilio", GA_OPTION_TEXT, SERVER | REQUIRED, 0, 0, NULL, NULL,
	 "AC and 32 hexadecimal digits, from the console"},
	{"messaging_service_sid", "twilio", GA_OPTION_TEXT, SERVER, 0, 0, NULL, NULL,
	 "MG and 32 hexadecimal digits: the service that picks the sender"},

	/* the other gateways */
	{"auth_id", "plivo", GA_OPTION_TEXT, SERVER | REQUIRED, 0, 0, NULL, NULL,
	 "the Auth ID, from the console"},
	{"region", "sns ses", GA_OPTION_TEXT, SERVER | REQUIRED, 0, 0, NULL, NULL,
	 "the AWS region: eu-west-1"},
	{"sender_attribute", "sns", GA_OPTION_CHOICE, SERVER, 0, 0,
	 "AWS.SNS.SMS.SenderID|AWS.MM.SMS.OriginationNumber", "AWS.SNS.SMS.SenderID",
	 "what sender is: a name, or a number of yours"},
	{"url", "kannel", GA_OPTION_URL, SERVER | REQUIRED, 0, 0, "http|https", NULL,
	 "sendsms of your smsbox: http://127.0.0.1:13013/cgi-bin/sendsms"},
	{"verification_key", "sendgrid", GA_OPTION_KEY, SERVER, 0, 0, NULL, NULL,
	 "the event webhook's Verification Key, from the console: receipts must be signed with it"},
	{"message_stream", "postmark", GA_OPTION_TEXT, SERVER, 0, 0, NULL, NULL,
	 "the stream messages belong to; default outbound"},
	{"domain", "mailgun", GA_OPTION_TEXT, SERVER | REQUIRED, 0, 0, NULL, NULL,
	 "the sending domain, from the console"},
	{"configuration_set", "ses", GA_OPTION_TEXT, SERVER, 0, 0, NULL, NULL,
	 "the configuration set, which publishes the events of messages"},

	/* http */
	{"url", "http", GA_OPTION_URL, SERVER | REQUIRED, 0, 0, "http|https", NULL,
	 "where each message is sent; may hold templates after the host"},
	{"method", "http", GA_OPTION_CHOICE, SERVER, 0, 0, "POST|PUT|GET", NULL,
	 "the method of the request; default POST, GET with body query"},
	{"body", "http", GA_OPTION_CHOICE, SERVER, 0, 0, "json|form|query", "json",
	 "how the fields travel"},
	{"fields", "http", GA_OPTION_JSON, SERVER, 0, 0, NULL,
	 "{\"to\":\"{to}\",\"text\":\"{text}\",\"subject\":\"{subject}\",\"html\":\"{html}\",\"key\":\"{key}\",\"sender\":\"{sender}\"}",
	 "field names and templates; a field that comes out empty is left out"},
	{"headers", "http", GA_OPTION_JSON, SERVER, 0, 0, NULL, NULL,
	 "further headers and templates"},
	{"success", "http", GA_OPTION_TEXT, SERVER, 0, 0, NULL, "2xx",
	 "statuses and path=value conditions that mean accepted: '200 202 status=ok'"},
	{"id_path", "http", GA_OPTION_TEXT, SERVER, 0, 0, NULL, NULL,
	 "where in a JSON answer the provider's id of the message is: 'messages[0].id'"},
	{"code_path", "http", GA_OPTION_TEXT, SERVER, 0, 0, NULL, NULL,
	 "where in a JSON answer the error code is"},
	{"text_path", "http", GA_OPTION_TEXT, SERVER, 0, 0, NULL, NULL,
	 "where in a JSON answer the error's text is"},

	/* webhook: it hears of events */
	{"url", "webhook", GA_OPTION_URL, SERVER | REQUIRED, 0, 0, "http|https", NULL,
	 "where events are sent to, by POST"},
	{"events", "webhook", GA_OPTION_EVENTS, SERVER, 0, 0, NULL, "*",
	 "which events, with commas between: 'invitation.*, member.joined'"},
	{"contacts", "webhook", GA_OPTION_BOOLEAN, SERVER, 0, 0, NULL, "false",
	 "whether events tell the addresses of members"},

	/* user mapping */
	{"username", "+username", GA_OPTION_TEXT, MAPPING, 0, 0, NULL, NULL,
	 "the account's name, API key or access key id; default account_sid or auth_id where there is one"},
	{"password", "smtp +request", GA_OPTION_TEXT, MAPPING | SECRET, 0, 0, NULL, NULL,
	 "the account's password, token, secret or API key"},
	{"password_file", "smtp +request", GA_OPTION_FILE, MAPPING | PRIVILEGED, 0, 0, NULL, NULL,
	 "a file whose first line is the password; only the server's user may read it"},
	{"bearer_token", "http", GA_OPTION_TEXT, MAPPING | SECRET, 0, 0, NULL, NULL,
	 "sent as Authorization: Bearer instead of username and password"},
	{"secret", "webhook", GA_OPTION_SIGNING, MAPPING | SECRET, 0, 0, NULL, NULL,
	 "the key that events are signed with: whsec_ and 24 to 64 bytes in base64"},
	{"previous_secret", "webhook", GA_OPTION_SIGNING, MAPPING | SECRET, 0, 0, NULL, NULL,
	 "the key of before, with which events are signed as well while a receiver changes over"},
	{"secret_file", "webhook", GA_OPTION_FILE, MAPPING | PRIVILEGED, 0, 0, NULL, NULL,
	 "a file whose first line is the key; only the server's user may read it"},
	{"signature_secret", "+signature_secret",
	 GA_OPTION_TEXT, MAPPING | SECRET, 0, 0, NULL, NULL,
	 "what the provider signs its receipts with; for twilio and plivo default the password"},
	{NULL, NULL, GA_OPTION_TEXT, 0, 0, 0, NULL, NULL, NULL},
};
/* clang-format on */

/* Whether `word` is one of the words of `list` between separators. */
static bool
is_listed(const char *list, char separator, const char *word, size_t length)
{
	while (*list)
	{
		size_t span = 0;

		while (list[span] && list[span] != separator)
			span++;
		if (span == length && memcmp(list, word, length) == 0)
			return true;
		list += span;
		if (*list)
			list++;
	}
	return false;
}

/* Whether one of the words of `list` behind a + is among those of `takes`. */
static bool
is_taken(const char *list, const char *takes)
{
	while ((list = strchr(list, '+')) != NULL)
	{
		size_t length = strcspn(++list, " ");

		if (is_listed(takes, ' ', list, length))
			return true;
	}
	return false;
}

bool
ga_provider_option_is_for(const GaProviderOption *option, const char *kind,
						  int place)
{
	const GaHttpRow *row = ga_provider_table_find(kind);

	return (option->flags & place) != 0 && row != NULL &&
		   (strcmp(option->kinds, "*") == 0 ||
			is_listed(option->kinds, ' ', kind, strlen(kind)) ||
			is_taken(option->kinds, row->takes));
}

const GaProviderOption *
ga_provider_option_find(const char *kind, const char *name, int place)
{
	for (const GaProviderOption *option = ga_provider_options; option->name;
		 option++)
		if (strcmp(option->name, name) == 0 &&
			ga_provider_option_is_for(option, kind, place))
			return option;
	return NULL;
}

static bool
check_number(const GaProviderOption *option, const char *value, char *complaint,
			 size_t size)
{
	bool whole = option->type == GA_OPTION_INTEGER;
	double number;
	char *end;

	errno = 0;
	number = whole ? (double) strtol(value, &end, 10) : strtod(value, &end);
	if (errno == 0 && end != value && *end == '\0' &&
		(isdigit((unsigned char) *value) || *value == '.') &&
		strcspn(value, "xXnN") == strlen(value) && number >= option->min &&
		number <= option->max)
		return true;
	snprintf(complaint, size, "must be a %s from %.0f to %.0f",
			 whole ? "whole number" : "number", option->min, option->max);
	return false;
}

static bool
check_url(const GaProviderOption *option, const char *value, char *complaint,
		  size_t size)
{
	const char *rest = strstr(value, "://");
	size_t host = rest ? strcspn(rest + 3, "/?#") : 0;

	if (rest == NULL || host == 0 ||
		!is_listed(option->choices, '|', value, (size_t) (rest - value)))
	{
		snprintf(complaint, size,
				 "must be an absolute URL with one of the schemes: %s",
				 option->choices);
		return false;
	}
	if (memchr(rest + 3, '@', host))
	{
		snprintf(complaint, size,
				 "must not hold a user name: put username and password into "
				 "the user mapping");
		return false;
	}
	if (memchr(rest + 3, '{', host) || strchr(value, ' '))
	{
		snprintf(complaint, size,
				 "must not hold spaces, nor templates before the path");
		return false;
	}
	return true;
}

static bool
check_json(const char *value, char *complaint, size_t size)
{
	size_t length = strlen(value);

	while (length > 0 && isspace((unsigned char) value[length - 1]))
		length--;
	while (isspace((unsigned char) *value))
		value++, length--;
	if (length >= 2 && value[0] == '{' && value[length - 1] == '}')
		return true;
	snprintf(complaint, size, "must be a JSON object");
	return false;
}

static bool
has_control(const char *value)
{
	for (; *value; value++)
		if ((unsigned char) *value < 0x20 || *value == 0x7F)
			return true;
	return false;
}

static bool
check_events(const char *value, char *complaint, size_t size)
{
	char known[GA_EVENT_TYPES_LIST_MAX];
	GaEventTypes types;
	const char *wrong;
	size_t length;

	if (ga_event_types_read(value, &types, &wrong, &length))
		return true;
	ga_event_types_list(known, sizeof(known));
	snprintf(complaint, size, "must not name \"%.*s\", but some of: %s",
			 (int) (length < 60 ? length : 60), wrong, known);
	return false;
}

/* Standard Webhooks 1.0: 24 to 64 bytes, in base64 (RFC 4648). */
static bool
is_signing_key(const char *value)
{
	size_t length = strlen(value);
	size_t digits;
	size_t bytes;

	if (strncmp(value, GA_SIGNING_KEY_PREFIX, strlen(GA_SIGNING_KEY_PREFIX)))
		return false;
	value += strlen(GA_SIGNING_KEY_PREFIX);
	length -= strlen(GA_SIGNING_KEY_PREFIX);
	digits =
		strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					  "0123456789+/");
	bytes = digits * 3 / 4;
	return length % 4 == 0 && length - digits <= 2 &&
		   strspn(value + digits, "=") == length - digits && bytes >= 24 &&
		   bytes <= 64;
}

bool
ga_provider_option_check(const GaProviderOption *option, const char *value,
						 char *complaint, size_t size)
{
	GaMailbox mailbox;
	const char *rule = NULL;

	if (option->type == GA_OPTION_JSON)
		return check_json(value, complaint, size);
	if (option->type == GA_OPTION_EVENTS)
		return check_events(value, complaint, size);
	if (has_control(value))
		rule = "must not hold control characters";
	else if (*value == '\0')
		rule = "must not be empty";
	else if (option->type == GA_OPTION_MAILBOX &&
			 !ga_mailbox_split(value, &mailbox))
		rule = "must be an address, or Name <address>";
	else if (option->type == GA_OPTION_BOOLEAN && strcmp(value, "true") != 0 &&
			 strcmp(value, "false") != 0)
		rule = "must be true or false";
	else if (option->type == GA_OPTION_FILE && *value != '/')
		rule = "must be an absolute path";
	else if (option->type == GA_OPTION_SIGNING && !is_signing_key(value))
		rule = "must be whsec_ and 24 to 64 bytes in base64";
	if (rule)
	{
		snprintf(complaint, size, "%s", rule);
		return false;
	}
	if (option->type == GA_OPTION_INTEGER || option->type == GA_OPTION_NUMBER)
		return check_number(option, value, complaint, size);
	if (option->type == GA_OPTION_URL)
		return check_url(option, value, complaint, size);
	if (option->type == GA_OPTION_CHOICE &&
		!is_listed(option->choices, '|', value, strlen(value)))
	{
		snprintf(complaint, size, "must be one of: %s", option->choices);
		return false;
	}
	return true;
}

bool
ga_provider_option_asks_right(const GaProviderOption *option, const char *value)
{
	return (option->flags & GA_OPTION_PRIVILEGED) != 0 &&
		   !(option->type == GA_OPTION_BOOLEAN && strcmp(value, "false") == 0);
}

/* Twilio's identifiers: two letters and 32 hexadecimal digits. */
static bool
is_sid(const char *value, const char *prefix)
{
	return strncmp(value, prefix, 2) == 0 && strlen(value) == 34 &&
		   strspn(value + 2, "0123456789abcdefABCDEF") == 32;
}

/* It becomes a part of a host's name. */
static bool
is_region(const char *value)
{
	return strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
		   strlen(value);
}

static const char *
judge_server(const char *kind, GaOptionLookup lookup, void *context)
{
	const char *account = lookup(context, "account_sid");
	const char *service = lookup(context, "messaging_service_sid");
	const char *channel = lookup(context, "channel");
	const char *sender = lookup(context, "sender");
	const char *bounces = lookup(context, "bounce_address");
	const char *region = lookup(context, "region");
	GaMailbox mailbox;

	if (bounces && lookup(context, "envelope_sender"))
		return "bounce_address and envelope_sender exclude each other";
	if (bounces && strcspn(bounces, "@") > GA_BOUNCE_NAME_MAX)
		return "bounce_address must have at most 23 characters left of the @";
	if (bounces && strpbrk(bounces, "<>"))
		return "bounce_address must be a plain address";
	if (strcmp(kind, "twilio") == 0)
	{
		if (account && !is_sid(account, "AC"))
			return "account_sid must be AC and 32 hexadecimal digits";
		if (service && !is_sid(service, "MG"))
			return "messaging_service_sid must be MG and 32 hexadecimal digits";
		if (service == NULL && sender == NULL)
			return "a twilio provider needs sender or messaging_service_sid";
	}
	if (region && !is_region(region))
		return "region must be the name of an AWS region, like eu-west-1";
	if (strcmp(kind, "capture") == 0 && sender && channel &&
		strcmp(channel, "EMAIL") == 0 && !ga_mailbox_split(sender, &mailbox))
		return "sender must be an address, or Name <address>";
	return NULL;
}

static const char *
judge_mapping(GaOptionLookup lookup, void *context)
{
	if (lookup(context, "password") && lookup(context, "password_file"))
		return "password and password_file exclude each other";
	if (lookup(context, "secret") && lookup(context, "secret_file"))
		return "secret and secret_file exclude each other";
	if (lookup(context, "bearer_token") &&
		(lookup(context, "username") || lookup(context, "password") ||
		 lookup(context, "password_file")))
		return "bearer_token excludes username and password";
	return NULL;
}

bool
ga_provider_options_agree(const char *kind, int place, GaOptionLookup lookup,
						  void *context, char *complaint, size_t size)
{
	const char *problem = NULL;

	if (place & GA_OPTION_ON_SERVER)
		problem = judge_server(kind, lookup, context);
	if (problem == NULL && (place & GA_OPTION_ON_MAPPING))
		problem = judge_mapping(lookup, context);
	if (problem == NULL)
		return true;
	snprintf(complaint, size, "%s", problem);
	return false;
}
