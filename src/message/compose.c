/*
 * compose.c
 *		The words of an invitation: a template, filled.
 *
 * Names and message are what a caller typed: names lose line ends and what
 * turns the direction of reading, all is escaped in HTML, a subject is one line
 * that fits a header.  Must never log what it composes, since the link opens
 * the invitation.
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/shared/sms_text.h"
#include "base/shared/utf8.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "message/compose.h"
#include "message/languages.h"
#include "message/message_fields.h"
#include "message/template.h"

/* An SMS names the group in at most so many characters. */
#define SMS_GROUP_CHARS 40
#define SMS_INVITER_CHARS 30
/* What the courier takes (courier/job.c), with room to spare. */
#define SUBJECT_MAX_BYTES 800

static const char *
clip(const char *text, int chars)
{
	int bytes = pg_mbcharcliplen(text, strlen(text), chars);

	return text[bytes] == '\0' ? text : psprintf("%.*s...", bytes, text);
}

/* One line (RFC 5322 2.2) that reads in its own direction: what ends it becomes a blank. */
static const char *
make_line(const char *text, bool keeps_direction)
{
	const char *end = text + strlen(text);
	StringInfoData out;

	initStringInfo(&out);
	while (text < end)
	{
		const char *start = text;
		int32_t character = ga_utf8_next(&text, end);

		if (ga_utf8_is_control(character))
			appendStringInfoChar(&out, ' ');
		else if (keeps_direction || !ga_utf8_is_bidi(character))
			appendBinaryStringInfo(&out, start, (int) (text - start));
	}
	return out.data;
}

static const char *
name_or_null(const char *name, bool is_sms, int sms_chars)
{
	if (name == NULL || name[0] == '\0')
		return NULL;
	name = make_line(name, false);
	return is_sms ? clip(name, sms_chars) : name;
}

/*
 * A name of another direction than the words around it, apart from them: else a
 * name in Hebrew changes places with the sign behind it (Unicode UAX 9, 2.5).  HTML
 * does it by <bdi>.
 */
static const char *
isolate(const char *name)
{
	const char *end = name == NULL ? NULL : name + strlen(name);

	for (const char *next = name; next < end;)
		if (ga_utf8_is_right_to_left(ga_utf8_next(&next, end)))
			return psprintf("\u2068%s\u2069", name);
	return name;
}

/* Whether a number begins as one of group_api.sms_stop_prefixes. */
static bool
is_told_to_stop(const char *contact)
{
	const char *prefix = ga_settings.sms_stop_prefixes;

	while (contact != NULL && *(prefix += strspn(prefix, ", ")) != '\0')
	{
		size_t length = strcspn(prefix, ", ");

		if (strncmp(contact, prefix, length) == 0)
			return true;
		prefix += length;
	}
	return false;
}

static void
take_values(const GaInvitationWords *words, const char *locale, const char **of)
{
	bool is_sms = words->channel == GA_CHANNEL_MOBILE;

	of[GA_FIELD_INVITER] =
		name_or_null(words->inviter, is_sms, SMS_INVITER_CHARS);
	of[GA_FIELD_GROUP] =
		name_or_null(words->group_name, is_sms, SMS_GROUP_CHARS);
	of[GA_FIELD_MEMBER] =
		name_or_null(words->member, is_sms, SMS_INVITER_CHARS);
	of[GA_FIELD_MESSAGE] = ga_template_value(words->message);
	of[GA_FIELD_DESCRIPTION] = ga_template_value(words->description);
	of[GA_FIELD_LINK] = words->link;
	/* The names of some months would turn an SMS into UCS-2. */
	of[GA_FIELD_EXPIRES] = words->expires_at == 0
							   ? NULL
							   : ga_language_moment_text(
									 words->expires_at, is_sms ? NULL : locale);
	of[GA_FIELD_IMAGE] = ga_template_value(words->image);
	of[GA_FIELD_REMINDER] = words->is_reminder ? "" : NULL;
	of[GA_FIELD_STOP] = is_sms && is_told_to_stop(words->contact) ? "" : NULL;
}

static const char *
render(const char *text, const char *const *values, GaRendering rendering)
{
	StringInfoData out;

	if (text == NULL)
		return NULL;
	initStringInfo(&out);
	ga_template_render(&out, &ga_message_fields, text, values, rendering);
	return out.data;
}

/* Names are lines already, and may be isolated; other texts are not. */
static const char *
render_subject(const char *text, const char **values)
{
	static const GaField texts[] = {GA_FIELD_MESSAGE, GA_FIELD_DESCRIPTION};
	const char *subject;
	int length;

	for (int i = 0; i < lengthof(texts); i++)
		if (values[texts[i]] != NULL)
			values[texts[i]] = make_line(values[texts[i]], false);
	subject = make_line(render(text, values, GA_RENDER_TEXT), true);
	length = (int) strlen(subject);
	if (length <= SUBJECT_MAX_BYTES)
		return subject;
	return psprintf("%.*s...", pg_mbcliplen(subject, length, SUBJECT_MAX_BYTES),
					subject);
}

/* The HTML isolates names by itself; then come the parts that are plain text. */
static void
compose_mail(const GaTemplate *template, const char **values,
			 GaMessage *message)
{
	static const GaField names[] = {GA_FIELD_INVITER, GA_FIELD_GROUP,
									GA_FIELD_MEMBER};

	message->html = render(template->html, values, GA_RENDER_HTML_LINES);
	for (int i = 0; i < lengthof(names); i++)
		values[names[i]] = isolate(values[names[i]]);
	message->text = render(template->body, values, GA_RENDER_TEXT);
	message->subject = render_subject(template->subject, values);
}

void
ga_message_compose(const GaInvitationWords *words, const GaTemplates *own,
				   GaMessage *message)
{
	const GaTemplate *template =
		ga_language_choose_template(own, words->channel, words->locale);
	const char *values[GA_FIELD_COUNT];
	GaSmsCount count = {0};

	memset(message, 0, sizeof(*message));
	take_values(words, template->locale, values);
	message->locale = template->locale;
	if (words->channel == GA_CHANNEL_EMAIL)
	{
		compose_mail(template, values, message);
		return;
	}
	message->text = render(template->body, values, GA_RENDER_TEXT);
	(void) ga_sms_count(message->text, strlen(message->text), &count);
	message->segments = (int) count.segments;
	message->is_ucs2 = count.encoding == GA_SMS_UCS2;
}

const char *
ga_message_url(const char *url, const char *token)
{
	const char *place = strstr(url, "{token}");

	if (place == NULL)
		return psprintf("%s%s", url, token);
	return psprintf("%.*s%s%s", (int) (place - url), url, token,
					place + strlen("{token}"));
}
