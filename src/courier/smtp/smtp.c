/*
 * smtp.c
 *		Mail by SMTP submission to a relay.
 *
 * libcurl makes the connection: names, TLS, EHLO and the login, of which it reports
 * one number; the words are learnt from the header callback.  The messages are handed
 * over by this file, since libcurl says one command at a time, each in a write of its
 * own, and looks at the socket between; with PIPELINING a mail takes two writes.
 *
 * Which command a reply answered is known by counting them.  A message is uncertain
 * exactly when its last byte was taken and no answer to that can be told: none came, or
 * one that says neither yes nor no.
 */
#include "courier/smtp/smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shared/mailbox.h"
#include "courier/connection.h"
#include "courier/memory.h"
#include "courier/smtp/dialogue.h"
#include "courier/smtp/envelope.h"
#include "courier/smtp/mail.h"
#include "courier/smtp/reply.h"
#include "courier/smtp/smtp_plan.h"

/* How long a relay that refused may take to say goodbye. */
#define QUIT_S 2L

/* Lines of the replies that follow a refusal: two replies, of a few lines each. */
#define REFUSAL_LINES 64

typedef struct SmtpSender
{
	const GaCourierProvider *provider;
	const GaSmtpPlan *plan;
	GaConnection connection;
	GaText message;
	size_t size; /* of the message as it was composed */
	GaText sealed;
	const GaText *body; /* as it leaves: one of the two */
	const GaCourierJob *job;

	/* the connection */
	GaDialogue dialogue;
	bool is_connected; /* and authenticated */
	GaMonotonic used_at;
	GaSmtpOffers offers; /* of the last EHLO on it */

	/* the dialogue of the current message */
	GaEnvelope envelope;
	bool lacks_utf8; /* which the recipient needs (RFC 6531) */
	bool is_kept;	 /* it began on a connection that was there */
	bool body_begun; /* the relay may have some of it */
	bool body_sent;	 /* and all of it, with the final dot */
	bool ready;		 /* connected and authenticated */
	int replies;	 /* whole replies since then */
	int code;		 /* of the last whole reply */
	bool inside;	 /* a reply of several lines has begun */
	bool parting;	 /* the last reply was a refusal */
	bool is_second;	 /* the first one met a connection that was dead */
	bool greeted;	 /* the relay has spoken, on this connection or before */
	bool is_late;	 /* the connection took longer than it may */
	GaText text;	 /* of the last reply, lines joined by a blank */
} SmtpSender;

/*
 * Before the connection is ready libcurl speaks.  It lets QUIT follow a refusal, whose
 * answer nobody waits for; but a refused EHLO is followed by HELO, and then all is well
 * again.
 */
static void
adjust_patience(SmtpSender *sender)
{
	bool parting = sender->code < 200 || sender->code >= 400;

	if (!sender->ready && (parting != sender->parting || !sender->greeted))
		curl_easy_setopt(sender->connection.curl,
						 CURLOPT_SERVER_RESPONSE_TIMEOUT,
						 parting ? QUIT_S : sender->provider->timeout);
	if (parting && !sender->greeted)
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
		sender->offers = (GaSmtpOffers){0};
	ga_envelope_note_offer(&sender->offers, line, length);
}

static size_t
take_reply_line(char *line, size_t size, size_t count, void *context)
{
	SmtpSender *sender = context;
	size_t length = size * count;
	size_t skip = length > 4 ? 4 : length;
	int code = ga_reply_code(line, length);

	while (length > skip &&
		   (line[length - 1] == '\n' || line[length - 1] == '\r'))
		length--;
	if (code < 0)
		return size * count;
	/* The goodbye after a refusal is no answer to the message. */
	if (sender->parting && !sender->inside &&
		(sender->ready || strncmp(line, "221", 3) == 0))
		return size * count;
	note_extension(sender, line, length);
	if (!sender->inside)
		ga_text_truncate(&sender->text, 0);
	if (length > skip)
		ga_reply_add_text(&sender->text, line + skip, length - skip);
	sender->inside = length > 3 && line[3] == '-';
	if (!sender->inside)
	{
		sender->code = code;
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

static void
prepare_handle(CURL *curl, void *context)
{
	SmtpSender *sender = context;

	ga_smtp_plan_set_connecting(sender->provider, curl);
	/* To MAIL and what follows see talk(). */
	curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_reply_line);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, sender);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch_connecting);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, sender);
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

/* Nobody waits for the relay to take it, nor for its answer. */
static void
say_goodbye(SmtpSender *sender)
{
	if (sender->is_connected)
		(void) ga_dialogue_say(&sender->dialogue, "QUIT\r\n", 6, 0);
	sender->is_connected = false;
}

