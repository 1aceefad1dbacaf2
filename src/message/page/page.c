/*
 * page.c
 *		The pages as HTML: self-contained, without script, for every screen.
 *
 * Everything a caller typed passes ga_html_escape() and stands in an element
 * that isolates its direction.  The token stands in the form's hidden field
 * and nowhere else.  The style is one constant text, allowed by its digest.
 */
#include "postgres.h"

#include "base/digest.h"
#include "common/base64.h"
#include "message/html.h"
#include "message/page/page.h"
#include "message/page/page_words.h"
#include "utils/timestamp.h"

/* What each state says. */
typedef struct StateWords
{
	const char *mark; /* the path of its sign, 24 by 24 */
	const char *tone; /* its class */
	GaPageWord title; /* of the window; also the headline, unless pending */
	GaPageWord text;
	GaPageWord note;
} StateWords;

#define MARK_LETTER "M3.5 6.5h17v11h-17zM4 7l8 6 8-6"
#define MARK_YES "M5 12.5l4.5 4.5L19 7.5"
#define MARK_NO "M7 7l10 10M17 7L7 17"
#define MARK_CLOCK "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.5l3 1.5"
#define MARK_LOCK "M6.5 11h11v8h-11zM9 11V8a3 3 0 0 1 6 0v3"
#define MARK_ASK "M9 9.5a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.1-1.5 2.1M12 17.5v.1"
#define MARK_BELL                                                              \
	"M6.5 16.5v-6a5.5 5.5 0 0 1 11 0v6zM4.5 16.5h15M10.5 19.5h3M4 4l16 16"

static const StateWords state_words[GA_PAGE_STATE_COUNT] = {
	[GA_PAGE_PENDING] = {MARK_LETTER, "open", GA_WORD_TITLE, GA_WORD_NONE,
						 GA_WORD_STRANGER},
	[GA_PAGE_ACCEPTED] = {MARK_YES, "yes", GA_WORD_ACCEPTED_TITLE,
						  GA_WORD_ACCEPTED, GA_WORD_CLOSE_PAGE},
	[GA_PAGE_DECLINED] = {MARK_NO, "no", GA_WORD_DECLINED_TITLE,
						  GA_WORD_DECLINED, GA_WORD_CHANGED_MIND},
	[GA_PAGE_REVOKED] = {MARK_NO, "over", GA_WORD_REVOKED_TITLE,
						 GA_WORD_REVOKED, GA_WORD_ASK_AGAIN},
	[GA_PAGE_ARCHIVED] = {MARK_LOCK, "over", GA_WORD_ARCHIVED_TITLE,
						  GA_WORD_ARCHIVED, GA_WORD_NONE},
	[GA_PAGE_EXPIRED] = {MARK_CLOCK, "over", GA_WORD_EXPIRED_TITLE,
						 GA_WORD_EXPIRED, GA_WORD_ASK_AGAIN},
	[GA_PAGE_UNKNOWN] = {MARK_ASK, "over", GA_WORD_UNKNOWN_TITLE,
						 GA_WORD_UNKNOWN, GA_WORD_ASK_AGAIN},
	[GA_PAGE_UNSUBSCRIBE] = {MARK_BELL, "open", GA_WORD_STOP_TITLE,
							 GA_WORD_STOP, GA_WORD_STOP_NOTHING_YET},
	[GA_PAGE_UNSUBSCRIBED] = {MARK_YES, "yes", GA_WORD_STOPPED_TITLE,
							  GA_WORD_STOPPED, GA_WORD_CLOSE_PAGE},
};

/* ---- the style ---------------------------------------------------------- */

