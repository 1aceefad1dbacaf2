/*
 * smtp.c
 *		Mail by SMTP submission to a relay.
 *
 * libcurl speaks the dialogue and reports one number; which command a reply
 * answered and in which words is learnt from the header callback, counting the
 * replies since the connection was ready.  A message is uncertain exactly when
 * its last byte was taken and the last reply is still the 354 to DATA.
 */
#include "courier/smtp/smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/shared/mailbox.h"
#include "base/shared/provider_options.h"
#include "courier/connection.h"
#include "courier/memory.h"
#include "courier/smtp/mail.h"
#include "courier/smtp/reply.h"

/* How long a relay that refused may take to say goodbye. */
#define QUIT_S 2L

/* Replies a message waits for: MAIL, RCPT, DATA, the final dot, one spare. */
#define REPLIES 5

typedef struct SmtpPlan
{
	GaMailSettings mail;
	char *url; /* with the EHLO name as its path */
	char *envelope_sender;
	char *bounce_address; /* NULL: bounces are not told apart */
	bool tls;
	bool is_wrapped;	   /* TLS from the first byte: smtps */
	long greeting_timeout; /* seconds */
} SmtpPlan;

typedef struct SmtpSender
{
	const GaCourierProvider *provider;
	const SmtpPlan *plan;
	GaConnection connection;
	GaText message;
	struct curl_slist recipient;
	const GaCourierJob *job;
	bool offers_dsn;	  /* the last EHLO of this connection did */
	bool offers_utf8;	  /* the same of SMTPUTF8 (RFC 6531) */
	bool lacks_utf8;	  /* and the recipient needs it */
	GaText envelope_from; /* of the current message, with its parameters */
	GaText envelope_to;

	/* the dialogue of the current message */
	bool ready;		/* connected and authenticated */
	int replies;	/* whole replies since then */
	int code;		/* of the last whole reply */
	bool inside;	/* a reply of several lines has begun */
	bool parting;	/* the last reply was a refusal */
	bool is_second; /* the first one met a connection that was dead */
	bool greeted;	/* the relay has spoken, on this connection or before */
	bool is_late;	/* the connection took longer than it may */
	GaText text;	/* of the last reply, lines joined by a blank */
} SmtpSender;

