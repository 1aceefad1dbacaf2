/*
 * contact.c
 *		An address of a member, from text to what the courier sends to.
 *
 * Joins the pure checkers to the list of violations, and the server's encoding
 * to their UTF-8.  Nothing is looked up in a network: whether a number is in
 * service or a mailbox exists is told later by its delivery.  Messages never
 * repeat the address: they reach logs that its owner did not agree to.
 */
#include "postgres.h"

#include <time.h>

#include "base/guc.h"
#include "base/shared/mailbox.h"
#include "base/shared/utf8.h"
#include "mb/pg_wchar.h"
#include "pgtime.h"
#include "request/contact/contact.h"
#include "request/contact/email.h"
#include "request/contact/phone.h"
#include "utils/builtins.h"

static const char *
hint_email(GaEmailFault fault, const char *text)
{
	switch (fault)
	{
		case GA_EMAIL_NO_AT:
			if (text[0] == '+')
				return "A telephone number has the type MOBILE.";
			return "Write it as name@example.com.";
		case GA_EMAIL_DISPLAY_NAME:
			return "Give the bare address, without the name and the angle "
				   "brackets.";
		case GA_EMAIL_MANY_AT:
			return "Give one address for each member.";
		case GA_EMAIL_LOCAL_QUOTED:
		case GA_EMAIL_LOCAL_NOT_ASCII:
			return "Give another address; group_api.all_local_parts allows "
				   "this one.";
		default:
			return NULL;
	}
}

