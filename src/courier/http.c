/*
 * http.c
 *		Messages by HTTP, as a row of the provider table describes it.
 *
 * The body goes out by connection.c's read callback, so that a dead keep-alive
 * connection never makes libcurl send a message twice; a request without a
 * body has no such guard and therefore never reuses a connection.  Whether the
 * peer may have the message is one question: was any of it taken?
 */
#include "courier/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "courier/connection.h"
#include "courier/http_plan.h"
#include "courier/json_path.h"
#include "courier/reply.h"

/* More of an answer than this is not read. */
#define ANSWER_MAX 65536

/* Answers are read by people and by code_path; this much is quoted. */
#define QUOTE_MAX 300

typedef struct HttpSender
{
	const GaProvider *provider;
	const GaHttpPlan *plan;
	GaConnection connection;
	GaText url;
	GaText body;
	GaText answer;
	/* One node and one line per header of the plan, and one for Expect. */
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

static void
prepare_handle(CURL *curl, void *context)
{
	HttpSender *sender = context;
	const GaHttpPlan *plan = sender->plan;
	const GaProvider *provider = sender->provider;

	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, provider->timeout);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "group_api/" GA_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, sender);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, sender->nodes);
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	if (strcmp(plan->method, "POST") != 0)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, plan->method);
	if (plan->body_kind == GA_BODY_QUERY)
	{
		if (strcmp(plan->method, "GET") == 0)
			curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
		curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
		curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
	}
	if (plan->username)
	{
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

static void *
open_sender(const GaProvider *provider)
{
	HttpSender *sender = ga_alloc(sizeof(*sender));
	size_t count;

	sender->provider = provider;
	sender->plan = provider->plan;
	sender->connection.provider = provider;
	sender->connection.prepare = prepare_handle;
	sender->connection.context = sender;
	/* The list is chained once; only the texts change from job to job.  Its
	 * last node keeps libcurl from waiting for 100 Continue. */
	count = (size_t) sender->plan->header_count;
	sender->lines = ga_alloc((count + 1) * sizeof(*sender->lines));
	sender->nodes = ga_alloc((count + 1) * sizeof(*sender->nodes));
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
	for (int i = 0; i < sender->plan->header_count; i++)
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

		ga_text_truncate(line, 0);
		ga_template_render(&header->template, values, GA_ESCAPE_NONE, line);
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

static void
render_request(HttpSender *sender, const GaValues *values)
{
	const GaHttpPlan *plan = sender->plan;

	ga_text_truncate(&sender->url, 0);
	ga_text_truncate(&sender->body, 0);
	ga_template_render(&plan->url, values, GA_ESCAPE_URL, &sender->url);
	if (plan->body_kind == GA_BODY_QUERY)
	{
		ga_text_putc(&sender->url, strchr(sender->url.data, '?') ? '&' : '?');
		ga_field_render(plan->fields, plan->body_kind, values, &sender->url);
	}
	else
		ga_field_render(plan->fields, plan->body_kind, values, &sender->body);
}

static CURLcode
run(HttpSender *sender)
{
	CURL *curl;
	bool fresh = sender->connection.curl == NULL;

	curl = ga_connection_handle(&sender->connection);
	if (curl == NULL)
		return CURLE_FAILED_INIT;
	ga_text_truncate(&sender->answer, 0);
	ga_connection_set_body(&sender->connection, sender->body.data,
						   sender->body.length);
	if (fresh || sender->plan->body_kind == GA_BODY_QUERY ||
		!ga_template_is_constant(&sender->plan->url))
		curl_easy_setopt(curl, CURLOPT_URL, sender->url.data);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
					 (curl_off_t) sender->body.length);
	return ga_connection_run(&sender->connection);
}

/* Without a body, the message is in the request line. */
static bool
was_handed_over(const HttpSender *sender)
{
	long sent = 0;

	if (sender->plan->body_kind != GA_BODY_QUERY)
		return sender->connection.body_asked;
	curl_easy_getinfo(sender->connection.curl, CURLINFO_REQUEST_SIZE, &sent);
	return sent > 0;
}

static int64_t
read_retry_after(CURL *curl)
{
	struct curl_header *header;

	if (curl_easy_header(curl, "Retry-After", 0, CURLH_HEADER, -1, &header) !=
		CURLHE_OK)
		return -1;
	return ga_reply_retry_after(header->value, time(NULL));
}

/* The status decides, unless the provider's own code is known better. */
static void
judge_refusal(HttpSender *sender, int status, json_t *document,
			  GaHttpVerdict verdict, GaOutcome *outcome)
{
	const GaHttpPlan *plan = sender->plan;
	const GaHttpCode *known = NULL;
	GaVerdict result = ga_reply_judge_http(status);
	char code[GA_OUTCOME_CODE_SIZE];
	char detail[GA_OUTCOME_DETAIL_SIZE];

	/* A status that means success elsewhere is not what the rule asks for. */
	if (result.outcome == GA_OUTCOME_ACCEPTED)
		result.outcome = verdict == GA_HTTP_UNREADABLE ? GA_OUTCOME_UNCERTAIN
													   : GA_OUTCOME_REJECTED;
	if (*plan->code_path &&
		ga_json_path_first(document, plan->code_path, code, sizeof(code)))
		known = ga_provider_table_code(plan->row, code);
	else
		snprintf(code, sizeof(code), "http %d", status);
	if (known)
		result =
			(GaVerdict){known->outcome, known->flags, known->retry_after_ms};
	if (result.outcome == GA_OUTCOME_RETRY)
	{
		int64_t asked = read_retry_after(sender->connection.curl);

		if (asked > result.retry_after_ms)
			result.retry_after_ms = asked;
	}
	if (*plan->text_path == '\0' ||
		!ga_json_path_first(document, plan->text_path, detail, sizeof(detail)))
		snprintf(detail, sizeof(detail), "%.*s", QUOTE_MAX,
				 ga_text_string(&sender->answer));
	ga_outcome_set(outcome, result, code, detail);
}

static void
judge_answer(HttpSender *sender, int status, GaOutcome *outcome)
{
	const GaHttpPlan *plan = sender->plan;
	json_t *document = json_loadb(ga_text_string(&sender->answer),
								  sender->answer.length, JSON_ALLOW_NUL, NULL);
	GaHttpVerdict verdict = ga_http_plan_judge(plan->success, status, document);
	char text[GA_OUTCOME_MESSAGE_ID_SIZE];

	if (verdict != GA_HTTP_SUCCESS)
		judge_refusal(sender, status, document, verdict, outcome);
	else
	{
		snprintf(text, sizeof(text), "http %d", status);
		ga_outcome_setf(outcome, GA_OUTCOME_ACCEPTED, text, "%s", "");
		if (*plan->id_path &&
			ga_json_path_first(document, plan->id_path, text, sizeof(text)))
			ga_outcome_set_message_id(outcome, text);
	}
	json_decref(document);
}

static void
judge(HttpSender *sender, CURLcode result, GaOutcome *outcome)
{
	long status = 0;

	if (sender->connection.curl)
		curl_easy_getinfo(sender->connection.curl, CURLINFO_RESPONSE_CODE,
						  &status);
	/* A status line is an answer, however the rest of it ended. */
	if (status >= 200)
		judge_answer(sender, (int) status, outcome);
	else
		ga_connection_explain(
			&sender->connection, result,
			sender->connection.curl && was_handed_over(sender), outcome);
	if (result != CURLE_OK)
		ga_connection_abandon(&sender->connection);
}

static void
deliver(void *context, const GaJob *job, GaOutcome *outcome)
{
	HttpSender *sender = context;
	GaValues values;
	CURLcode result;

	ga_values_of_job(&values, job, sender->plan->row->validity_max);
	if (!render_headers(sender, &values))
	{
		ga_outcome_setf(outcome, GA_OUTCOME_REJECTED, "message",
						"a value that goes into a header holds control "
						"characters");
		return;
	}
	render_request(sender, &values);
	result = run(sender);
	if (result != CURLE_OK &&
		ga_connection_was_stale(&sender->connection, result))
	{
		ga_connection_abandon(&sender->connection);
		result = run(sender);
	}
	judge(sender, result, outcome);
}

/* For a text message its text; for mail the request's body. */
static bool
compose(const GaProvider *provider, const GaJob *job, GaText *out,
		char *complaint, size_t size)
{
	const GaHttpPlan *plan = provider->plan;
	GaValues values;

	(void) complaint, (void) size;
	ga_values_of_job(&values, job, plan->row->validity_max);
	if (provider->channel == GA_CHANNEL_MOBILE)
		ga_text_puts(out, job->text);
	else
		ga_field_render(plan->fields, plan->body_kind, &values, out);
	return true;
}

#define TRANSPORT(name)                                                        \
	{                                                                          \
		.kind = name, .prepare = ga_http_plan_prepare,                         \
		.release = ga_http_plan_release, .open = open_sender,                  \
		.close = close_sender, .deliver = deliver, .compose = compose,         \
	}

const GaTransport ga_http_transport = TRANSPORT("http");
const GaTransport ga_twilio_transport = TRANSPORT("twilio");