static bool
make_url(GaCourierProvider *provider, SmtpPlan *plan, const char *url,
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

static bool
prepare(GaCourierProvider *provider, char *complaint, size_t size)
{
	SmtpPlan *plan = ga_memory_alloc(sizeof(*plan));
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

static void
release(void *context)
{
	SmtpPlan *plan = context;

	ga_mail_settings_free(&plan->mail);
	free(plan->url);
	free(plan->envelope_sender);
	free(plan->bounce_address);
	free(plan);
}

/* Adds a line's text; later lines do not repeat the enhanced code. */
static void
add_reply_text(GaText *text, const char *line, size_t length)
{
	char first[16];
	char code[16];
	char copy[64];

	snprintf(copy, sizeof(copy), "%.*s",
			 (int) (length < sizeof(copy) ? length : sizeof(copy) - 1), line);
	if (text->length > 0 &&
		ga_reply_enhanced(ga_text_string(text), first, sizeof(first)) &&
		ga_reply_enhanced(copy, code, sizeof(code)) && strcmp(first, code) == 0)
	{
		line += strlen(code);
		length -= strlen(code);
	}
	else if (text->length > 0)
		ga_text_putc(text, ' ');
	if (text->length + length < 4096)
		ga_text_append(text, line, length);
}

/*
 * A refusal is followed by QUIT, whose answer nobody waits for.  Only before the
 * connection is ready that is not sure: a refused EHLO is followed by HELO, and then
 * all is well again.
 */
static void
adjust_patience(SmtpSender *sender)
{
	bool parting = sender->code >= 400;

	if (parting != sender->parting || !sender->greeted)
		curl_easy_setopt(sender->connection.curl,
						 CURLOPT_SERVER_RESPONSE_TIMEOUT,
						 parting ? QUIT_S : sender->provider->timeout);
	if (parting && (sender->ready || !sender->greeted))
		ga_connection_stop_listening(&sender->connection);
	sender->parting = parting;
	sender->greeted = true;
}

/*
 * EHLO is answered by 250 before the connection is ready, and nothing else is;
 * after STARTTLS it is said again, and only the last answer counts.
 */
static void
note_extension(SmtpSender *sender, const char *line, size_t length)
{
	if (sender->ready || strncmp(line, "250", 3) != 0)
		return;
	if (!sender->inside)
		sender->offers_dsn = sender->offers_utf8 = false;
	if (length == 7 && strncasecmp(line + 4, "DSN", 3) == 0)
		sender->offers_dsn = true;
	/* In capitals, as libcurl looks for it, who says it to the relay. */
	if (length == 12 && strncmp(line + 4, "SMTPUTF8", 8) == 0)
		sender->offers_utf8 = true;
}

static size_t
take_reply_line(char *line, size_t size, size_t count, void *context)
{
	SmtpSender *sender = context;
	size_t length = size * count;
	size_t skip = length > 4 ? 4 : length;

	while (length > skip &&
		   (line[length - 1] == '\n' || line[length - 1] == '\r'))
		length--;
	if (length < 3 || strspn(line, "0123456789") < 3)
		return size * count;
	/* The goodbye after a refusal is no answer to the message. */
	if (sender->parting && !sender->inside &&
		(sender->ready || strncmp(line, "221", 3) == 0))
		return size * count;
	note_extension(sender, line, length);
	if (!sender->inside)
		ga_text_truncate(&sender->text, 0);
	if (length > skip)
		add_reply_text(&sender->text, line + skip, length - skip);
	sender->inside = length > 3 && line[3] == '-';
	if (!sender->inside)
	{
		sender->code = (int) strtol(line, NULL, 10);
		sender->replies += sender->ready;
		adjust_patience(sender);
	}
	return size * count;
}

/*
 * libcurl's time to connect includes the greeting and the login.  A relay that
 * took the connection may let us wait for minutes, one that is away may not; so
 * until there is a connection this looks at the clock, some times a second.
 */
static int
watch_connecting(void *context, curl_off_t to_get, curl_off_t got,
				 curl_off_t to_put, curl_off_t put)
{
	SmtpSender *sender = context;
	CURL *curl = sender->connection.curl;
	curl_off_t connected = 0;
	curl_off_t passed = 0;

	(void) to_get, (void) got, (void) to_put, (void) put;
	if (sender->greeted || sender->ready)
		return 0;
	curl_easy_getinfo(curl,
					  sender->plan->is_wrapped ? CURLINFO_APPCONNECT_TIME_T
											   : CURLINFO_CONNECT_TIME_T,
					  &connected);
	curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME_T, &passed);
	sender->is_late =
		connected == 0 &&
		passed > (curl_off_t) sender->provider->connect_timeout * 1000000;
	return sender->is_late;
}

static void
forget_replies(SmtpSender *sender)
{
	sender->replies = 0;
	sender->code = 0;
	sender->inside = false;
	sender->parting = false;
	ga_text_truncate(&sender->text, 0);
}

/* RFC 3461 4: what an ORCPT cannot hold as it is, is +XX. */
static void
put_xtext(GaText *text, const char *value)
{
	for (; *value; value++)
		if (*value == '+' || *value == '=')
			ga_text_printf(text, "+%02X", (unsigned char) *value);
		else
			ga_text_putc(text, *value);
}

/*
 * From 8.16.0 libcurl passes on what follows "<address>".  Before, it takes off
 * a last '>' and puts one behind everything: only at the end of an ENVID, whose
 * text is ours alone, that does no harm, so there is none in RCPT.
 */
#define VERSION_WITH_PARAMETERS 0x081000

static void
put_envelope(SmtpSender *sender)
{
	const char *token = sender->job->receipt;
	const char *base = sender->plan->bounce_address;
	const char *at = base ? strchr(base, '@') : NULL;
	bool dsn = *token && sender->offers_dsn;
	bool recent = curl_version_info(CURLVERSION_NOW)->version_num >=
				  VERSION_WITH_PARAMETERS;

	ga_text_truncate(&sender->envelope_from, 0);
	ga_text_truncate(&sender->envelope_to, 0);
	ga_text_putc(&sender->envelope_from, '<');
	/* Left of the @ no relay needs to take more than 64 (RFC 5321). */
	if (*token && at && (size_t) (at - base) + 1 + strlen(token) <= 64)
		ga_text_printf(&sender->envelope_from, "%.*s+%s%s", (int) (at - base),
					   base, token, at);
	else
		ga_text_puts(&sender->envelope_from, sender->plan->envelope_sender);
	ga_text_putc(&sender->envelope_from, '>');
	ga_text_printf(&sender->envelope_to, "<%s>", sender->job->to);
	if (dsn)
		ga_text_printf(&sender->envelope_from, " RET=HDRS ENVID=%s", token);
	if (dsn && recent)
	{
		ga_text_puts(&sender->envelope_to, " NOTIFY=FAILURE");
		/* An address beyond ASCII has an ORCPT of another kind (RFC 6533). */
		if (ga_mailbox_is_ascii(sender->job->to))
		{
			ga_text_puts(&sender->envelope_to, " ORCPT=rfc822;");
			put_xtext(&sender->envelope_to, sender->job->to);
		}
	}
	sender->recipient.data = sender->envelope_to.data;
	curl_easy_setopt(sender->connection.curl, CURLOPT_MAIL_FROM,
					 sender->envelope_from.data);
	curl_easy_setopt(sender->connection.curl, CURLOPT_MAIL_RCPT,
					 &sender->recipient);
}

/*
 * Called when the connection is ready, new or reused: only now is known what
 * the relay offers, and MAIL is not yet said.
 */
static int
note_ready(void *context, char *peer, char *own, int peer_port, int own_port)
{
	SmtpSender *sender = context;

	(void) peer, (void) own, (void) peer_port, (void) own_port;
	forget_replies(sender);
	sender->ready = true;
	put_envelope(sender);
	/* libcurl says SMTPUTF8 where it is offered, and the address in any case. */
	sender->lacks_utf8 =
		!sender->offers_utf8 && !ga_mailbox_is_ascii(sender->job->to);
	return sender->lacks_utf8 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void
prepare_handle(CURL *curl, void *context)
{
	SmtpSender *sender = context;
	const GaCourierProvider *provider = sender->provider;
	const char *username = ga_provider_option(provider, "username");

	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_URL, sender->plan->url);
	curl_easy_setopt(
		curl, CURLOPT_USE_SSL,
		(long) (sender->plan->tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_reply_line);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, sender);
	curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, note_ready);
	curl_easy_setopt(curl, CURLOPT_PREREQDATA, sender);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT,
					 provider->connect_timeout +
						 sender->plan->greeting_timeout + provider->timeout);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT,
					 provider->connect_timeout +
						 sender->plan->greeting_timeout +
						 REPLIES * provider->timeout);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch_connecting);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, sender);
	if (username && provider->password)
	{
		curl_easy_setopt(curl, CURLOPT_USERNAME, username);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, provider->password);
	}
}