/* clang-format off */
static const char style[] =
	":root{color-scheme:light dark;--paper:#f3efe8;--glow:#e6efe7;--card:#fff;"
	"--ink:#1d2320;--soft:#565e59;--line:#dcd8cf;--edge:#767d78;--tint:#f4f7f3;"
	"--deep:#175c45;--deeper:#0f4534;--on-deep:#fff;--leaf:#dcebe1;"
	"--warn:#7a3d00;--warn-tint:#fdf0dc;--shadow:#1d23201a}"
	"@media(prefers-color-scheme:dark){:root{--paper:#121614;--glow:#18241e;"
	"--card:#1b211e;--ink:#eef1ee;--soft:#aab4ae;--line:#333b37;--edge:#88938d;"
	"--tint:#222a26;--deep:#8fd6b4;--deeper:#a9e3c7;--on-deep:#0c2419;"
	"--leaf:#24392f;--warn:#f5c98a;--warn-tint:#3a2c17;--shadow:#0006}}"
	"*{box-sizing:border-box}"
	"html{-webkit-text-size-adjust:100%;text-size-adjust:100%}"
	"body{margin:0;min-height:100vh;min-height:100dvh;display:grid;"
	"place-items:center;padding:clamp(0rem,4vw,3rem) clamp(0rem,4vw,2rem);"
	"background:radial-gradient(60rem 40rem at 50% -10rem,var(--glow),"
	"transparent) var(--paper);color:var(--ink);"
	"font:1.0625rem/1.55 system-ui,-apple-system,'Segoe UI',Roboto,"
	"'Helvetica Neue','Noto Sans','Liberation Sans',Arial,sans-serif;"
	"overflow-wrap:anywhere}"
	"main{width:100%;max-width:34rem;background:var(--card);overflow:clip}"
	"p,h1,blockquote{margin:0;text-wrap:pretty}"
	".top{position:relative;height:6.5rem;"
	"background:linear-gradient(120deg,var(--leaf),var(--glow) 60%,"
	"var(--warn-tint))}"
	".top.has-picture{height:auto;aspect-ratio:9/4;max-height:13.5rem;width:100%}"
	".top img{display:block;width:100%;height:100%;object-fit:cover;"
	"color:transparent}"
	".mark{position:absolute;inset-inline-start:1.25rem;bottom:-1.75rem;"
	"width:3.75rem;height:3.75rem;padding:.75rem;border-radius:50%;"
	"border:.25rem solid var(--card);background:var(--deep);"
	"color:var(--on-deep)}"
	".no .mark,.over .mark{background:var(--soft);color:var(--card)}"
	".mark svg{display:block;width:100%;height:100%;fill:none;"
	"stroke:currentColor;stroke-width:2.25;stroke-linecap:round;"
	"stroke-linejoin:round}"
	".text{padding:2.75rem 1.25rem 1.5rem}"
	".text>*+*,form>*+*{margin-top:1.125rem}"
	"form{display:contents}"
	".for{color:var(--deep);font-size:.9375rem;font-weight:600}"
	"hgroup>*+*{margin-top:.375rem}"
	"h1{font-size:clamp(1.625rem,1.2rem + 2.4vw,2.25rem);line-height:1.15;"
	"letter-spacing:-.018em;font-weight:700;text-wrap:balance}"
	".lead{font-size:1.125rem}"
	".note,.fine{color:var(--soft);font-size:.9375rem;line-height:1.5}"
	".about{white-space:pre-line}"
	"blockquote{padding:1rem 1.125rem;background:var(--tint);"
	"border-inline-start:.25rem solid var(--deep);"
	"border-radius:.25rem;border-start-end-radius:1rem;"
	"border-end-end-radius:1rem;white-space:pre-line}"
	".alert{padding:.875rem 1.125rem;border-radius:.75rem;"
	"background:var(--warn-tint);color:var(--warn);font-weight:600}"
	"form>.note+.note{margin-top:.375rem}"
	".choice{display:flex;flex-wrap:wrap;gap:.75rem;padding:.25rem 0}"
	"button{flex:1 1 7rem;min-height:3.25rem;padding:.75rem;"
	"border:2px solid var(--deep);border-radius:1rem;font:inherit;"
	"font-weight:650;overflow-wrap:break-word;cursor:pointer;"
	"background:var(--deep);color:var(--on-deep)}"
	"button:hover{background:var(--deeper);border-color:var(--deeper)}"
	"button.other{background:var(--card);color:var(--ink);"
	"border-color:var(--edge)}"
	"button.other:hover{background:var(--tint);border-color:var(--ink)}"
	":focus-visible{outline:3px solid var(--ink);outline-offset:3px}"
	"@media(min-width:36rem){"
	"main{border-radius:1.75rem;border:1px solid var(--line);"
	"box-shadow:0 1.5rem 4rem -1rem var(--shadow),0 .25rem 1rem var(--shadow)}"
	".text{padding:2.75rem 2.5rem 2.25rem}"
	".mark{inset-inline-start:2.5rem}}"
	"@media(max-width:35.99rem){body{padding:0;align-items:start;"
	"background:var(--card)}main{overflow:visible}}"
	/* On a telephone the buttons stay in reach below a long text. */
	"@media(max-width:35.99rem)and (min-height:30rem){.stay{position:sticky;"
	"bottom:0;margin-inline:-1.25rem;padding:.75rem 1.25rem;"
	"background:var(--card);box-shadow:0 -.75rem .75rem -.25rem var(--card)}}";
