/*
 * phone.cpp
 *		libphonenumber behind a C face.
 *
 * Every exported function is noexcept and catches what the library or the
 * allocator throws.  The library logs to standard output by default, which in a
 * server is somebody else's file: its logger is replaced.
 */
#include "request/contact/phone.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <list>
#include <string>

#include <phonenumbers/logger.h>
#include <phonenumbers/phonenumber.pb.h>
#include <phonenumbers/phonenumberutil.h>

#include "request/contact/phone_ranges.h"
#include "request/contact/phone_table.h"

namespace
{

using i18n::phonenumbers::NullLogger;
using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

/* E.164 bounds what follows the "+"; shorter numbers are no subscribers'. */
constexpr size_t FEWEST_DIGITS = 7;
constexpr size_t MOST_DIGITS = 15;

PhoneNumberUtil *library = nullptr;
int tables_month; /* since the year 0 */

/*
 * The library tells no version.  Its file bears the date of the package, which is
 * that of the tables or later, so they are at least as old as this says.
 */
int
library_month()
{
	Dl_info info;
	struct stat state;
	struct tm date;

	if (dladdr(reinterpret_cast<void *>(&PhoneNumberUtil::GetInstance),
			   &info) == 0 ||
		info.dli_fname == nullptr || stat(info.dli_fname, &state) != 0 ||
		gmtime_r(&state.st_mtime, &date) == nullptr)
		return 0;
	return (date.tm_year + 1900) * 12 + date.tm_mon;
}

void
load()
{
	if (library != nullptr)
		return;
	PhoneNumberUtil *instance = PhoneNumberUtil::GetInstance();

	instance->SetLogger(new NullLogger());
	library = instance;
	/* What is refused is looked up in the newer ranges, too. */
	tables_month = std::max(library_month(), ga::NEWER_RANGES_YEAR * 12 +
												 ga::NEWER_RANGES_MONTH - 1);
	ga::phone_table_load();
}

/*
 * "+" and 7 to 15 digits as most apps send it, or with the separators people
 * write.  Leaves "+" and the digits in `e164` and returns how many bytes; 0 for
 * any other form.
 */
size_t
strip_separators(const char *text, size_t length, char *e164)
{
	size_t kept = 1;

	if (length < 8 || length > 64 || text[0] != '+')
		return 0;
	e164[0] = '+';
	for (size_t i = 1; i < length; i++)
	{
		if (text[i] >= '0' && text[i] <= '9')
		{
			if (kept > 15)
				return 0;
			e164[kept++] = text[i];
		}
		else if (strchr(" -.()", text[i]) == nullptr || text[i] == '\0')
			return 0;
	}
	e164[kept] = '\0';
	return kept >= 8 ? kept : 0;
}

/* What the library would read in its own way: letters as keys, "ext. 5". */
GaPhoneFault
check_form(const char *text, size_t length)
{
	bool has_digit = false;
	bool has_plus = false;

	if (length > 64)
		return GA_PHONE_TOO_LONG;
	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = static_cast<unsigned char>(text[i]);

		if (c >= '0' && c <= '9')
			has_digit = true;
		else if (c == '+' || c >= 0x80)
			has_plus = true;
		else if (strchr(" -.()/", c) == nullptr)
			return has_digit ? GA_PHONE_EXTENSION : GA_PHONE_NOT_A_NUMBER;
	}
	if (has_plus)
		return GA_PHONE_OK;
	if (!has_digit)
		return GA_PHONE_NOT_A_NUMBER;
	return strncmp(text, "00", 2) == 0 ? GA_PHONE_DOUBLE_ZERO
									   : GA_PHONE_NO_PLUS;
}

/*
 * A 1 behind +52 told Mexico's mobile numbers until August 2019 (IFT, Plan Técnico
 * Fundamental de Numeración); address books keep it.  The library takes it away
 * in older versions (8.12); newer ones (8.13.51) know no such number.
 */
void
drop_mexican_one(PhoneNumber *number)
{
	const uint64_t one = UINT64_C(10000000000);

	if (number->country_code() == 52 && number->national_number() / one == 1)
		number->set_national_number(number->national_number() % one);
}

GaPhoneFault
parse(const std::string &text, PhoneNumber *number)
{
	switch (library->Parse(text, "ZZ", number))
	{
		case PhoneNumberUtil::NO_PARSING_ERROR:
			drop_mexican_one(number);
			return number->has_extension() ? GA_PHONE_EXTENSION : GA_PHONE_OK;
		case PhoneNumberUtil::INVALID_COUNTRY_CODE_ERROR:
			/* a national number in other digits than ours has no plus either */
			return text.find('+') != std::string::npos ? GA_PHONE_COUNTRY_CODE
													   : GA_PHONE_NO_PLUS;
		case PhoneNumberUtil::TOO_SHORT_AFTER_IDD:
		case PhoneNumberUtil::TOO_SHORT_NSN:
			return GA_PHONE_TOO_SHORT;
		case PhoneNumberUtil::TOO_LONG_NSN:
			return GA_PHONE_TOO_LONG;
		default:
			return GA_PHONE_NOT_A_NUMBER;
	}
}