/* The address is as it is sent to; the struct gets copies. */
static void
take_email(const char *address, GaContact *contact)
{
	char *key = pstrdup(address);

	for (char *c = key; *c != '\0'; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	contact->channel = GA_CHANNEL_EMAIL;
	contact->value = strcmp(key, address) == 0 ? key : pstrdup(address);
	contact->key = key;
}

void
ga_contact_take_checked(GaChannel channel, const char *value,
						GaContact *contact)
{
	if (channel == GA_CHANNEL_EMAIL)
		take_email(value, contact);
	else
		*contact =
			(GaContact){.channel = channel, .value = value, .key = value};
}

/*
 * In Normalization Form C (RFC 6532 3.1), so that a letter with its accent is the same
 * however it was typed.  Other encodings of a database have one form of a letter.
 */
static const char *
in_normal_form(const char *utf8)
{
	if (GetDatabaseEncoding() != PG_UTF8 || ga_mailbox_is_ascii(utf8))
		return utf8;
	return TextDatumGetCString(DirectFunctionCall2(unicode_normalize_func,
												   CStringGetTextDatum(utf8),
												   CStringGetTextDatum("NFC")));
}

static bool
check_email(const char *text, GaContact *contact, GaContactFault *fault)
{
	char address[GA_EMAIL_MAX + 1];
	GaDomainFault domain_fault;
	GaEmailFault rc = (ga_settings.all_local_parts ? ga_email_normalize_all
												   : ga_email_normalize)(
		text, strlen(text), address, &domain_fault);

	if (rc != GA_EMAIL_OK)
	{
		fault->code = GA_VIOLATION_INVALID_EMAIL;
		fault->message =
			rc == GA_EMAIL_DOMAIN
				? psprintf("is no e-mail address: its domain %s",
						   ga_domain_fault_text(domain_fault))
				: psprintf("is no e-mail address: %s", ga_email_fault_text(rc));
		fault->hint = hint_email(rc, text);
		return false;
	}
	take_email(address, contact);
	return true;
}

static const char *
hint_mobile(GaPhoneFault fault, const char *text)
{
	switch (fault)
	{
		case GA_PHONE_NOT_SMS_CAPABLE:
			return "Give a mobile number, or an e-mail address with the type "
				   "EMAIL.";
		case GA_PHONE_FAILED:
			return NULL;
		case GA_PHONE_EXTENSION:
		case GA_PHONE_NOT_A_NUMBER:
			if (strchr(text, '@') != NULL)
				return "An e-mail address has the type EMAIL.";
			/* FALLTHROUGH */
		default:
			return "Write it with + and the country code, as +27701231234.";
	}
}

void
ga_contact_phone_tables(GaPhoneTables *tables)
{
	pg_time_t now = (pg_time_t) time(NULL);
	struct pg_tm *today = pg_gmtime(&now);

	ga_phone_tables_date(&tables->year, &tables->month);
	tables->age = (today->tm_year + 1900 - tables->year) * 12 + today->tm_mon +
				  1 - tables->month;
	tables->age = Max(tables->age, 0);
	tables->is_old = tables->age >= ga_settings.phone_metadata_months;
}

/* Refused by a table alone, which countries may have overtaken. */
static bool
is_doubtful(GaPhoneFault fault)
{
	GaPhoneTables tables;

	if (fault != GA_PHONE_TOO_SHORT && fault != GA_PHONE_TOO_LONG &&
		fault != GA_PHONE_LENGTH && fault != GA_PHONE_NOT_SMS_CAPABLE)
		return false;
	ga_contact_phone_tables(&tables);
	return tables.is_old;
}

static bool
check_mobile(const char *text, GaContact *contact, GaContactFault *fault)
{
	char e164[GA_PHONE_E164_SIZE];
	const char *kind = NULL;
	GaPhoneFault rc = ga_phone_normalize(text, strlen(text), e164, &kind);

	if (is_doubtful(rc))
		rc = ga_phone_normalize_unchecked(text, strlen(text), e164);
	if (rc == GA_PHONE_OK)
	{
		contact->channel = GA_CHANNEL_MOBILE;
		contact->value = contact->key = pstrdup(e164);
		return true;
	}
	fault->hint = hint_mobile(rc, text);
	if (rc == GA_PHONE_NOT_SMS_CAPABLE)
	{
		fault->code = GA_VIOLATION_NOT_SMS_CAPABLE;
		fault->message = psprintf("is %s, which gets no SMS", kind);
		return false;
	}
	fault->code = GA_VIOLATION_INVALID_PHONE;
	fault->message =
		psprintf("is no mobile number: %s", ga_phone_fault_text(rc));
	return false;
}

/* A character of ASCII that is seen. */
static bool
is_plain(char c)
{
	return c > ' ' && c < 0x7F;
}

/*
 * The text without the blanks and the marks of direction at its ends: phones copy such
 * marks along, and nobody sees them.
 */
static const char *
trimmed(const char *text)
{
	const char *end = text + strlen(text);
	const char *first = NULL;
	const char *last = text;

	if (text < end && is_plain(text[0]) && is_plain(end[-1]))
		return text;
	while (text < end)
	{
		const char *start = text;
		int32_t character = ga_utf8_next(&text, end);

		if (character == ' ' || ga_utf8_is_ignorable(character))
			continue;
		first = first ? first : start;
		last = text;
	}
	return first ? pnstrdup(first, last - first) : "";
}

bool
ga_contact_check(GaChannel channel, const char *text, GaContact *contact,
				 GaContactFault *fault)
{
	const char *utf8 = trimmed(pg_server_to_any(text, strlen(text), PG_UTF8));

	Assert(channel != GA_CHANNEL_NONE);
	if (channel == GA_CHANNEL_EMAIL)
		return check_email(ga_settings.all_local_parts ? in_normal_form(utf8)
													   : utf8,
						   contact, fault);
	return check_mobile(utf8, contact, fault);
}

bool
ga_contact_is_allowed(const GaContact *contact, const char *countries,
					  GaContactFault *fault)
{
	if (contact->channel != GA_CHANNEL_MOBILE || countries[0] == '\0' ||
		ga_phone_is_of(contact->value, countries))
		return true;
	fault->code = GA_VIOLATION_COUNTRY_NOT_ALLOWED;
	fault->message = "is a number of a country that gets no invitations here";
	fault->hint = "Give a number of one of the countries in "
				  "group_api.mobile_countries, or an e-mail address with the "
				  "type EMAIL.";
	return false;
}

bool
ga_contact_countries_are_known(const char *countries, const char **wrong)
{
	char code[GA_PHONE_CODE_SIZE];

	if (countries[0] == '\0' || ga_phone_countries_are_known(countries, code))
		return true;
	*wrong = pstrdup(code);
	return false;
}

static bool
read_contact(GaChannel channel, const char *text, const char *path,
			 GaViolations *violations, GaContact *contact)
{
	GaContactFault fault;

	if (ga_contact_check(channel, text, contact, &fault))
		return true;
	ga_violation_add(violations, path, fault.code, fault.hint, "%s%s%s", path,
					 path[0] == '\0' ? "" : " ", fault.message);
	return false;
}

bool
ga_contact_read_email(const char *text, const char *path,
					  GaViolations *violations, GaContact *contact)
{
	return read_contact(GA_CHANNEL_EMAIL, text, path, violations, contact);
}

bool
ga_contact_read_mobile(const char *text, const char *path,
					   GaViolations *violations, GaContact *contact)
{
	return read_contact(GA_CHANNEL_MOBILE, text, path, violations, contact);
}

void
ga_contact_init(void)
{
	ga_phone_init();
}
