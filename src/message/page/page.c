/*
 * page.c
 *		Fills the page of a link: invitation.html, in the words of page_words.c.
 *
 * The template is a constant of the library, so there is no file to read or to
 * miss.  Values are escaped by the engine (message/template); parts, which are
 * not, are constants of this file and of page_words.c only.  Everything a caller
 * typed stands in an element that isolates its direction.  The token stands in
 * the form's hidden field and nowhere else.
 */
#include "postgres.h"

#include "base/digest.h"
#include "common/base64.h"
#include "message/page/page.h"
#include "message/page/page_words.h"
#include "message/template.h"
#include "utils/timestamp.h"

/* Made of invitation.html by the Makefile. */
static const char page_html[] =
#include "message/page/invitation.html.inc"
	;

/* What invitation.html and the words can speak of. */
typedef enum Field
{
	FIELD_LANGUAGE,
	FIELD_DIRECTION,
	FIELD_TITLE,
	FIELD_TONE,
	FIELD_IMAGE,
	FIELD_TOKEN,
	FIELD_MESSAGE,
	FIELD_DESCRIPTION,
	/* its sign */
	FIELD_LETTER,
	FIELD_CHECK,
	FIELD_CROSS,
	FIELD_CLOCK,
	FIELD_LOCK,
	FIELD_QUESTION,
	FIELD_BELL,
	/* its kind */
	FIELD_IS_OPEN,
	FIELD_ASKS,
	/* sentences */
	FIELD_FOR_MEMBER,
	FIELD_HEADLINE,
	FIELD_NOTICE,
	FIELD_INVITED,
	FIELD_TEXT,
	FIELD_IF_ACCEPTED,
	FIELD_UNTIL,
	FIELD_ACCEPT,
	FIELD_DECLINE,
	FIELD_STOP,
	FIELD_NOTE,
	FIELD_ONWARD,
	FIELD_CONTINUE,
	/* what is in sentences */
	FIELD_GROUP,
	FIELD_INVITER,
	FIELD_MEMBER,
	FIELD_DATE,
	/* what is in those */
	FIELD_GROUP_NAME,
	FIELD_INVITER_NAME,
	FIELD_MEMBER_NAME,
	FIELD_MOMENT,
	FIELD_DATETIME,
	FIELD_COUNT
} Field;

#define VALUE GA_FIELD_AS_VALUE
#define CONDITION GA_FIELD_AS_CONDITION
#define PART (GA_FIELD_AS_VALUE | GA_FIELD_IS_PART)

static const GaFieldInfo fields[FIELD_COUNT] = {
	[FIELD_LANGUAGE] = {"language", VALUE},
	[FIELD_DIRECTION] = {"direction", VALUE},
	[FIELD_TITLE] = {"title", VALUE},
	[FIELD_TONE] = {"tone", VALUE},
	[FIELD_IMAGE] = {"image", VALUE | CONDITION},
	[FIELD_TOKEN] = {"token", VALUE},
	[FIELD_MESSAGE] = {"message", VALUE | CONDITION},
	[FIELD_DESCRIPTION] = {"description", VALUE | CONDITION},
	[FIELD_LETTER] = {"letter", CONDITION},
	[FIELD_CHECK] = {"check", CONDITION},
	[FIELD_CROSS] = {"cross", CONDITION},
	[FIELD_CLOCK] = {"clock", CONDITION},
	[FIELD_LOCK] = {"lock", CONDITION},
	[FIELD_QUESTION] = {"question", CONDITION},
	[FIELD_BELL] = {"bell", CONDITION},
	[FIELD_IS_OPEN] = {"is_open", CONDITION},
	[FIELD_ASKS] = {"asks", CONDITION},
	[FIELD_FOR_MEMBER] = {"for_member", PART},
	[FIELD_HEADLINE] = {"headline", PART},
	[FIELD_NOTICE] = {"notice", PART | CONDITION},
	[FIELD_INVITED] = {"invited", PART},
	[FIELD_TEXT] = {"text", PART | CONDITION},
	[FIELD_IF_ACCEPTED] = {"if_accepted", PART},
	[FIELD_UNTIL] = {"until", PART | CONDITION},
	[FIELD_ACCEPT] = {"accept", PART},
	[FIELD_DECLINE] = {"decline", PART},
	[FIELD_STOP] = {"stop", PART},
	[FIELD_NOTE] = {"note", PART | CONDITION},
	[FIELD_ONWARD] = {"onward", VALUE | CONDITION},
	[FIELD_CONTINUE] = {"continue", PART},
	[FIELD_GROUP] = {"group", PART},
	[FIELD_INVITER] = {"inviter", PART},
	[FIELD_MEMBER] = {"member", PART},
	[FIELD_DATE] = {"date", PART},
	[FIELD_GROUP_NAME] = {"group_name", VALUE},
	[FIELD_INVITER_NAME] = {"inviter_name", VALUE},
	[FIELD_MEMBER_NAME] = {"member_name", VALUE},
	[FIELD_MOMENT] = {"moment", VALUE},
	[FIELD_DATETIME] = {"datetime", VALUE},
};

