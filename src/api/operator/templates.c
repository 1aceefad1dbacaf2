/*
 * templates.c
 *		put_template(), remove_template() and what the view group_api.templates
 *		reads.
 *
 * EXECUTE is the right to call them.  What is wrong with a template is told
 * when it is put, never when a message is composed.
 */
#include "postgres.h"

#include "api/arguments.h"
#include "base/compat.h"
#include "base/locale_tag.h"
#include "dispatch/wake.h"
#include "funcapi.h"
#include "message/languages.h"
#include "message/message_fields.h"
#include "message/template.h"
#include "request/text.h"
#include "store/plan_cache.h"
#include "store/template_store.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

/* With names, a message and a link they must fit what the courier takes. */
#define SUBJECT_MAX_BYTES 400
#define SMS_MAX_BYTES 1600
#define BODY_MAX_BYTES 8000
#define HTML_MAX_BYTES 16000

pg_noreturn static void refuse(const char *what, const char *fault,
							   const char *hint);

static void
refuse(const char *what, const char *fault, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("the template's %s cannot be used", what),
					errdetail("%s", fault), errhint("%s", hint)));
}

static const char placeholders[] =
	"Placeholders are {inviter}, {group}, {member}, {message}, {description}, "
	"{link}, {expires} and {image}; conditions are {?name}...{/} and "
	"{!name}...{/} of inviter, message, description, expires, image and "
	"reminder.";

/* Line ends become LF; other controls are refused. */
static const char *
tidy(const char *what, const char *text, GaTextPolicy policy, size_t max_bytes)
{
	size_t length = strlen(text);
	GaTextScan scan;
	char *out;

	ga_text_scan(text, length, policy, &scan);
	if (scan.refused != 0)
		refuse(what,
			   psprintf("It has the character U+%04X, which is not allowed "
						"here.",
						scan.refused),
			   "Remove the control character.");
	if (!scan.is_visible)
		refuse(what, "It is empty.", placeholders);
	if (length > max_bytes)
		refuse(what, psprintf("It has %zu bytes.", length),
			   psprintf("At most %zu bytes are allowed.", max_bytes));
	/* A body keeps the lines it begins and ends with. */
	if (policy == GA_TEXT_MULTI_LINE)
	{
		scan.start = 0;
		scan.end = length;
		scan.has_cr = true;
	}
	out = palloc(length + 1);
	ga_text_tidy(text, &scan, out);
	return out;
}

static void
check_words(const char *what, const char *text)
{
	const char *fault = ga_template_fault(&ga_message_fields, text);

	if (fault != NULL)
		refuse(what, psprintf("It is not well-formed: %s.", fault),
			   placeholders);
}

static void
check_link(const char *what, const char *text)
{
	if (!ga_template_has(&ga_message_fields, text, GA_FIELD_LINK))
		refuse(what, "It has no {link}, so nobody could answer.", placeholders);
	if (!ga_template_always_has(&ga_message_fields, text, GA_FIELD_LINK))
		refuse(what, "Some messages would have no {link}.",
			   "Write {link} outside of the conditions, or in each case.");
}

static const char *
read_locale(FunctionCallInfo fcinfo, int at)
{
	const char *text = ga_argument_text(fcinfo, at);
	char tag[GA_LOCALE_MAX];

	if (text == NULL || !ga_locale_read(text, tag))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						text == NULL ? errmsg("the locale must not be null")
									 : errmsg("\"%s\" names no language", text),
						errhint("Name it as in BCP 47: en, pt-BR.")));
	return pstrdup(tag);
}

static GaChannel
read_channel(FunctionCallInfo fcinfo, int at)
{
	GaChannel channel = ga_argument_channel(fcinfo, at);

	if (channel == GA_CHANNEL_NONE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the channel must not be null"),
						errhint("Channels are MOBILE and EMAIL.")));
	return channel;
}

static void
read_body(FunctionCallInfo fcinfo, int at, GaTemplate *template)
{
	const char *body = ga_argument_text(fcinfo, at);

	if (body == NULL)
		refuse("body", "It is null.", placeholders);
	template->body =
		tidy("body", body, GA_TEXT_MULTI_LINE,
			 template->channel == GA_CHANNEL_MOBILE ? SMS_MAX_BYTES
													: BODY_MAX_BYTES);
	check_words("body", template->body);
	check_link("body", template->body);
}

