/*
 * address_fuzz.cpp
 *		libFuzzer over everything that reads a caller's text without a server.
 *
 * Besides what the sanitizers see, it holds the checkers to their promises: what
 * they let through can go into an envelope or a header as it is.  Built and run
 * by "make fuzz" in this directory.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

extern "C"
{
#include "base/shared/mailbox.h"
#include "request/contact/email.h"
#include "request/text.h"
#include "request/contact/url.h"
}
#include "request/contact/phone.h"

static void
promise(bool kept, const char *what)
{
	if (kept)
		return;
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

/* An exact copy on the heap, so that one byte too many is seen. */
static std::vector<char>
copy(const std::string &text)
{
	std::vector<char> bytes;

	/* an empty text has an address too */
	bytes.reserve(text.empty() ? 1 : text.size());
	bytes.assign(text.begin(), text.end());
	return bytes;
}

static void
try_email(const std::string &text)
{
	std::vector<char> input = copy(text);
	char address[GA_EMAIL_MAX + 1];
	char again[GA_EMAIL_MAX + 1];
	GaDomainFault fault;

	if (ga_email_normalize(input.data(), input.size(), address, &fault) !=
		GA_EMAIL_OK)
		return;
	promise(strlen(address) <= GA_EMAIL_MAX, "an address has a bounded length");
	promise(strchr(address, '@') == strrchr(address, '@'),
			"an address has one @");
	for (const char *c = address; *c != '\0'; c++)
		promise(*c > ' ' && *c < 0x7F && strchr("<>()[]\\,;:\"", *c) == nullptr,
				"an address is safe in an envelope");
	promise(ga_email_normalize(address, strlen(address), again, &fault) ==
					GA_EMAIL_OK &&
				strcmp(address, again) == 0,
			"an address that was read reads the same again");
}

static void
try_any_email(const std::string &text)
{
	std::vector<char> input = copy(text);
	char address[GA_EMAIL_MAX + 1];
	char again[GA_EMAIL_MAX + 1];
	GaDomainFault fault;

	if (ga_email_normalize_all(input.data(), input.size(), address, &fault) !=
		GA_EMAIL_OK)
		return;
	promise(ga_mailbox_is_recipient(address, strlen(address)),
			"the courier takes what was read");
	promise(ga_email_normalize_all(address, strlen(address), again, &fault) ==
					GA_EMAIL_OK &&
				strcmp(address, again) == 0,
			"it reads the same again");
	/* What needs no quotes is the same mailbox in quotes. */
	if (address[0] == '"' || ga_mailbox_local_length(address, strlen(address)) >
								 GA_EMAIL_LOCAL_MAX - 2)
		return;
	std::string quoted = address;

	quoted.insert(ga_mailbox_local_length(address, strlen(address)), "\"");
	quoted.insert(0, "\"");
	promise(ga_email_normalize_all(quoted.data(), quoted.size(), again,
								   &fault) == GA_EMAIL_OK &&
				strcmp(address, again) == 0,
			"a mailbox has one spelling");
}

static void
try_phone(const std::string &text)
{
	char quick[GA_PHONE_E164_SIZE] = "";
	char slow[GA_PHONE_E164_SIZE] = "";
	const char *kind = nullptr;
	GaPhoneFault fault =
		ga_phone_normalize(text.c_str(), text.size(), quick, &kind);

	promise(fault == ga_phone_normalize_slowly(text.c_str(), text.size(), slow,
											   &kind),
			"the table and the library agree");
	if (fault != GA_PHONE_OK)
		return;
	promise(strcmp(quick, slow) == 0,
			"the table and the library write the same");
	promise(quick[0] == '+' && strlen(quick) > 3 &&
				quick[1 + strspn(quick + 1, "0123456789")] == '\0',
			"a number is + and digits");
}

static void
try_url(const std::string &text)
{
	std::vector<char> input = copy(text);
	int position;

	if (ga_url_check(input.data(), input.size(), &position) != GA_URL_OK)
		return;
	for (unsigned char c : text)
		promise(c > ' ' && c != 0x7F && c != '"' && c != '<' && c != '>' &&
					c != '\\',
				"a web address is safe in an attribute");
}

static void
try_text(const std::string &text)
{
	std::vector<char> input = copy(text);

	for (GaTextPolicy policy : {GA_TEXT_SINGLE_LINE, GA_TEXT_MULTI_LINE})
	{
		GaTextScan scan;

		ga_text_scan(input.data(), input.size(), policy, &scan);
		promise(scan.start <= scan.end && scan.end <= text.size(),
				"the text's ends lie in it");
		std::vector<char> tidy(scan.end - scan.start + 1);
		ga_text_tidy(input.data(), &scan, tidy.data());
		if (scan.refused != 0)
			continue;
		for (const char *c = tidy.data(); *c != '\0'; c++)
			promise(static_cast<unsigned char>(*c) >= ' ' ||
						(policy == GA_TEXT_MULTI_LINE &&
						 (*c == '\n' || *c == '\t')),
					"a text has no control character");
	}
}

extern "C" int
LLVMFuzzerInitialize(int *, char ***)
{
	ga_phone_init();
	return 0;
}

extern "C" int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	/* a jsonb text holds no NUL */
	std::string text(reinterpret_cast<const char *>(data), size);

	text = text.substr(0, text.find('\0'));
	try_email(text);
	try_any_email(text);
	try_phone(text);
	try_url(text);
	try_text(text);
	return 0;
}
