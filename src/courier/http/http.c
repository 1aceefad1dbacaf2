/*
 * http.c
 *		Messages by HTTP, and questions after them, as a row of the provider
 *		table describes it.
 *
 * Head and body leave in one write.  A request that has left is never sent again,
 * whatever becomes of its connection (courier/connection).  Whether the peer may have
 * the message is one question: was any of it taken?
 */
#include "courier/http/http.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "courier/connection.h"
#include "courier/http/http_answer.h"
#include "courier/http/http_plan.h"
#include "courier/memory.h"

/* More of an answer than this is not read. */
#define ANSWER_MAX 65536

typedef struct HttpSender
{
	const GaCourierProvider *provider;
	const GaHttpPlan *plan;
	GaConnection connection;
	GaText url;
	GaText body;
	GaText answer;
	bool asking;	/* the handle is set to ask for a message's state */
	bool is_second; /* the first one met a connection that was dead */
	/* One node and one line per header of the plan, and one for the body's
	 * digest or for Expect. */
	struct curl_slist *nodes;
	GaText *lines;
} HttpSender;

static size_t
take_answer(char *data, size_t size, size_t count, void *context)
{
	HttpSender *sender = context;
	size_t length = size * count;
	size_t room = ANSWER_MAX - sender->answer.length;

	ga_text_append(&sender->answer, data, length < room ? length : room);
	/* A short count ends the transfer: enough was read to judge it. */
	return length < room ? length : 0;
}

/* Without a body the message, or the question, is in the request line. */
static bool
has_body(const GaHttpPlan *plan, bool asking)
{
	return !asking && (plan->body_kind != GA_BODY_QUERY ||
					   strcmp(plan->method, "GET") != 0);
}

/* The request that sends a message; a question is asked by GET. */
static void
set_method(CURL *curl, const GaHttpPlan *plan, bool asking)
{
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST,
					 !asking && strcmp(plan->method, "POST") != 0 ? plan->method
																  : NULL);
	if (has_body(plan, asking))
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
	else
		curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
}

/* Called before a request leaves, on whatever connection. */
static int
allow_request(void *context, char *peer, char *own, int peer_port, int own_port)
{
	HttpSender *sender = context;

	(void) peer, (void) own, (void) peer_port, (void) own_port;
	return ga_connection_may_send(&sender->connection) ? CURL_PREREQFUNC_OK
													   : CURL_PREREQFUNC_ABORT;
}

/*
 * Never "any" of the methods: libcurl would send the request without credentials first to
 * hear which are wanted, and a message must leave once.
 */
static void
set_auth(CURL *curl, const GaHttpPlan *plan, const GaCourierProvider *provider)
{
	if (plan->username && plan->row->auth != GA_AUTH_TEMPLATE)
	{
		if (plan->signer)
			curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, plan->signer);
		else
			curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long) CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERNAME, plan->username);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, provider->password);
	}
	if (plan->bearer)
	{
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long) CURLAUTH_BEARER);
		curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, plan->bearer);
	}
}

/*
 * Once a handle.  HTTP/1.1 is asked for by name: with HTTP/2 several messages could share
 * a connection, and how much of which was taken could not be told when it breaks.
 */
static void
prepare_handle(CURL *curl, void *context)
{
	HttpSender *sender = context;
	const GaHttpPlan *plan = sender->plan;
	const GaCourierProvider *provider = sender->provider;

	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, provider->timeout);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "group_api/" GA_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, sender);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, sender->nodes);
	curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, allow_request);
	curl_easy_setopt(curl, CURLOPT_PREREQDATA, sender);
	set_method(curl, plan, sender->asking);
	set_auth(curl, plan, provider);
}

static void *
open_sender(const GaCourierProvider *provider, GaTransfers *transfers)
{
	HttpSender *sender = ga_memory_alloc(sizeof(*sender));
	size_t count;

	sender->provider = provider;
	sender->plan = provider->plan;
	sender->connection.provider = provider;
	sender->connection.prepare = prepare_handle;
	sender->connection.context = sender;
	sender->connection.transfers = transfers;
	/* The list is chained once; only the texts change from job to job.  Its
	 * last node keeps libcurl from waiting for 100 Continue; where it would be
	 * signed although it is not sent, it is replaced by the body's digest. */
	count = (size_t) sender->plan->header_count;
	sender->lines = ga_memory_alloc((count + 1) * sizeof(*sender->lines));
	sender->nodes = ga_memory_alloc((count + 1) * sizeof(*sender->nodes));
	for (size_t i = 0; i < count; i++)
		sender->nodes[i].next = &sender->nodes[i + 1];
	sender->nodes[count].data = (char *) "Expect:";
	return sender;
}