static void
read_subject(FunctionCallInfo fcinfo, int at, GaTemplate *template)
{
	const char *subject = ga_argument_text(fcinfo, at);
	bool is_sms = template->channel == GA_CHANNEL_MOBILE;

	if (is_sms && subject != NULL)
		refuse("subject", "An SMS has none.", "Leave it null.");
	if (is_sms)
		return;
	if (subject == NULL)
		refuse("subject", "It is null, and a mail needs one.", placeholders);
	template->subject =
		tidy("subject", subject, GA_TEXT_SINGLE_LINE, SUBJECT_MAX_BYTES);
	check_words("subject", template->subject);
	if (ga_template_has(&ga_message_fields, template->subject, GA_FIELD_LINK))
		refuse("subject", "It has a {link}.",
			   "Subjects are shown where others can read them: write the link "
			   "in the body.");
}

static void
read_html(FunctionCallInfo fcinfo, int at, GaTemplate *template)
{
	const char *html = ga_argument_text(fcinfo, at);

	if (html == NULL)
		return;
	if (template->channel == GA_CHANNEL_MOBILE)
		refuse("html", "An SMS has none.", "Leave it null.");
	template->html = tidy("html", html, GA_TEXT_MULTI_LINE, HTML_MAX_BYTES);
	check_words("html", template->html);
	check_link("html", template->html);
}

PG_FUNCTION_INFO_V1(group_api_put_template);

Datum
group_api_put_template(PG_FUNCTION_ARGS)
{
	GaTemplate template = {0};
	GaOwnerScope scope;

	template.channel = read_channel(fcinfo, 0);
	template.locale = read_locale(fcinfo, 1);
	read_body(fcinfo, 2, &template);
	read_subject(fcinfo, 3, &template);
	read_html(fcinfo, 4, &template);
	ga_owner_enter(&scope);
	ga_template_put(&template);
	ga_owner_leave(&scope);
	ga_wake_reload_at_commit();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(group_api_remove_template);

Datum
group_api_remove_template(PG_FUNCTION_ARGS)
{
	GaChannel channel = read_channel(fcinfo, 0);
	const char *locale = read_locale(fcinfo, 1);
	GaOwnerScope scope;
	bool removed;

	ga_owner_enter(&scope);
	removed = ga_template_remove(channel, locale);
	ga_owner_leave(&scope);
	if (removed)
		ga_wake_reload_at_commit();
	PG_RETURN_BOOL(removed);
}

PG_FUNCTION_INFO_V1(group_api_builtin_templates);

Datum
group_api_builtin_templates(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const GaTemplate *list;
	int count;

	InitMaterializedSRF(fcinfo, 0);
	list = ga_language_builtin_templates(&count);
	for (int i = 0; i < count; i++)
	{
		bool is_sms = list[i].channel == GA_CHANNEL_MOBILE;
		const char *texts[5] = {is_sms ? "MOBILE" : "EMAIL", list[i].locale,
								list[i].subject, list[i].body, list[i].html};
		Datum values[5] = {0};
		bool nulls[5];

		for (int j = 0; j < lengthof(texts); j++)
		{
			nulls[j] = texts[j] == NULL;
			if (!nulls[j])
				values[j] = CStringGetTextDatum(texts[j]);
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * For health(): the language that a message is in which goes to somebody whose own
 * is not known.
 */
PG_FUNCTION_INFO_V1(group_api_default_words);

Datum
group_api_default_words(PG_FUNCTION_ARGS)
{
	GaChannel channel = read_channel(fcinfo, 0);
	GaOwnerScope scope;
	GaTemplates own = {0};
	const GaTemplate *chosen;

	ga_owner_enter(&scope);
	ga_templates_read(&scope, &own);
	ga_owner_leave(&scope);
	chosen = ga_language_choose_template(&own, channel, NULL);
	PG_RETURN_TEXT_P(cstring_to_text(chosen->locale));
}