/* clang-format on */

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
	ga_digest_sha256((GaBytes){style, sizeof(style) - 1}, digest);
	/* By way of void: the parameter's type differs between versions. */
	length = pg_b64_encode((const void *) digest, sizeof(digest), text,
						   STYLE_DIGEST_SIZE);
	text[Max(length, 0)] = '\0';
	return text;
}

/* ---- the picture -------------------------------------------------------- */

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
	const char *image = shows_picture(page->state) ? page->image : NULL;
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

/* ---- sentences ---------------------------------------------------------- */

/* When what the page tells was or ends; 0: no such moment. */
static TimestampTz
moment_of(const GaPage *page)
{
	bool is_past =
		page->state == GA_PAGE_ACCEPTED || page->state == GA_PAGE_DECLINED;
	TimestampTz moment = is_past ? page->responded_at : page->expires_at;

	return TIMESTAMP_NOT_FINITE(moment) ? 0 : moment;
}

static void
put_date(StringInfo out, const GaPage *page, bool is_html)
{
	TimestampTz moment = moment_of(page);
	struct pg_tm tm;
	fsec_t fraction;

	if (is_html && timestamp2tm(moment, NULL, &tm, &fraction, NULL, NULL) == 0)
		appendStringInfo(out,
						 "<time datetime=\"%04d-%02d-%02dT%02d:%02d:%02dZ\">",
						 tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour,
						 tm.tm_min, tm.tm_sec);
	ga_page_put_moment(out, page->language, moment);
	if (is_html)
		appendStringInfoString(out, "</time>");
}

/* A name cannot turn the text around it: isolated by tag or by U+2068. */
static void
put_name(StringInfo out, const char *name, bool is_html)
{
	appendStringInfoString(out, is_html ? "<bdi>" : "\u2068");
	ga_html_escape(out, name != NULL ? name : "");
	appendStringInfoString(out, is_html ? "</bdi>" : "\u2069");
}