static void
close_sender(void *context)
{
	SmtpSender *sender = context;

	say_goodbye(sender);
	ga_connection_close(&sender->connection);
	ga_text_free(&sender->message);
	ga_text_free(&sender->sealed);
	ga_text_free(&sender->envelope.commands);
	ga_text_free(&sender->text);
	ga_memory_wipe_and_free(sender); /* its dialogue has the relay's words */
}

/* One that was idle for long, or on which the relay has said something since. */
static void
drop_old(SmtpSender *sender)
{
	GaMonotonic now = ga_monotonic_now();
	bool is_disturbed;

	if (!sender->is_connected)
		return;
	is_disturbed = ga_dialogue_is_disturbed(&sender->dialogue);
	if (!is_disturbed &&
		now - sender->used_at < (int64_t) GA_CONNECTION_IDLE_S * 1000000)
		return;
	if (!is_disturbed)
		say_goodbye(sender);
	sender->is_connected = false;
	ga_connection_abandon(&sender->connection);
}

/* false: libcurl has no handle. */
static bool
set_up(SmtpSender *sender, const GaCourierJob *job)
{
	CURL *curl;

	drop_old(sender);
	curl = ga_connection_handle(&sender->connection);
	forget_replies(sender);
	sender->ready = false;
	sender->greeted = false;
	sender->is_late = sender->lacks_utf8 = false;
	sender->is_kept = sender->is_connected;
	sender->body_begun = sender->body_sent = false;
	sender->job = job;
	if (curl == NULL)
		return false;
	if (!sender->is_kept)
		curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT,
						 sender->plan->greeting_timeout);
	ga_connection_begin(&sender->connection);
	return true;
}

/* ---- the dialogue ---------------------------------------------------------- */

static GaMonotonic
in_seconds(long seconds)
{
	return ga_monotonic_in_ms((int64_t) seconds * 1000);
}

/* The whole next reply.  All its lines share one time: one of lines without end is none. */
static CURLcode
hear_reply(SmtpSender *sender)
{
	GaMonotonic until = in_seconds(sender->provider->timeout);
	int before = sender->replies;

	while (sender->replies == before)
	{
		size_t length;
		char *line;
		CURLcode result =
			ga_dialogue_hear(&sender->dialogue, &line, &length, until);

		if (result != CURLE_OK)
			return result;
		(void) take_reply_line(line, 1, length, sender);
		if (sender->replies == before && ga_monotonic_now() >= until)
			return CURLE_OPERATION_TIMEDOUT;
	}
	return CURLE_OK;
}

/* What was said before it was asked for answers nothing (RFC 5321 2.1): it would be
 * taken for the reply to what is said next. */
static CURLcode
check_unasked(SmtpSender *sender)
{
	if (!ga_dialogue_has_more(&sender->dialogue))
		return CURLE_OK;
	snprintf(sender->connection.error, sizeof(sender->connection.error),
			 "the relay answered before it was asked");
	return CURLE_WEIRD_SERVER_REPLY;
}

/* A reply that is none of those the command may have. */
static CURLcode
note_surprise(SmtpSender *sender)
{
	snprintf(sender->connection.error, sizeof(sender->connection.error),
			 "the relay answered %03d", sender->code);
	return CURLE_WEIRD_SERVER_REPLY;
}

/*
 * Says one command and hears its reply; with PIPELINING (RFC 2920) all were said with
 * the first.  The first refusal counts, whatever the relay says to those that follow.
 */
static CURLcode
command(SmtpSender *sender, int i)
{
	size_t from = i > 0 ? sender->envelope.ends[i - 1] : 0;
	size_t to =
		sender->envelope
			.ends[sender->offers.pipelining ? GA_ENVELOPE_COMMANDS - 1 : i];
	bool is_said = i > 0 && sender->offers.pipelining;
	CURLcode result = is_said ? CURLE_OK : check_unasked(sender);

	if (!is_said && result == CURLE_OK)
		result = ga_dialogue_say(
			&sender->dialogue, sender->envelope.commands.data + from, to - from,
			in_seconds(sender->provider->timeout));
	if (result == CURLE_OK)
		result = hear_reply(sender);
	if (result != CURLE_OK)
		return result;
	if (i == GA_ENVELOPE_COMMANDS - 1 ? sender->code == 354
									  : sender->code / 100 == 2)
		return CURLE_OK;
	return note_surprise(sender);
}

static CURLcode
say_body(SmtpSender *sender)
{
	CURLcode result = check_unasked(sender);

	if (result != CURLE_OK)
		return result;
	sender->body_begun = true;
	result = ga_dialogue_say(
		&sender->dialogue, sender->body->data, sender->body->length,
		in_seconds(GA_SMTP_REPLIES * sender->provider->timeout));
	sender->body_sent = result == CURLE_OK;
	if (result == CURLE_OK)
		result = hear_reply(sender);
	if (result == CURLE_OK && sender->code / 100 != 2)
		result = note_surprise(sender);
	return result;
}