static void *
open_sender(const GaCourierProvider *provider, GaTransfers *transfers)
{
	SmtpSender *sender = ga_memory_alloc(sizeof(*sender));

	(void) transfers;
	sender->provider = provider;
	sender->plan = provider->plan;
	sender->connection.provider = provider;
	sender->connection.prepare = prepare_handle;
	sender->connection.context = sender;
	return sender;
}

static void
close_sender(void *context)
{
	SmtpSender *sender = context;

	ga_connection_close(&sender->connection);
	ga_text_free(&sender->message);
	ga_text_free(&sender->text);
	ga_text_free(&sender->envelope_from);
	ga_text_free(&sender->envelope_to);
	free(sender);
}

/* false: libcurl has no handle. */
static bool
set_up(SmtpSender *sender, const GaCourierJob *job)
{
	CURL *curl = ga_connection_handle(&sender->connection);

	forget_replies(sender);
	sender->ready = false;
	sender->greeted = false;
	sender->is_late = false;
	sender->lacks_utf8 = false;
	if (curl == NULL)
		return false;
	sender->job = job;
	put_envelope(sender);
	ga_connection_set_body(&sender->connection, sender->message.data,
						   sender->message.length);
	curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE,
					 (curl_off_t) sender->message.length);
	curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT,
					 sender->connection.warm ? sender->provider->timeout
											 : sender->plan->greeting_timeout);
	ga_connection_begin(&sender->connection);
	return true;
}

static GaSmtpStage
stage_of(const SmtpSender *sender)
{
	if (!sender->ready)
		return GA_SMTP_CONNECT;
	if (sender->connection.body_asked)
		return GA_SMTP_FINAL;
	if (sender->replies <= 1)
		return GA_SMTP_MAIL;
	return sender->replies == 2 ? GA_SMTP_RCPT : GA_SMTP_DATA;
}

