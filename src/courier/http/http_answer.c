/*
 * http_answer.c
 *		What an HTTP answer means, as a row of the provider table tells.
 *
 * The provider's own code decides where the table knows it, else what the
 * answer says is wrong, else whom its words blame, else its status.  Everything
 * read here is a stranger's text: it goes into an outcome, which cleans and cuts
 * it, and nowhere else.
 */
#include "courier/http/http_answer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/shared/mail_words.h"
#include "base/shared/receipt_table.h"
#include "courier/http/json_path.h"
#include "courier/smtp/reply.h"
#include "courier/http/xml_answer.h"

/* Answers are read by people and by code_path; this much is quoted. */
#define QUOTE_MAX 300

/* What the kind looks for nothing in need not be understood: a webhook's answer, say. */
static bool
is_looked_into(const GaHttpPlan *plan)
{
	return *plan->id_path || *plan->code_path || *plan->text_path ||
		   plan->row->about_path || strchr(plan->success, '=');
}

static json_t *
read_document(const GaHttpPlan *plan, const GaHttpAnswer *answer)
{
	if (plan->row->answers_xml)
		return ga_xml_answer_read(answer->text, answer->length);
	return json_loadb(answer->text, answer->length, JSON_ALLOW_NUL, NULL);
}

/* false: no such header; `value` is "". */
static bool
read_header(const GaHttpAnswer *answer, const char *name, char *value,
			size_t size)
{
	struct curl_header *header;

	value[0] = '\0';
	if (name == NULL || curl_easy_header(answer->curl, name, 0, CURLH_HEADER,
										 -1, &header) != CURLHE_OK)
		return false;
	snprintf(value, size, "%s", header->value);
	return *value != '\0';
}

typedef struct CodeSearch
{
	const char *good;
	char *code;
	size_t size;
} CodeSearch;

/* The first code that does not say "well" is the one that matters. */
static bool
take_code(void *context, const char *value)
{
	CodeSearch *search = context;

	snprintf(search->code, search->size, "%s", value);
	return search->good && strcmp(value, search->good) == 0;
}

/* "type#1120" and "Name:http://..." hold more than the code. */
static void
trim_code(const GaHttpRow *row, char *code)
{
	char *after = row->code_after ? strrchr(code, row->code_after) : NULL;
	char *before;

	if (after)
		memmove(code, after + 1, strlen(after + 1) + 1);
	before = row->code_before ? strchr(code, row->code_before) : NULL;
	if (before)
		*before = '\0';
}

/* false: the answer has no code of the provider's; `code` is "". */
static bool
read_code(const GaHttpPlan *plan, const GaHttpAnswer *answer, json_t *document,
		  char *code, size_t size)
{
	char raw[512] = "";
	CodeSearch search = {plan->row->code_good, raw, sizeof(raw)};

	if (!read_header(answer, plan->row->code_header, raw, sizeof(raw)) &&
		*plan->code_path)
		ga_json_path_walk(document, plan->code_path, take_code, &search);
	trim_code(plan->row, raw);
	snprintf(code, size, "%.*s", (int) size - 1, raw);
	return *code != '\0';
}

/* Fills `code` for people; NULL: nothing in the answer is known. */
static const GaHttpCode *
find_known(const GaHttpPlan *plan, const GaHttpAnswer *answer, json_t *document,
		   char *code, size_t size)
{
	const GaHttpCode *known = NULL;
	char status[16];
	char about[128];

	snprintf(status, sizeof(status), "http %d", answer->status);
	if (read_code(plan, answer, document, code, size))
		known = ga_provider_table_code(plan->row, code);
	else
		snprintf(code, size, "%s", status);
	if (known == NULL && plan->row->about_path &&
		ga_json_path_first(document, plan->row->about_path, about,
						   sizeof(about)))
		known = ga_provider_table_code(plan->row, about);
	return known ? known : ga_provider_table_code(plan->row, status);
}

static void
read_text(const GaHttpAnswer *answer, json_t *document, const char *path,
		  char *text, size_t size)
{
	if (*path == '\0' || !ga_json_path_first(document, path, text, size))
		snprintf(text, size, "%.*s", QUOTE_MAX, answer->text);
}