static const GaFieldSet page_fields = {fields, FIELD_COUNT};

/* What is there, and of which a template asks no more. */
#define HOLDS ""

/* What each state says. */
typedef struct StateWords
{
	Field sign;
	const char *tone; /* its class */
	GaPageWord title; /* of the window; also the headline, unless pending */
	GaPageWord text;
	GaPageWord note;
} StateWords;

static const StateWords state_words[GA_PAGE_STATE_COUNT] = {
	[GA_PAGE_PENDING] = {FIELD_LETTER, "open", GA_WORD_TITLE, GA_WORD_NONE,
						 GA_WORD_STRANGER},
	[GA_PAGE_ACCEPTED] = {FIELD_CHECK, "yes", GA_WORD_ACCEPTED_TITLE,
						  GA_WORD_ACCEPTED, GA_WORD_CLOSE_PAGE},
	[GA_PAGE_DECLINED] = {FIELD_CROSS, "no", GA_WORD_DECLINED_TITLE,
						  GA_WORD_DECLINED, GA_WORD_CHANGED_MIND},
	[GA_PAGE_REVOKED] = {FIELD_CROSS, "over", GA_WORD_REVOKED_TITLE,
						 GA_WORD_REVOKED, GA_WORD_ASK_AGAIN},
	[GA_PAGE_ARCHIVED] = {FIELD_LOCK, "over", GA_WORD_ARCHIVED_TITLE,
						  GA_WORD_ARCHIVED, GA_WORD_NONE},
	[GA_PAGE_EXPIRED] = {FIELD_CLOCK, "over", GA_WORD_EXPIRED_TITLE,
						 GA_WORD_EXPIRED, GA_WORD_ASK_AGAIN},
	[GA_PAGE_UNKNOWN] = {FIELD_QUESTION, "over", GA_WORD_UNKNOWN_TITLE,
						 GA_WORD_UNKNOWN, GA_WORD_ASK_AGAIN},
	[GA_PAGE_UNSUBSCRIBE] = {FIELD_BELL, "open", GA_WORD_STOP_TITLE,
							 GA_WORD_STOP, GA_WORD_STOP_NOTHING_YET},
	[GA_PAGE_UNSUBSCRIBE_UNKNOWN] = {FIELD_QUESTION, "over",
									 GA_WORD_UNKNOWN_TITLE, GA_WORD_UNKNOWN,
									 GA_WORD_NONE},
	[GA_PAGE_UNSUBSCRIBED] = {FIELD_CHECK, "yes", GA_WORD_STOPPED_TITLE,
							  GA_WORD_STOPPED, GA_WORD_CLOSE_PAGE},
};

/* ---- the policy --------------------------------------------------------- */

/* What stands between the tags of the page's one style, to the byte. */
static GaBytes
style_of_page(void)
{
	static const char opens[] = "<style>";
	const char *start = strstr(page_html, opens) + strlen(opens);

	return (GaBytes){start, strstr(start, "</style>") - start};
}

#define STYLE_DIGEST_SIZE (((PG_SHA256_DIGEST_LENGTH + 2) / 3) * 4)