GaPhoneFault
check_length(const PhoneNumber &number)
{
	switch (library->IsPossibleNumberWithReason(number))
	{
		case PhoneNumberUtil::IS_POSSIBLE:
			return GA_PHONE_OK;
		case PhoneNumberUtil::IS_POSSIBLE_LOCAL_ONLY:
			return GA_PHONE_LOCAL_ONLY;
		case PhoneNumberUtil::INVALID_COUNTRY_CODE:
			return GA_PHONE_COUNTRY_CODE;
		case PhoneNumberUtil::TOO_SHORT:
			return GA_PHONE_TOO_SHORT;
		case PhoneNumberUtil::TOO_LONG:
			return GA_PHONE_TOO_LONG;
		default:
			return GA_PHONE_LENGTH;
	}
}

/* Null for a kind that gets SMS, or that nobody knows. */
const char *
kind_without_sms(const PhoneNumber &number)
{
	switch (library->GetNumberType(number))
	{
		case PhoneNumberUtil::FIXED_LINE:
			return "a landline";
		case PhoneNumberUtil::TOLL_FREE:
			return "a toll-free number";
		case PhoneNumberUtil::PREMIUM_RATE:
			return "a premium-rate number";
		case PhoneNumberUtil::SHARED_COST:
			return "a shared-cost number";
		case PhoneNumberUtil::VOIP:
			return "an internet telephone (VoIP)";
		case PhoneNumberUtil::PAGER:
			return "a pager";
		case PhoneNumberUtil::UAN:
			return "a company's universal access number";
		case PhoneNumberUtil::VOICEMAIL:
			return "a voice mailbox";
		default:
			return nullptr;
	}
}

/* Whether SMS can be sent to it, as far as the library and newer tables know. */
GaPhoneFault
check_range(const PhoneNumber &number, const char **kind)
{
	GaPhoneFault fault = check_length(number);
	std::string national;

	if (fault == GA_PHONE_OK)
	{
		*kind = kind_without_sms(number);
		if (*kind == nullptr)
			return GA_PHONE_OK;
		fault = GA_PHONE_NOT_SMS_CAPABLE;
	}
	library->GetNationalSignificantNumber(number, &national);
	return ga::is_newer_mobile(std::to_string(number.country_code()), national)
			   ? GA_PHONE_OK
			   : fault;
}

/*
 * Every blank of Unicode (General_Category Zs) becomes the one of ASCII: typography
 * puts narrow ones between the digits, which the library does not know.
 */
std::string
with_plain_blanks(const char *text, size_t length)
{
	static const char *const blanks[] = {
		"\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
		"\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009",
		"\u200A", "\u202F", "\u205F", "\u3000"};
	std::string plain(text, length);

	for (const char *blank : blanks)
		for (size_t at = plain.find(blank); at != std::string::npos;
			 at = plain.find(blank, at + 1))
			plain.replace(at, strlen(blank), " ");
	return plain;
}

GaPhoneFault
ask_library(const std::string &text, char *e164, const char **kind)
{
	PhoneNumber number;
	std::string formatted;
	GaPhoneFault fault = check_form(text.c_str(), text.size());

	if (fault == GA_PHONE_OK)
		fault = parse(text, &number);
	if (fault == GA_PHONE_OK)
		fault = check_range(number, kind);
	if (fault != GA_PHONE_OK)
		return fault;
	library->Format(number, PhoneNumberUtil::E164, &formatted);
	if (formatted.size() >= GA_PHONE_E164_SIZE)
		return GA_PHONE_TOO_LONG;
	memcpy(e164, formatted.c_str(), formatted.size() + 1);
	return GA_PHONE_OK;
}

GaPhoneFault
take_as_it_stands(const std::string &text, char *e164)
{
	PhoneNumber number;
	std::string formatted;
	GaPhoneFault fault = check_form(text.c_str(), text.size());

	if (fault == GA_PHONE_OK)
		fault = parse(text, &number);
	if (fault != GA_PHONE_OK)
		return fault;
	library->Format(number, PhoneNumberUtil::E164, &formatted);
	if (formatted.size() - 1 < FEWEST_DIGITS)
		return GA_PHONE_TOO_SHORT;
	if (formatted.size() - 1 > MOST_DIGITS)
		return GA_PHONE_TOO_LONG;
	memcpy(e164, formatted.c_str(), formatted.size() + 1);
	return GA_PHONE_OK;
}

/* The next code of a list in capital letters; empty at its end. */
std::string
next_code(const char **list)
{
	std::string code;

	while (**list == ',' || **list == ' ')
		++*list;
	for (; **list != '\0' && **list != ',' && **list != ' '; ++*list)
		code += **list >= 'a' && **list <= 'z'
					? static_cast<char>(**list - 'a' + 'A')
					: **list;
	return code;
}

