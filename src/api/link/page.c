/*
 * page.c
 *		The link's pages over HTTP: statuses, headers, who may change what.
 *
 * Whatever is wrong with a link is a page too; nothing here is thrown.  GET and
 * HEAD change nothing whatever they carry, so that a mail scanner that opens
 * every link answers nothing.
 */
#include "postgres.h"

#include "api/answer/answer.h"
#include "api/link/answering.h"
#include "api/caller.h"
#include "base/guc.h"
#include "base/percent.h"
#include "base/picture_url.h"
#include "message/page/page.h"
#include "message/page/page_words.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/uuid.h"

typedef enum Choice
{
	ANSWER_NONE,
	ANSWER_ACCEPT,
	ANSWER_DECLINE,
	ANSWER_OTHER /* a word that is neither */
} Choice;

static const struct
{
	GaPageState page;
	int status;
} states[] = {
	[GA_INVITATION_UNKNOWN] = {GA_PAGE_UNKNOWN, 404},
	[GA_INVITATION_PENDING] = {GA_PAGE_PENDING, 200},
	[GA_INVITATION_ACCEPTED] = {GA_PAGE_ACCEPTED, 200},
	[GA_INVITATION_DECLINED] = {GA_PAGE_DECLINED, 200},
	[GA_INVITATION_ARCHIVED] = {GA_PAGE_ARCHIVED, 410},
	[GA_INVITATION_REVOKED] = {GA_PAGE_REVOKED, 410},
	[GA_INVITATION_EXPIRED] = {GA_PAGE_EXPIRED, 410},
};

/* The person's own, else what their browser asks for, else the group's, else
 * that of all messages. */
static int
choose_language(const GaCaller *caller, const GaVisit *visit)
{
	const GaInvitationView *view =
		visit->state == GA_INVITATION_UNKNOWN ? NULL : &visit->view;
	int language = view ? ga_message_language_find(view->locale) : -1;

	if (language < 0)
		language = ga_message_language_accepted(
			ga_caller_header(caller, "accept-language"));
	if (language < 0 && view != NULL)
		language = ga_message_language_find(view->group_locale);
	return language < 0 ? ga_message_language(ga_settings.default_locale)
						: language;
}

/* Where the operator lets the app go on; nothing of it is the request's. */
static const char *
onward_url(const GaVisit *visit, const char *token)
{
	const char *group = DatumGetCString(
		DirectFunctionCall1(uuid_out, UUIDPGetDatum(&visit->view.group_id)));
	const struct
	{
		const char *place;
		const char *value;
	} places[] = {{"{group}", group},
				  {"{response}", ga_state_response_word(visit->view.response)},
				  {"{token}", token}};
	StringInfoData out;

	if (ga_settings.answered_url[0] == '\0')
		return NULL;
	initStringInfo(&out);
	for (const char *at = ga_settings.answered_url; *at != '\0';)
	{
		int i = 0;

		while (i < lengthof(places) &&
			   strncmp(at, places[i].place, strlen(places[i].place)) != 0)
			i++;
		if (i == lengthof(places))
		{
			appendStringInfoChar(&out, *at++);
			continue;
		}
		ga_percent_put(&out, ga_bytes(places[i].value), GA_PERCENT_UNRESERVED);
		at += strlen(places[i].place);
	}
	return out.data;
}

static void
fill_page(GaPage *page, const GaCaller *caller, const GaVisit *visit,
		  const text *token)
{
	memset(page, 0, sizeof(*page));
	page->state = states[visit->state].page;
	page->language = choose_language(caller, visit);
	if (visit->state == GA_INVITATION_UNKNOWN)
		return;
	page->token = text_to_cstring(token);
	page->text = visit->view.text;
	page->text.image = ga_picture_url(page->text.image);
	if (visit->state == GA_INVITATION_ACCEPTED ||
		visit->state == GA_INVITATION_DECLINED)
		page->onward = onward_url(visit, page->token);
}