static void
close_sender(void *context)
{
	HttpSender *sender = context;

	ga_connection_close(&sender->connection);
	/* Headers, query and body may hold the password; a text is wiped. */
	for (int i = 0; i <= sender->plan->header_count; i++)
		ga_text_free(&sender->lines[i]);
	free(sender->lines);
	free(sender->nodes);
	ga_text_free(&sender->url);
	ga_text_free(&sender->body);
	ga_text_free(&sender->answer);
	free(sender);
}

/* false: a value would end its header line. */
static bool
render_headers(HttpSender *sender, const GaValues *values)
{
	for (int i = 0; i < sender->plan->header_count; i++)
	{
		const GaHttpHeader *header = &sender->plan->headers[i];
		GaText *line = &sender->lines[i];

		/* Written once: the type of the body, say. */
		if (line->length > 0 &&
			ga_request_template_is_constant(&header->template))
			continue;
		ga_text_truncate(line, 0);
		ga_request_template_render(&header->template, values, GA_ESCAPE_NONE,
								   line);
		if (!ga_text_is_header_safe(line->data))
			return false;
		/* An empty value leaves its header out, as with fields: libcurl takes
		 * "Name:" for just that. */
		if (line->length <= header->value_offset)
			ga_text_truncate(line, header->value_offset - 1);
		sender->nodes[i].data = line->data;
	}
	return true;
}

/* What is signed: libcurl cannot see a body that comes by callback. */
static void
add_digest(HttpSender *sender)
{
	GaText *line = &sender->lines[sender->plan->header_count];
	gchar *digest;

	if (sender->plan->signer == NULL)
		return;
	digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256,
										 (const guchar *) sender->body.data,
										 (gsize) sender->body.length);
	ga_text_truncate(line, 0);
	ga_text_printf(line, "X-Amz-Content-Sha256: %s", digest);
	sender->nodes[sender->plan->header_count].data = line->data;
	g_free(digest);
}

/*
 * The texts belong to the sender and keep their memory, so a message that is no longer
 * than the last one allocates nothing.
 */
static void
render_request(HttpSender *sender, const GaValues *values)
{
	const GaHttpPlan *plan = sender->plan;

	ga_text_truncate(&sender->url, 0);
	ga_text_truncate(&sender->body, 0);
	ga_request_template_render(&plan->url, values, GA_ESCAPE_URL, &sender->url);
	if (plan->body_kind == GA_BODY_QUERY)
	{
		ga_text_putc(&sender->url, strchr(sender->url.data, '?') ? '&' : '?');
		ga_request_field_render(plan->fields, plan->body_kind, values,
								&sender->url);
	}
	else
		ga_request_field_render(plan->fields, plan->body_kind, values,
								&sender->body);
	add_digest(sender);
}

static void
render_question(HttpSender *sender, const GaValues *values)
{
	ga_text_truncate(&sender->url, 0);
	ga_text_truncate(&sender->body, 0);
	ga_request_template_render(&sender->plan->poll_url, values, GA_ESCAPE_URL,
							   &sender->url);
}

/* false: libcurl has no handle. */
static bool
set_up(HttpSender *sender, bool asking)
{
	const GaHttpPlan *plan = sender->plan;
	bool changed =
		sender->connection.curl == NULL || asking || sender->asking != asking;
	CURL *curl;

	sender->asking = asking;
	sender->connection.sends_once = !asking;
	curl = ga_connection_handle(&sender->connection);
	if (curl == NULL)
		return false;
	ga_text_truncate(&sender->answer, 0);
	if (changed || plan->body_kind == GA_BODY_QUERY ||
		!ga_request_template_is_constant(&plan->url))
		curl_easy_setopt(curl, CURLOPT_URL, sender->url.data);
	if (has_body(plan, asking))
	{
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
						 (curl_off_t) sender->body.length);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
						 ga_text_string(&sender->body));
	}
	if (changed)
		set_method(curl, plan, asking);
	ga_connection_begin(&sender->connection);
	return true;
}