/* A refusal in the relay's own words, or a transfer without an answer. */
static void
judge_failure(SmtpSender *sender, CURLcode result, GaOutcome *outcome)
{
	const char *text = ga_text_string(&sender->text);
	char enhanced[16];
	char code[32];
	bool uncertain =
		sender->code == 354 && ga_connection_gave_all(&sender->connection);

	if (sender->lacks_utf8)
	{
		ga_outcome_setf(outcome, GA_OUTCOME_REJECTED, "smtputf8", "%s",
						"the relay does not offer SMTPUTF8, which the "
						"recipient's address needs");
		return;
	}
	if (sender->is_late)
	{
		/* libcurl tells who ended it, not why. */
		sender->connection.error[0] = '\0';
		result = CURLE_OPERATION_TIMEDOUT;
	}
	if (sender->code < 400 || uncertain)
	{
		ga_connection_explain(&sender->connection, result, uncertain, outcome);
		return;
	}
	ga_reply_enhanced(text, enhanced, sizeof(enhanced));
	snprintf(code, sizeof(code), "%d%s%s", sender->code, *enhanced ? " " : "",
			 enhanced);
	text += strlen(enhanced);
	ga_outcome_set(outcome,
				   ga_reply_judge_smtp(stage_of(sender), sender->code,
									   ga_text_string(&sender->text)),
				   code, text);
}

static void
judge(SmtpSender *sender, CURLcode result, const GaCourierJob *job,
	  GaOutcome *outcome)
{
	char value[GA_OUTCOME_MESSAGE_ID_SIZE];

	if (result != CURLE_OK)
	{
		judge_failure(sender, result, outcome);
		ga_connection_abandon(&sender->connection);
		return;
	}
	snprintf(value, sizeof(value), "%d", sender->code);
	ga_outcome_setf(outcome, GA_OUTCOME_ACCEPTED, value, "%s",
					ga_text_string(&sender->text));
	/* A bounce quotes the Message-ID; the relay's queue id stays in detail. */
	snprintf(value, sizeof(value), "%s@%s", job->message_key,
			 sender->plan->mail.domain);
	ga_outcome_set_message_id(outcome, value);
}

static bool
begin(void *context, const GaCourierJob *job, GaOutcome *outcome)
{
	SmtpSender *sender = context;
	char complaint[256];

	ga_text_truncate(&sender->message, 0);
	if (!ga_mail_compose(&sender->plan->mail, job, &sender->message, complaint,
						 sizeof(complaint)))
	{
		ga_outcome_setf(outcome, GA_OUTCOME_REJECTED, "message", "%s",
						complaint);
		return false;
	}
	sender->is_second = false;
	if (set_up(sender, job))
		return true;
	judge(sender, CURLE_FAILED_INIT, job, outcome);
	return false;
}

static bool
end(void *context, const GaCourierJob *job, CURLcode result, GaOutcome *outcome)
{
	SmtpSender *sender = context;

	ga_connection_end(&sender->connection, result);
	/* The relay closed an idle connection: a fresh one, once. */
	if (result != CURLE_OK && !sender->is_second &&
		!sender->connection.body_asked &&
		ga_connection_was_stale(&sender->connection, result) &&
		(sender->code == 0 || sender->code == 421))
	{
		ga_connection_abandon(&sender->connection);
		sender->is_second = true;
		if (set_up(sender, job))
			return false;
		result = CURLE_FAILED_INIT;
	}
	judge(sender, result, job, outcome);
	return true;
}

static CURL *
handle(void *context)
{
	return ((SmtpSender *) context)->connection.curl;
}

static bool
compose(const GaCourierProvider *provider, const GaCourierJob *job, GaText *out,
		char *complaint, size_t size)
{
	const SmtpPlan *plan = provider->plan;

	return ga_mail_compose(&plan->mail, job, out, complaint, size);
}

const GaTransport ga_smtp_transport = {
	.kind = "smtp",
	.blocks = true,
	.prepare = prepare,
	.release = release,
	.open = open_sender,
	.close = close_sender,
	.begin = begin,
	.end = end,
	.handle = handle,
	.compose = compose,
};