/* A sentence with its places filled in; `is_html` is false in the title. */
static void
put_sentence(StringInfo out, const GaPage *page, GaPageWord word, bool is_html)
{
	const char *text = ga_page_word(page->language, word);

	while (*text)
	{
		size_t plain = strcspn(text, "{");

		appendBinaryStringInfo(out, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		if (strncmp(text, "{group}", 7) == 0)
			put_name(out, page->group_name, is_html);
		else if (strncmp(text, "{inviter}", 9) == 0)
			put_name(out, page->inviter, is_html);
		else if (strncmp(text, "{member}", 8) == 0)
			put_name(out, page->member, is_html);
		else
			put_date(out, page, is_html);
		text += strcspn(text, "}") + 1;
	}
}

static void
put_paragraph(StringInfo out, const GaPage *page, const char *css,
			  GaPageWord word)
{
	/* Without its moment a sentence would end in the air. */
	if (word == GA_WORD_NONE ||
		(moment_of(page) == 0 &&
		 strstr(ga_page_word(page->language, word), "{date}") != NULL))
		return;
	appendStringInfo(out, "<p class=\"%s\">", css);
	put_sentence(out, page, word, true);
	appendStringInfoString(out, "</p>\n");
}

/* What a person wrote: in its own direction, its lines kept. */
static void
put_prose(StringInfo out, const char *tag, const char *css, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	appendStringInfo(out, "<%s class=\"%s\" dir=\"auto\">", tag, css);
	ga_html_escape(out, text);
	appendStringInfo(out, "</%s>\n", tag);
}

/* ---- parts -------------------------------------------------------------- */

static void
put_head(StringInfo out, const GaPage *page)
{
	const StateWords *words = &state_words[page->state];

	appendStringInfo(
		out,
		"<!DOCTYPE html>\n<html lang=\"%s\" dir=\"%s\">\n<head>\n"
		"<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<meta name=\"robots\" content=\"noindex\">\n"
		"<meta name=\"referrer\" content=\"no-referrer\">\n<title>",
		ga_message_language_tag(page->language),
		ga_message_language_direction(page->language));
	put_sentence(out, page, words->title, false);
	appendStringInfo(out, "</title>\n<style>%s</style>\n</head>\n<body>\n",
					 style);
}

static void
put_top(StringInfo out, const GaPage *page)
{
	bool has_picture = picture_origin(page) != NULL;

	appendStringInfo(out, "<div class=\"top%s\">",
					 has_picture ? " has-picture" : "");
	if (has_picture)
	{
		appendStringInfoString(out, "<img alt=\"\" src=\"");
		ga_html_escape(out, page->image);
		appendStringInfoString(out, "\">");
	}
	appendStringInfo(out,
					 "<div class=\"mark\"><svg viewBox=\"0 0 24 24\" "
					 "aria-hidden=\"true\"><path d=\"%s\"/></svg></div>"
					 "</div>\n",
					 state_words[page->state].mark);
}

static void
put_headline(StringInfo out, const GaPage *page)
{
	bool is_pending = page->state == GA_PAGE_PENDING;

	appendStringInfoString(out, "<hgroup>\n");
	if (is_pending)
		put_paragraph(out, page, "for", GA_WORD_FOR_MEMBER);
	appendStringInfoString(out, "<h1>");
	if (is_pending)
		put_name(out, page->group_name, true);
	else
		put_sentence(out, page, state_words[page->state].title, true);
	appendStringInfoString(out, "</h1>\n</hgroup>\n");
}

static void
put_notice(StringInfo out, const GaPage *page)
{
	GaPageWord word = GA_WORD_CHOOSE;

	if (page->notice == GA_PAGE_NO_NOTICE)
		return;
	if (page->notice == GA_PAGE_STANDS)
		word = page->state == GA_PAGE_ACCEPTED ? GA_WORD_ACCEPTED_STANDS
											   : GA_WORD_DECLINED_STANDS;
	appendStringInfoString(out, "<p class=\"alert\" role=\"alert\">");
	put_sentence(out, page, word, true);
	appendStringInfoString(out, "</p>\n");
}

static void
put_button(StringInfo out, const GaPage *page, const char *attributes,
		   GaPageWord word)
{
	appendStringInfo(out, "<button type=\"submit\"%s>", attributes);
	put_sentence(out, page, word, true);
	appendStringInfoString(out, "</button>\n");
}

/* "?" is the page's own address without its query, whatever that address is. */
static void
put_form(StringInfo out, const GaPage *page)
{
	appendStringInfoString(out, "<form method=\"post\" action=\"?\">\n"
								"<input type=\"hidden\" name=\"token\" "
								"value=\"");
	ga_html_escape(out, page->token);
	appendStringInfoString(out, "\">\n");
	if (page->state == GA_PAGE_PENDING)
	{
		put_paragraph(out, page, "note", GA_WORD_IF_ACCEPTED);
		put_paragraph(out, page, "note", GA_WORD_UNTIL);
	}
	appendStringInfo(out, "<div class=\"choice%s\">\n",
					 page->state == GA_PAGE_PENDING ? " stay" : "");
	if (page->state == GA_PAGE_PENDING)
	{
		put_button(out, page, " name=\"answer\" value=\"accept\"",
				   GA_WORD_ACCEPT);
		put_button(out, page,
				   " class=\"other\" name=\"answer\" value=\"decline\"",
				   GA_WORD_DECLINE);
	}
	else
		put_button(out, page, "", GA_WORD_STOP_BUTTON);
	appendStringInfoString(out, "</div>\n</form>\n");
}

static void
put_body(StringInfo out, const GaPage *page)
{
	const StateWords *words = &state_words[page->state];

	put_headline(out, page);
	put_notice(out, page);
	if (page->state == GA_PAGE_PENDING)
	{
		put_paragraph(out, page, "lead",
					  page->inviter ? GA_WORD_INVITES : GA_WORD_INVITED);
		put_prose(out, "blockquote", "message", page->message);
		put_prose(out, "p", "about", page->description);
	}
	put_paragraph(out, page, "lead", words->text);
	if (page->state == GA_PAGE_PENDING || page->state == GA_PAGE_UNSUBSCRIBE)
		put_form(out, page);
	put_paragraph(out, page, "fine", words->note);
}

void
ga_page_compose(StringInfo out, const GaPage *page)
{
	put_head(out, page);
	appendStringInfo(out, "<main class=\"%s\">\n",
					 state_words[page->state].tone);
	put_top(out, page);
	appendStringInfoString(out, "<div class=\"text\">\n");
	put_body(out, page);
	appendStringInfoString(out, "</div>\n</main>\n</body>\n</html>\n");
}