/* base64 of the style's SHA-256, as a policy names it. */
static const char *
style_digest(void)
{
	static char text[STYLE_DIGEST_SIZE + 1];
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	int length;

	if (text[0] != '\0')
		return text;
	ga_digest_sha256(style_of_page(), digest);
	/* By way of void: the parameter's type differs between versions. */
	length = pg_b64_encode((const void *) digest, sizeof(digest), text,
						   STYLE_DIGEST_SIZE);
	text[Max(length, 0)] = '\0';
	return text;
}

static bool
shows_picture(GaPageState state)
{
	return state == GA_PAGE_PENDING || state == GA_PAGE_ACCEPTED;
}

/*
 * "https://example.com:8443" of the picture's address; NULL when the page shows
 * none, or one whose host a policy cannot name: letters, digits, "-" and "."
 * are what its grammar has (Content Security Policy Level 3, 2.3.1).
 */
static const char *
picture_origin(const GaPage *page)
{
	const char *image = shows_picture(page->state) ? page->text.image : NULL;
	const char *at;
	size_t host;

	if (image == NULL)
		return NULL;
	if (pg_strncasecmp(image, "https://", 8) == 0)
		at = image + 8;
	else if (pg_strncasecmp(image, "http://", 7) == 0)
		at = image + 7;
	else
		return NULL;
	host = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789-.");
	if (host == 0)
		return NULL;
	at += host;
	if (*at == ':')
		at += 1 + strspn(at + 1, "0123456789");
	if (*at != '\0' && strchr("/?#", *at) == NULL)
		return NULL;
	return pnstrdup(image, at - image);
}

const char *
ga_page_policy(const GaPage *page)
{
	const char *origin = picture_origin(page);

	return psprintf("default-src 'none'; style-src 'sha256-%s'; img-src %s; "
					"form-action 'self'; base-uri 'none'; "
					"frame-ancestors 'none'",
					style_digest(), origin != NULL ? origin : "'none'");
}

/* ---- values ------------------------------------------------------------- */

static bool
is_answered(const GaPage *page)
{
	return page->state == GA_PAGE_ACCEPTED || page->state == GA_PAGE_DECLINED;
}

/* When what the page tells was or ends; 0: no such moment. */
static TimestampTz
moment_of(const GaPage *page)
{
	TimestampTz moment =
		is_answered(page) ? page->text.responded_at : page->text.expires_at;

	return TIMESTAMP_NOT_FINITE(moment) ? 0 : moment;
}

static const char *
name_or_empty(const char *name)
{
	return name == NULL ? "" : name;
}

/* What of a page is neither a sentence nor in one. */
static void
take_values(const GaPage *page, const char **of)
{
	of[FIELD_LANGUAGE] = ga_message_language_tag(page->language);
	of[FIELD_DIRECTION] = ga_message_language_direction(page->language);
	of[FIELD_TONE] = state_words[page->state].tone;
	of[FIELD_IMAGE] = picture_origin(page) == NULL ? NULL : page->text.image;
	of[FIELD_TOKEN] = page->token;
	of[FIELD_MESSAGE] = ga_template_value(page->text.message);
	of[FIELD_DESCRIPTION] = ga_template_value(page->text.description);
	of[state_words[page->state].sign] = HOLDS;
	if (is_answered(page))
		of[FIELD_ONWARD] = page->onward;
	if (page->state == GA_PAGE_PENDING)
		of[FIELD_IS_OPEN] = HOLDS;
	if (page->state == GA_PAGE_PENDING || page->state == GA_PAGE_UNSUBSCRIBE)
		of[FIELD_ASKS] = HOLDS;
}