static Datum
answer_page(const GaCaller *caller, int status, const GaPage *page)
{
	const char *const headers[][2] = {
		{"Content-Security-Policy", ga_page_policy(page)},
		{"Content-Language", ga_message_language_tag(page->language)},
		{"Cache-Control", "no-store"},
		{"Referrer-Policy", "no-referrer"},
		{"X-Content-Type-Options", "nosniff"},
		{"X-Robots-Tag", "noindex"},
	};
	StringInfoData html;

	initStringInfo(&html);
	ga_page_compose(&html, page);
	return ga_answer_media(caller, status, &html, headers, lengthof(headers));
}

static const text *
text_argument(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? NULL : PG_GETARG_TEXT_PP(number);
}

static Choice
read_answer(const text *given)
{
	const char *word = given == NULL ? NULL : text_to_cstring(given);

	if (word == NULL)
		return ANSWER_NONE;
	if (strcmp(word, "accept") == 0)
		return ANSWER_ACCEPT;
	return strcmp(word, "decline") == 0 ? ANSWER_DECLINE : ANSWER_OTHER;
}

/* What was wrong with the answer, and the status that says so. */
static void
judge(Choice answer, GaPage *page, int *status)
{
	bool accepted = page->state == GA_PAGE_ACCEPTED;

	if (page->state == GA_PAGE_PENDING && answer == ANSWER_OTHER)
	{
		page->notice = GA_PAGE_CHOOSE;
		*status = 400;
	}
	else if ((accepted && answer == ANSWER_DECLINE) ||
			 (page->state == GA_PAGE_DECLINED && answer == ANSWER_ACCEPT))
	{
		page->notice = GA_PAGE_STANDS;
		*status = 409;
	}
}

PG_FUNCTION_INFO_V1(group_api_invitation_page);

Datum
group_api_invitation_page(PG_FUNCTION_ARGS)
{
	const text *token = text_argument(fcinfo, 0);
	Choice answer = read_answer(text_argument(fcinfo, 1));
	GaCaller caller;
	GaVisit visit;
	GaPage page;
	int status;

	ga_caller_read(&caller);
	if (ga_caller_only_reads(&caller))
		answer = ANSWER_NONE;
	else if (caller.is_http && answer == ANSWER_NONE)
		answer = ANSWER_OTHER;
	/* Nobody is signed in at the page: who is may claim the place afterwards. */
	if (answer == ANSWER_ACCEPT)
		ga_link_visit_accept(token, NULL, &visit);
	else if (answer == ANSWER_DECLINE)
		ga_link_visit_decline(token, &visit);
	else
		ga_link_visit_find(token, GA_LINK_INVITATION, &visit);
	fill_page(&page, &caller, &visit, token);
	status = states[visit.state].status;
	judge(answer, &page, &status);
	return answer_page(&caller, status, &page);
}

PG_FUNCTION_INFO_V1(group_api_unsubscribe);

Datum
group_api_unsubscribe(PG_FUNCTION_ARGS)
{
	const text *token = text_argument(fcinfo, 0);
	GaCaller caller;
	GaVisit visit;
	GaPage page;
	bool only_reads;

	ga_caller_read(&caller);
	only_reads = ga_caller_only_reads(&caller);
	if (only_reads)
		ga_link_visit_find(token, GA_LINK_UNSUBSCRIBE, &visit);
	else
		ga_link_visit_unsubscribe(token, &visit);
	fill_page(&page, &caller, &visit, token);
	if (visit.state == GA_INVITATION_UNKNOWN)
	{
		page.state = GA_PAGE_UNSUBSCRIBE_UNKNOWN;
		return answer_page(&caller, 404, &page);
	}
	page.state = only_reads ? GA_PAGE_UNSUBSCRIBE : GA_PAGE_UNSUBSCRIBED;
	return answer_page(&caller, 200, &page);
}