/*
 * The dialogue of a message on a connection that is ready.  A refusal ends it at once;
 * part() hears what the relay still says to commands that were sent along.
 */
static CURLcode
talk(SmtpSender *sender)
{
	CURLcode result = CURLE_OK;

	forget_replies(sender);
	sender->ready = true;
	sender->lacks_utf8 =
		!sender->offers.utf8 && !ga_mailbox_is_ascii(sender->job->to);
	if (sender->lacks_utf8)
		return CURLE_ABORTED_BY_CALLBACK;
	ga_envelope_put(sender->plan, sender->job, &sender->offers, sender->size,
					&sender->envelope);
	for (int i = 0; i < GA_ENVELOPE_COMMANDS && result == CURLE_OK; i++)
		result = command(sender, i);
	return result == CURLE_OK ? say_body(sender) : result;
}

static CURLcode
perform(void *context)
{
	SmtpSender *sender = context;
	CURL *curl = sender->connection.curl;
	CURLcode result = CURLE_OK;

	if (!sender->is_connected)
	{
		result = curl_easy_perform(curl);
		if (result == CURLE_OK &&
			!ga_dialogue_begin(&sender->dialogue, curl,
							   sender->plan->tls || sender->plan->is_wrapped))
			result = CURLE_COULDNT_CONNECT;
		sender->is_connected = result == CURLE_OK;
	}
	return result == CURLE_OK ? talk(sender) : result;
}

/* ---- what became of it ------------------------------------------------------ */

static GaSmtpStage
stage_of(const SmtpSender *sender)
{
	if (!sender->ready)
		return GA_SMTP_CONNECT;
	if (sender->body_begun)
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
	/* Until it is answered the last reply is the 354 to DATA. */
	bool uncertain = sender->body_sent && !ga_reply_is_refusal(sender->code);

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
	if (!ga_reply_is_refusal(sender->code))
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

/* After a refusal: whether the relay waits for a command, and not for a body. */
static bool
waits_for_command(SmtpSender *sender)
{
	int left =
		sender->offers.pipelining ? GA_ENVELOPE_COMMANDS - sender->replies : 0;

	for (int lines = 0; left > 0; lines++)
	{
		size_t length;
		char *line;

		/* They come together; nobody waits for those that did not, nor listens for ever. */
		if (lines == REFUSAL_LINES ||
			ga_dialogue_hear(&sender->dialogue, &line, &length, 0) !=
				CURLE_OK ||
			strncmp(line, "354", 3) == 0)
			return false;
		left -= ga_reply_code(line, length) >= 0 && line[3] != '-';
	}
	return true;
}

/* After a failure the connection is given up, politely if it can be. */
static void
part(SmtpSender *sender)
{
	if (sender->is_connected && sender->parting && waits_for_command(sender))
		say_goodbye(sender);
	sender->is_connected = false;
	ga_connection_abandon(&sender->connection);
}

static void
judge(SmtpSender *sender, CURLcode result, const GaCourierJob *job,
	  GaOutcome *outcome)
{
	char value[GA_OUTCOME_MESSAGE_ID_SIZE];

	if (result != CURLE_OK)
	{
		judge_failure(sender, result, outcome);
		/* Of a recipient whom it cannot serve nothing was said to the relay. */
		if (!sender->lacks_utf8)
			part(sender);
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
	sender->size = sender->message.length;
	sender->body = ga_envelope_seal(&sender->message, &sender->sealed);
	sender->is_second = false;
	if (set_up(sender, job))
		return true;
	judge(sender, CURLE_FAILED_INIT, job, outcome);
	return false;
}

/* Whether the relay had closed a kept connection: a fresh one is tried, once. */
static bool
was_stale(const SmtpSender *sender, CURLcode result)
{
	return result != CURLE_OK && result != CURLE_OPERATION_TIMEDOUT &&
		   sender->is_kept && !sender->is_second && !sender->body_begun &&
		   !sender->lacks_utf8 && (sender->code == 0 || sender->code == 421);
}

static bool
end(void *context, const GaCourierJob *job, CURLcode result, GaOutcome *outcome)
{
	SmtpSender *sender = context;

	ga_connection_end(&sender->connection, result);
	sender->used_at = ga_monotonic_now();
	if (was_stale(sender, result))
	{
		sender->is_connected = false;
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
	const GaSmtpPlan *plan = provider->plan;

	return ga_mail_compose(&plan->mail, job, out, complaint, size);
}

const GaTransport ga_smtp_transport = {
	.kind = "smtp",
	.prepare = ga_smtp_plan_prepare,
	.release = ga_smtp_plan_release,
	.open = open_sender,
	.close = close_sender,
	.begin = begin,
	.perform = perform,
	.end = end,
	.handle = handle,
	.compose = compose,
};
