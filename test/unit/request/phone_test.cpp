/*
 * phone_test.cpp
 *		The quick table and libphonenumber must say the same of every number.
 *
 * For each calling code the library knows, numbers around its examples and at
 * random are read with and without the table.  Prints TAP; the seed is an
 * argument, so a failure can be repeated.  With "-b" it prints what a number
 * costs instead.
 */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <phonenumbers/phonenumberutil.h>

#include "request/contact/phone.h"

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

static int test_number = 0;
static bool failed = false;

static void
ok(bool passed, const std::string &name)
{
	failed |= !passed;
	printf("%sok %d - %s\n", passed ? "" : "not ", ++test_number, name.c_str());
}

struct Reading
{
	GaPhoneFault fault;
	std::string e164;

	bool
	operator==(const Reading &other) const
	{
		return fault == other.fault && e164 == other.e164;
	}
};

static Reading
read(decltype(ga_phone_normalize) *how, const std::string &text)
{
	char e164[GA_PHONE_E164_SIZE] = "";
	const char *kind = nullptr;
	GaPhoneFault fault = how(text.c_str(), text.size(), e164, &kind);

	return {fault, fault == GA_PHONE_OK ? e164 : ""};
}

/* Examples of every kind, each the seed of numbers that begin like it. */
static std::vector<std::string>
examples(int code)
{
	PhoneNumberUtil *library = PhoneNumberUtil::GetInstance();
	std::list<std::string> regions;
	std::vector<std::string> all;
	PhoneNumber number;
	std::string text;

	library->GetRegionCodesForCountryCallingCode(code, &regions);
	for (const std::string &region : regions)
		for (int type = PhoneNumberUtil::FIXED_LINE;
			 type <= PhoneNumberUtil::VOICEMAIL; type++)
			if (library->GetExampleNumberForType(
					region, static_cast<PhoneNumberUtil::PhoneNumberType>(type),
					&number))
			{
				library->Format(number, PhoneNumberUtil::E164, &text);
				all.push_back(text);
			}
	if (library->GetExampleNumberForNonGeoEntity(code, &number))
	{
		library->Format(number, PhoneNumberUtil::E164, &text);
		all.push_back(text);
	}
	all.push_back("+" + std::to_string(code) + "0123456789");
	return all;
}

static std::string
vary(const std::string &seed, size_t prefix, std::mt19937 &random)
{
	std::string text =
		seed.substr(0, prefix + random() % (seed.size() - prefix));
	size_t length = random() % 4 != 0 ? seed.size() : 6 + random() % 11;

	while (text.size() < length)
		text += static_cast<char>('0' + random() % 10);
	if (random() % 4 == 0)
		for (int i = random() % 5; i >= 0; i--)
			text.insert(random() % 8 == 0 ? random() % (text.size() + 1)
										  : 1 + random() % text.size(),
						1, " -.()/"[random() % 6]);
	return text;
}

static void
compare_code(int code, unsigned int seed, int tries)
{
	std::mt19937 random(seed + static_cast<unsigned int>(code));
	size_t prefix = 1 + std::to_string(code).size();
	std::string difference;

	for (const std::string &example : examples(code))
		for (int i = 0; i < tries && difference.empty(); i++)
		{
			std::string text = vary(example, prefix, random);

			if (!(read(ga_phone_normalize, text) ==
				  read(ga_phone_normalize_slowly, text)))
				difference = text;
		}
	ok(difference.empty(), "+" + std::to_string(code) +
							   " reads the same with and without the table");
	if (!difference.empty())
		printf("# differs: %s\n", difference.c_str());
}

static void
measure(decltype(ga_phone_normalize) *how, const char *name)
{
	using Clock = std::chrono::steady_clock;
	const char *prefixes[] = {"+2770", "+336",	 "+1415", "+4915",
							  "+9198", "+54911", "+5511"};
	const int lengths[] = {12, 12, 12, 14, 13, 14, 14};

	for (int i = 0; i < 7; i++)
	{
		std::mt19937 random(1);
		std::vector<std::string> numbers;
		int accepted = 0;

		while (numbers.size() < 10000)
		{
			std::string text = prefixes[i];

			while (text.size() < static_cast<size_t>(lengths[i]))
				text += static_cast<char>('0' + random() % 10);
			numbers.push_back(text);
		}
		Clock::time_point start = Clock::now();

		for (const std::string &number : numbers)
			accepted += read(how, number).fault == GA_PHONE_OK;
		std::chrono::duration<double, std::micro> spent = Clock::now() - start;

		printf("%-8s %-7s %6.2f us a number, %d of 10000 accepted\n", name,
			   prefixes[i], spent.count() / 10000, accepted);
	}
}

int
main(int argc, char **argv)
{
	unsigned int seed = 1;
	int tries = 60;
	std::set<int> codes;

	ga_phone_init();
	if (argc > 1 && strcmp(argv[1], "-b") == 0)
	{
		measure(ga_phone_normalize, "table");
		measure(ga_phone_normalize_slowly, "library");
		return 0;
	}
	if (argc > 1)
		seed = static_cast<unsigned int>(atoi(argv[1]));
	if (argc > 2)
		tries = atoi(argv[2]);
	printf("# seed %u\n", seed);
	PhoneNumberUtil::GetInstance()->GetSupportedCallingCodes(&codes);
	for (int code : codes)
		compare_code(code, seed, tries);
	ok(codes.size() > 200, "all calling codes were compared");
	printf("1..%d\n", test_number);
	return failed;
}
