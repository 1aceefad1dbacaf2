/*
 * user_fields.c
 *		What the directory keeps of a user, checked.
 *
 * Names end up in headers of mails, the avatar in pages, the language in the choice
 * of a template, and addresses get messages.
 */
#include "postgres.h"

#include "api/user_fields.h"
#include "base/locale_tag.h"
#include "request/contact/contact.h"
#include "request/contact/url.h"
#include "request/text.h"

typedef void (*CheckField)(const char *name, const char **value,
						   GaViolations *violations);

/* No second line, nothing reversed. */
static void
check_text(const char *name, const char **value, GaViolations *violations)
{
	GaTextScan scan;

	ga_text_scan(*value, strlen(*value), GA_TEXT_SINGLE_LINE, &scan);
	if (scan.refused != 0)
		ga_violation_add(violations, name, GA_VIOLATION_INVALID_CHARACTERS,
						 "Remove the control character.",
						 "%s has the character U+%04X, which is not allowed "
						 "here",
						 name, scan.refused);
	else if (scan.chars > GA_USER_FIELD_MAX_CHARS)
		ga_violation_add(violations, name, GA_VIOLATION_MAX_LENGTH, NULL,
						 "%s has %zu characters, at most %d are allowed", name,
						 scan.chars, GA_USER_FIELD_MAX_CHARS);
}

static void
check_url(const char *name, const char **value, GaViolations *violations)
{
	GaUrlFault fault;
	int position;
	int before = list_length(violations->list);

	check_text(name, value, violations);
	if (list_length(violations->list) > before)
		return;
	fault = ga_url_check(*value, strlen(*value), &position);
	if (fault != GA_URL_OK)
		ga_violation_add(violations, name, GA_VIOLATION_INVALID_URL, NULL,
						 "%s is no web address: %s", name,
						 ga_url_fault_text(fault));
}

static void
check_locale(const char *name, const char **value, GaViolations *violations)
{
	char tag[GA_LOCALE_MAX];
	int before = list_length(violations->list);

	check_text(name, value, violations);
	if (list_length(violations->list) > before)
		return;
	if (ga_locale_read(*value, tag))
		*value = pstrdup(tag);
	else
		ga_violation_add(violations, name, GA_VIOLATION_INVALID_CHOICE,
						 "Name it as in BCP 47, for example en or pt-BR.",
						 "%s is no language", name);
}

static void
check_email(const char *name, const char **value, GaViolations *violations)
{
	GaContact contact;

	if (ga_contact_read_email(*value, name, violations, &contact))
		*value = contact.value;
}

static void
check_mobile(const char *name, const char **value, GaViolations *violations)
{
	GaContact contact;

	if (ga_contact_read_mobile(*value, name, violations, &contact))
		*value = contact.value;
}

static const struct
{
	const char *name;
	size_t offset;
	CheckField check;
} fields[] = {
	{"username", offsetof(GaUser, username), check_text},
	{"real_name", offsetof(GaUser, real_name), check_text},
	{"avatar", offsetof(GaUser, avatar), check_url},
	{"locale", offsetof(GaUser, locale), check_locale},
	{"ext_id", offsetof(GaUser, ext_id), check_text},
	{"email", offsetof(GaUser, email), check_email},
	{"mobile", offsetof(GaUser, mobile), check_mobile},
};

void
ga_user_fields_check(GaUser *user, GaViolations *violations)
{
	if (user->subject != NULL)
		check_text("subject", &user->subject, violations);
	for (int i = 0; i < lengthof(fields); i++)
	{
		const char **value = (const char **) ((char *) user + fields[i].offset);

		if (*value != NULL)
			fields[i].check(fields[i].name, value, violations);
	}
}

void
ga_user_fields_keep_right(GaUser *user)
{
	for (int i = 0; i < lengthof(fields); i++)
	{
		const char **value = (const char **) ((char *) user + fields[i].offset);
		GaViolations violations = {NIL};

		if (*value == NULL)
			continue;
		fields[i].check(fields[i].name, value, &violations);
		if (ga_violations_any(&violations))
			*value = NULL;
	}
}