/* What sentences speak of. */
static void
take_names(const GaPage *page, const char **of)
{
	TimestampTz moment = moment_of(page);
	struct pg_tm tm;
	fsec_t fraction;
	StringInfoData text;

	of[FIELD_GROUP_NAME] = name_or_empty(page->text.group_name);
	of[FIELD_INVITER_NAME] = name_or_empty(page->text.inviter);
	of[FIELD_MEMBER_NAME] = name_or_empty(page->text.member);
	if (moment == 0 ||
		timestamp2tm(moment, NULL, &tm, &fraction, NULL, NULL) != 0)
		return;
	of[FIELD_DATETIME] =
		psprintf("%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year, tm.tm_mon,
				 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	initStringInfo(&text);
	ga_page_put_moment(&text, page->language, moment);
	of[FIELD_MOMENT] = text.data;
}

/* A name cannot turn the text around it: isolated by a tag ... */
static void
mark_names_by_tags(const char **of)
{
	of[FIELD_GROUP] = "<bdi>{group_name}</bdi>";
	of[FIELD_INVITER] = "<bdi>{inviter_name}</bdi>";
	of[FIELD_MEMBER] = "<bdi>{member_name}</bdi>";
	of[FIELD_DATE] = "<time datetime=\"{datetime}\">{moment}</time>";
}

/* ... or, where there can be no tag, by U+2068 and U+2069. */
static void
mark_names_by_characters(const char **of)
{
	of[FIELD_GROUP] = "\u2068{group_name}\u2069";
	of[FIELD_INVITER] = "\u2068{inviter_name}\u2069";
	of[FIELD_MEMBER] = "\u2068{member_name}\u2069";
	of[FIELD_DATE] = "{moment}";
}

/* ---- sentences ---------------------------------------------------------- */

/* Of the window, which shows text alone: escaped where the page is filled. */
static const char *
compose_title(const GaPage *page, const char **of)
{
	StringInfoData title;

	initStringInfo(&title);
	mark_names_by_characters(of);
	ga_template_render(
		&title, &page_fields,
		ga_page_word(page->language, state_words[page->state].title), of,
		GA_RENDER_TEXT);
	return title.data;
}

/* NULL where there is none; without its moment one would end in the air. */
static const char *
sentence(const GaPage *page, GaPageWord word, const char *const *of)
{
	const char *text =
		word == GA_WORD_NONE ? NULL : ga_page_word(page->language, word);

	if (text != NULL && of[FIELD_MOMENT] == NULL &&
		ga_template_has(&page_fields, text, FIELD_DATE))
		return NULL;
	return text;
}

static GaPageWord
notice_word(const GaPage *page)
{
	if (page->notice == GA_PAGE_NO_NOTICE)
		return GA_WORD_NONE;
	if (page->notice == GA_PAGE_CHOOSE)
		return GA_WORD_CHOOSE;
	return page->state == GA_PAGE_ACCEPTED ? GA_WORD_ACCEPTED_STANDS
										   : GA_WORD_DECLINED_STANDS;
}

static void
take_sentences(const GaPage *page, const char **of)
{
	const StateWords *words = &state_words[page->state];
	const struct
	{
		Field field;
		GaPageWord word;
	} sentences[] = {
		{FIELD_FOR_MEMBER, GA_WORD_FOR_MEMBER},
		{FIELD_HEADLINE, words->title},
		{FIELD_NOTICE, notice_word(page)},
		{FIELD_INVITED, page->text.inviter ? GA_WORD_INVITES : GA_WORD_INVITED},
		{FIELD_TEXT, words->text},
		{FIELD_IF_ACCEPTED, GA_WORD_IF_ACCEPTED},
		{FIELD_UNTIL, GA_WORD_UNTIL},
		{FIELD_ACCEPT, GA_WORD_ACCEPT},
		{FIELD_DECLINE, GA_WORD_DECLINE},
		{FIELD_STOP, GA_WORD_STOP_BUTTON},
		{FIELD_NOTE, words->note},
		{FIELD_CONTINUE, GA_WORD_CONTINUE},
	};

	for (int i = 0; i < lengthof(sentences); i++)
		of[sentences[i].field] = sentence(page, sentences[i].word, of);
	/* The app may need something else. */
	if (page->state == GA_PAGE_ACCEPTED && page->onward != NULL)
		of[FIELD_NOTE] = NULL;
	/* What matters most of an invitation is whose it is. */
	if (page->state == GA_PAGE_PENDING)
		of[FIELD_HEADLINE] = "{group}";
}

void
ga_page_compose(StringInfo out, const GaPage *page)
{
	const char *of[FIELD_COUNT] = {NULL};

	take_values(page, of);
	take_names(page, of);
	of[FIELD_TITLE] = compose_title(page, of);
	mark_names_by_tags(of);
	take_sentences(page, of);
	ga_template_render(out, &page_fields, page_html, of, GA_RENDER_HTML);
}