/* Its body says less than where it leads. */
static bool
read_redirect(const GaHttpAnswer *answer, char *text, size_t size)
{
	char place[QUOTE_MAX];

	if (answer->status < 300 || answer->status > 399 ||
		!read_header(answer, "Location", place, sizeof(place)))
		return false;
	snprintf(text, size, "it redirects to %s, which is not followed", place);
	return true;
}

static int64_t
read_retry_after(const GaHttpAnswer *answer)
{
	char value[128];

	if (!read_header(answer, "Retry-After", value, sizeof(value)))
		return -1;
	return ga_reply_retry_after(value, time(NULL));
}

/* A quota of an hour or a day is asked again after an hour. */
#define QUOTA_MS (60 * 60 * 1000LL)

/*
 * What the words add to a status: 400 and 422 are answered for a wrong number and
 * for a wrong sender alike, 429 for a second and for a day.
 */
static GaVerdict
weigh_words(GaVerdict verdict, const char *words)
{
	GaMailBlame blame = ga_mail_words_read(words);

	if (blame == GA_BLAME_OUR_QUOTA && verdict.outcome != GA_OUTCOME_UNCERTAIN)
		return (GaVerdict){GA_OUTCOME_RETRY, GA_OUTCOME_PROVIDER_FAULT,
						   QUOTA_MS};
	if (verdict.outcome != GA_OUTCOME_REJECTED)
		return verdict;
	if (blame == GA_BLAME_SENDER)
		verdict.outcome = GA_OUTCOME_MISCONFIGURED;
	if (blame != GA_BLAME_RECIPIENT)
		verdict.flags |= GA_OUTCOME_UNSURE;
	return verdict;
}

/* The status decides, unless the provider's own code is known better. */
static void
judge_refusal(const GaHttpPlan *plan, const GaHttpAnswer *answer,
			  json_t *document, GaHttpVerdict verdict, GaOutcome *outcome)
{
	GaVerdict result = ga_reply_judge_http(answer->status);
	char code[GA_OUTCOME_CODE_SIZE];
	char detail[GA_OUTCOME_DETAIL_SIZE];
	const GaHttpCode *known =
		find_known(plan, answer, document, code, sizeof(code));

	/* A status that means success elsewhere is not what the rule asks for. */
	if (result.outcome == GA_OUTCOME_ACCEPTED)
		result.outcome = verdict == GA_HTTP_UNREADABLE ? GA_OUTCOME_UNCERTAIN
													   : GA_OUTCOME_REJECTED;
	if (known)
		result =
			(GaVerdict){known->outcome, known->flags, known->retry_after_ms};
	if (!read_redirect(answer, detail, sizeof(detail)))
		read_text(answer, document, plan->text_path, detail, sizeof(detail));
	if (known == NULL || known->outcome == GA_OUTCOME_RETRY)
		result = weigh_words(result, detail);
	/* Some of its parts are on their way. */
	if (verdict == GA_HTTP_PARTLY)
		result.outcome = GA_OUTCOME_UNCERTAIN;
	if (result.outcome == GA_OUTCOME_RETRY)
	{
		int64_t asked = read_retry_after(answer);

		if (asked > result.retry_after_ms)
			result.retry_after_ms = asked;
	}
	ga_outcome_set(outcome, result, code, detail);
}

/* As it is compared with receipts: a Message-ID without its brackets. */
static bool
take_id(const GaHttpPlan *plan, const GaHttpAnswer *answer, json_t *document,
		GaOutcome *outcome)
{
	char id[GA_OUTCOME_MESSAGE_ID_SIZE];
	size_t length;

	if (!read_header(answer, plan->row->id_header, id, sizeof(id)) &&
		(*plan->id_path == '\0' ||
		 !ga_json_path_first(document, plan->id_path, id, sizeof(id))))
		return false;
	length = strlen(id);
	if (id[0] == '<' && id[length - 1] == '>')
	{
		id[length - 1] = '\0';
		memmove(id, id + 1, length - 1);
	}
	ga_outcome_set_message_id(outcome, id);
	return *id != '\0';
}

/*
 * Where a row of ours says where the id is, every message that was taken over
 * has one: what answers 200 without it is a proxy's page, not the provider.
 */