/* A question changes nothing at the provider: it may be asked twice. */
static bool
was_handed_over(const HttpSender *sender)
{
	return !sender->asking && ga_connection_has_sent(&sender->connection);
}

static void
judge(HttpSender *sender, CURLcode result, GaOutcome *outcome)
{
	GaHttpAnswer answer = {sender->connection.curl, 0,
						   ga_text_string(&sender->answer),
						   sender->answer.length};
	long status = 0;

	if (answer.curl)
		curl_easy_getinfo(answer.curl, CURLINFO_RESPONSE_CODE, &status);
	answer.status = (int) status;
	/* What it was about to do is no reason. */
	if (sender->connection.refused_again)
	{
		sender->connection.error[0] = '\0';
		result = CURLE_GOT_NOTHING;
	}
	/* A status line is an answer, however the rest of it ended. */
	if (status < 200)
		ga_connection_explain(&sender->connection, result,
							  was_handed_over(sender), outcome);
	else if (sender->asking)
		ga_http_answer_judge_state(sender->plan, &answer, outcome);
	else
		ga_http_answer_judge(sender->plan, &answer, outcome);
	if (result != CURLE_OK)
		ga_connection_abandon(&sender->connection);
}

static bool
begin(void *context, const GaCourierJob *job, GaOutcome *outcome)
{
	HttpSender *sender = context;
	bool asking = *job->poll != '\0';
	GaValues values;

	if (asking && sender->plan->row->poll.url == NULL)
	{
		ga_outcome_setf(outcome, GA_OUTCOME_REJECTED, "poll",
						"a provider of kind %s cannot be asked",
						sender->provider->kind);
		return false;
	}
	ga_values_of_job(&values, job, &sender->plan->rules,
					 sender->provider->channel);
	if (!render_headers(sender, &values))
	{
		ga_outcome_setf(outcome, GA_OUTCOME_REJECTED, "message",
						"a value that goes into a header holds control "
						"characters");
		return false;
	}
	if (asking)
		render_question(sender, &values);
	else
		render_request(sender, &values);
	ga_connection_drop_closed(&sender->connection);
	sender->is_second = false;
	if (set_up(sender, asking))
		return true;
	judge(sender, CURLE_FAILED_INIT, outcome);
	return false;
}

/*
 * A gateway may close a kept connection just when the next message is about to leave on
 * it.  Where nothing of the request was taken it is sent again, on a new connection and
 * once: a second failure is the gateway's.  False: it is under way again.
 */
static bool
end(void *context, const GaCourierJob *job, CURLcode result, GaOutcome *outcome)
{
	HttpSender *sender = context;

	(void) job;
	ga_connection_end(&sender->connection, result);
	/* A reused connection that was dead already is replaced. */
	if (result != CURLE_OK && !sender->is_second && !was_handed_over(sender) &&
		ga_connection_was_stale(&sender->connection, result))
	{
		ga_connection_abandon(&sender->connection);
		sender->is_second = true;
		if (set_up(sender, sender->asking))
			return false;
		result = CURLE_FAILED_INIT;
	}
	judge(sender, result, outcome);
	return true;
}

static CURL *
handle(void *context)
{
	return ((HttpSender *) context)->connection.curl;
}

static bool
is_connected(void *context)
{
	return ga_connection_is_open(&((HttpSender *) context)->connection);
}

/* For a text message its text; for mail the request's body. */
static bool
compose(const GaCourierProvider *provider, const GaCourierJob *job, GaText *out,
		char *complaint, size_t size)
{
	const GaHttpPlan *plan = provider->plan;
	GaValues values;

	(void) complaint, (void) size;
	ga_values_of_job(&values, job, &plan->rules, provider->channel);
	if (provider->channel == GA_CHANNEL_MOBILE)
		ga_text_puts(out, job->text);
	else
		ga_request_field_render(plan->fields, plan->body_kind, &values, out);
	return true;
}

const GaTransport ga_http_transport = {
	.prepare = ga_http_plan_prepare,
	.release = ga_http_plan_release,
	.open = open_sender,
	.close = close_sender,
	.begin = begin,
	.end = end,
	.handle = handle,
	.is_connected = is_connected,
	.answers_questions = true,
	.compose = compose,
};