/* One to three digits (E.164), of which none is the beginning of another. */
bool
is_calling_code(const std::string &code)
{
	std::string region;

	if (code.size() < 2 || code.size() > 4 || code[0] != '+' ||
		code.find_first_not_of("0123456789", 1) != std::string::npos)
		return false;
	library->GetRegionCodeForCountryCode(std::stoi(code.substr(1)), &region);
	return code[1] != '0' && region != "ZZ";
}

bool
is_of(const char *e164, const std::string &code)
{
	if (code[0] == '+')
		return strncmp(e164, code.c_str(), code.size()) == 0;

	int calling_code = library->GetCountryCodeForRegion(code);
	std::string prefix = "+" + std::to_string(calling_code);
	std::list<std::string> regions;
	std::string region;
	PhoneNumber number;

	if (calling_code == 0 || strncmp(e164, prefix.c_str(), prefix.size()) != 0)
		return false;
	library->GetRegionCodesForCountryCallingCode(calling_code, &regions);
	if (regions.size() == 1)
		return true;
	/* As the United States and the Caribbean do, they share one. */
	if (library->Parse(e164, "ZZ", &number) !=
		PhoneNumberUtil::NO_PARSING_ERROR)
		return false;
	library->GetRegionCodeForNumber(number, &region);
	return region == code;
}

} // namespace

void
ga_phone_init(void) noexcept
{
	try
	{
		load();
	}
	catch (...)
	{
		/* tried again at the first number */
	}
}

GaPhoneFault
ga_phone_normalize(const char *text, size_t length, char *e164,
				   const char **kind) noexcept
{
	try
	{
		load();
		size_t kept = strip_separators(text, length, e164);

		if (kept > 0 && ga::phone_table_accepts(e164 + 1, kept - 1))
			return GA_PHONE_OK;
		return ask_library(with_plain_blanks(text, length), e164, kind);
	}
	catch (...)
	{
		return GA_PHONE_FAILED;
	}
}

GaPhoneFault
ga_phone_normalize_slowly(const char *text, size_t length, char *e164,
						  const char **kind) noexcept
{
	try
	{
		load();
		return ask_library(with_plain_blanks(text, length), e164, kind);
	}
	catch (...)
	{
		return GA_PHONE_FAILED;
	}
}

GaPhoneFault
ga_phone_normalize_unchecked(const char *text, size_t length,
							 char *e164) noexcept
{
	try
	{
		load();
		return take_as_it_stands(with_plain_blanks(text, length), e164);
	}
	catch (...)
	{
		return GA_PHONE_FAILED;
	}
}

void
ga_phone_tables_date(int *year, int *month) noexcept
{
	try
	{
		load();
	}
	catch (...)
	{
		/* then of the year 0 */
	}
	*year = tables_month / 12;
	*month = tables_month % 12 + 1;
}

int
ga_phone_is_of(const char *e164, const char *countries) noexcept
{
	try
	{
		load();
		for (std::string code = next_code(&countries); !code.empty();
			 code = next_code(&countries))
			if (is_of(e164, code))
				return 1;
	}
	catch (...)
	{
		/* in doubt, no */
	}
	return 0;
}

int
ga_phone_countries_are_known(const char *countries, char *wrong) noexcept
{
	try
	{
		load();
		for (std::string code = next_code(&countries); !code.empty();
			 code = next_code(&countries))
			if (!is_calling_code(code) &&
				library->GetCountryCodeForRegion(code) == 0)
			{
				size_t length = code.copy(wrong, GA_PHONE_CODE_SIZE - 1);

				wrong[length] = '\0';
				return 0;
			}
		return 1;
	}
	catch (...)
	{
		wrong[0] = '\0';
		return 0;
	}
}

const char *
ga_phone_fault_text(GaPhoneFault fault) noexcept
{
	switch (fault)
	{
		case GA_PHONE_OK:
			break;
		case GA_PHONE_NO_PLUS:
			return "it has no country code";
		case GA_PHONE_DOUBLE_ZERO:
			return "it begins with 00 instead of +";
		case GA_PHONE_NOT_A_NUMBER:
			return "it is no number";
		case GA_PHONE_EXTENSION:
			return "it has letters, signs or an extension";
		case GA_PHONE_COUNTRY_CODE:
			return "no country has its country code";
		case GA_PHONE_TOO_SHORT:
			return "it is too short";
		case GA_PHONE_TOO_LONG:
			return "it is too long";
		case GA_PHONE_LENGTH:
			return "its country has no numbers of this length";
		case GA_PHONE_LOCAL_ONLY:
			return "its area code is missing";
		case GA_PHONE_NOT_SMS_CAPABLE:
			return "its kind gets no SMS";
		case GA_PHONE_FAILED:
			return "there was no memory to check it";
	}
	return "it is valid";
}