static bool
must_have_id(const GaHttpPlan *plan)
{
	return plan->row->id_path != NULL && *plan->row->id_path != '\0';
}

void
ga_http_answer_judge(const GaHttpPlan *plan, const GaHttpAnswer *answer,
					 GaOutcome *outcome)
{
	json_t *document =
		is_looked_into(plan) ? read_document(plan, answer) : NULL;
	GaHttpVerdict verdict =
		ga_http_plan_judge(plan->success, answer->status, document);
	char code[16];

	if (verdict == GA_HTTP_SUCCESS)
	{
		snprintf(code, sizeof(code), "http %d", answer->status);
		ga_outcome_setf(outcome, GA_OUTCOME_ACCEPTED, code, "%s", "");
		if (!take_id(plan, answer, document, outcome) && must_have_id(plan))
			verdict = GA_HTTP_UNREADABLE;
	}
	if (verdict != GA_HTTP_SUCCESS)
		judge_refusal(plan, answer, document, verdict, outcome);
	json_decref(document);
}

static uint32_t
flags_of_status(const char *kind, const char *word)
{
	GaReceiptStatus status;

	if (!ga_receipt_status_find(kind, word, &status))
		return 0;
	return status == GA_RECEIPT_DELIVERED ? GA_OUTCOME_IS_DELIVERED
		   : status == GA_RECEIPT_FAILED  ? GA_OUTCOME_IS_FAILED
										  : 0;
}

static uint32_t
flags_of_code(const GaReceiptCode *known)
{
	if (known == NULL || known->suppress == NULL)
		return 0;
	return strcmp(known->suppress, "opted_out") == 0 ? GA_OUTCOME_OPTED_OUT
		   : strcmp(known->suppress, "bounced") == 0 ? GA_OUTCOME_DEAD_CONTACT
													 : 0;
}

/* A code counts for a message that failed; of others it tells nothing. */
static void
set_state(const GaHttpPlan *plan, const char *word, json_t *document,
		  GaOutcome *outcome)
{
	const GaHttpPoll *poll = &plan->row->poll;
	GaVerdict result = {GA_OUTCOME_ACCEPTED,
						flags_of_status(plan->row->kind, word), -1};
	const GaReceiptCode *known = NULL;
	char code[GA_OUTCOME_CODE_SIZE] = "";
	char detail[GA_OUTCOME_DETAIL_SIZE] = "";

	if (result.flags & GA_OUTCOME_IS_FAILED)
	{
		ga_json_path_first(document, poll->code_path, code, sizeof(code));
		known = ga_receipt_code_find(plan->row->kind, code);
		ga_json_path_first(document, poll->text_path, detail, sizeof(detail));
		result.flags |= flags_of_code(known);
	}
	ga_outcome_set(outcome, result, *code ? code : word,
				   known	 ? known->words
				   : *detail ? detail
							 : word);
}

/* Nothing was sent: whatever went wrong, asking again does no harm. */
static GaVerdict
judge_failed_question(const GaHttpAnswer *answer)
{
	GaVerdict result = ga_reply_judge_http(answer->status);

	if (answer->status == 404)
		result.outcome = GA_OUTCOME_REJECTED;
	if (result.outcome == GA_OUTCOME_UNCERTAIN ||
		result.outcome == GA_OUTCOME_ACCEPTED)
		result.outcome = GA_OUTCOME_RETRY;
	if (result.outcome == GA_OUTCOME_RETRY)
		result.retry_after_ms = read_retry_after(answer);
	return result;
}

void
ga_http_answer_judge_state(const GaHttpPlan *plan, const GaHttpAnswer *answer,
						   GaOutcome *outcome)
{
	json_t *document = read_document(plan, answer);
	char code[GA_OUTCOME_CODE_SIZE];
	char detail[GA_OUTCOME_DETAIL_SIZE];
	char word[64];

	if (answer->status == 200 &&
		ga_json_path_first(document, plan->row->poll.status_path, word,
						   sizeof(word)))
		set_state(plan, word, document, outcome);
	else
	{
		snprintf(code, sizeof(code), "http %d", answer->status);
		read_text(answer, document, plan->text_path, detail, sizeof(detail));
		ga_outcome_set(outcome, judge_failed_question(answer), code, detail);
	}
	json_decref(document);
}
