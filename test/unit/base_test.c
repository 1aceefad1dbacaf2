/*
 * base_test.c
 *		The pure files shared with PostgreSQL: frames, provider options, the
 *		counting of SMS parts, the keys of messages.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/shared/buffer.h"
#include "base/shared/mail_status.h"
#include "base/shared/message_key.h"
#include "base/shared/provider_options.h"
#include "base/shared/provider_table.h"
#include "base/shared/sms_text.h"
#include "base/shared/utf8.h"
#include "base/shared/wire.h"
#include "in_range.h"

static GaSlice
slice(const char *string)
{
	return (GaSlice){string, (uint32_t) strlen(string)};
}

static void
frames_come_out_as_they_went_in(void **state)
{
	GaBuffer buffer = {0};
	GaOutcomeFrame in = {.job_id = 0x123456789ABCDEF0,
						 .outcome = GA_OUTCOME_RETRY,
						 .flags = GA_OUTCOME_PROVIDER_FAULT,
						 .retry_after_ms = -1,
						 .elapsed_us = 77,
						 .code = slice("550 5.1.1"),
						 .detail = slice("no"),
						 .captured = slice("")};
	GaOutcomeFrame out;
	GaFrameType type;
	GaSlice payload;
	uint64_t id = 0;

	(void) state;
	assert_true(ga_wire_put_picked(&buffer, 42));
	assert_true(ga_wire_put_outcome(&buffer, &in));
	assert_int_equal(ga_wire_peek(&buffer, &type, &payload), GA_WIRE_FRAME);
	assert_int_equal(type, GA_FRAME_PICKED);
	assert_true(ga_wire_get_picked(payload, &id));
	assert_int_equal(id, 42);
	ga_buffer_consume(&buffer, GA_FRAME_HEADER + payload.length);
	assert_int_equal(ga_wire_peek(&buffer, &type, &payload), GA_WIRE_FRAME);
	assert_int_equal(type, GA_FRAME_OUTCOME);
	assert_true(ga_wire_get_outcome(payload, &out));
	assert_true(out.job_id == in.job_id);
	assert_int_equal(out.outcome, in.outcome);
	assert_int_equal(out.flags, in.flags);
	assert_true(out.retry_after_ms == -1 && out.elapsed_us == 77);
	assert_int_equal(out.code.length, 9);
	assert_memory_equal(out.code.data, "550 5.1.1", 9);
	assert_int_equal(out.message_id.length, 0);
	ga_buffer_consume(&buffer, GA_FRAME_HEADER + payload.length);
	assert_int_equal(ga_wire_peek(&buffer, &type, &payload),
					 GA_WIRE_INCOMPLETE);
	ga_buffer_free(&buffer);
}

/* What the frame of an accepted message holds; it lies in the buffer. */
static GaSlice
fine_outcome(GaBuffer *buffer)
{
	GaOutcomeFrame in = {.job_id = 1,
						 .outcome = GA_OUTCOME_ACCEPTED,
						 .code = slice("250"),
						 .detail = slice("fine")};
	GaFrameType type;
	GaSlice payload;

	assert_true(ga_wire_put_outcome(buffer, &in));
	ga_wire_peek(buffer, &type, &payload);
	return payload;
}

/* Every cut and every changed byte is either refused or stays in bounds. */
static void
hostile_outcomes_are_refused_or_harmless(void **state)
{
	GaBuffer buffer = {0};
	GaSlice payload = fine_outcome(&buffer);
	GaOutcomeFrame out;

	(void) state;
	for (uint32_t length = 0; length < payload.length; length++)
		assert_false(
			ga_wire_get_outcome((GaSlice){payload.data, length}, &out));
	for (uint32_t at = 0; at < payload.length; at++)
		for (int value = 0; value < 256; value += 51)
		{
			/* an exact copy, so that a sanitizer sees one byte too far */
			char *copy = malloc(payload.length);

			memcpy(copy, payload.data, payload.length);
			copy[at] = (char) value;
			if (ga_wire_get_outcome((GaSlice){copy, payload.length}, &out))
			{
				assert_true(out.code.length + out.detail.length +
								out.message_id.length + out.captured.length ==
							7);
				assert_uint_in_range(out.outcome, GA_OUTCOME_ACCEPTED,
									 GA_OUTCOME_UNCERTAIN);
			}
			free(copy);
		}
	ga_buffer_free(&buffer);
}

/* The four lengths stand before the strings, which are seven bytes here. */
static void
lengths_that_add_up_only_when_they_overflow_are_refused(void **state)
{
	const uint32_t lengths[4] = {UINT32_MAX, 8, 0, 0};
	GaBuffer buffer = {0};
	GaSlice payload = fine_outcome(&buffer);
	GaOutcomeFrame out;

	(void) state;
	assert_true(ga_wire_get_outcome(payload, &out));
	memcpy((char *) payload.data + payload.length - 7 - sizeof(lengths),
		   lengths, sizeof(lengths));
	assert_false(ga_wire_get_outcome(payload, &out));
	ga_buffer_free(&buffer);
}

static void
a_frame_that_is_too_long_is_broken(void **state)
{
	GaBuffer buffer = {0};
	uint32_t length = GA_FRAME_MAX + 1;
	GaFrameType type;
	GaSlice payload;

	(void) state;
	ga_buffer_append(&buffer, &length, 4);
	assert_int_equal(ga_wire_peek(&buffer, &type, &payload),
					 GA_WIRE_INCOMPLETE);
	ga_buffer_append(&buffer, "J", 1);
	assert_int_equal(ga_wire_peek(&buffer, &type, &payload), GA_WIRE_BROKEN);
	assert_false(ga_wire_put_frame(&buffer, GA_FRAME_JOB, NULL, length));
	assert_false(ga_wire_get_picked(slice("short"), &(uint64_t){0}));
	ga_buffer_free(&buffer);
}

static void
count_is(const char *text, GaSmsEncoding encoding, uint32_t units,
		 uint32_t segments)
{
	GaSmsCount count;

	assert_true(ga_sms_count(text, strlen(text), &count));
	if (count.encoding != encoding || count.units != units ||
		count.segments != segments)
		fail_msg("\"%.20s\": encoding %d, %u units, %u segments", text,
				 count.encoding, count.units, count.segments);
}

/* `times` copies of a text, then another; freed by the next call. */
static const char *
repeat(const char *text, int times, const char *rest)
{
	static char *made;
	size_t length = strlen(text);

	free(made);
	made = calloc(1, length * (size_t) times + strlen(rest) + 1);
	for (int i = 0; i < times; i++)
		memcpy(made + length * (size_t) i, text, length);
	strcat(made, rest);
	return made;
}

/* -1, one byte further: no character begins there. */
static void
a_character_is_read_as_the_standard_has_it(void **state)
{
	static const struct
	{
		const char *bytes;
		size_t length;
		int32_t wanted;
	} cases[] = {
		{"a", 1, 'a'},
		{"\xC2\x80", 2, 0x80},
		{"\xED\x9F\xBF", 3, 0xD7FF},
		{"\xEE\x80\x80", 3, 0xE000},
		{"\xF4\x8F\xBF\xBF", 4, 0x10FFFF},
		/* longer than need be */
		{"\xC1\x81", 2, -1},
		{"\xE0\x9F\xBF", 3, -1},
		{"\xF0\x8F\xBF\xBF", 4, -1},
		/* halves of a pair, and behind the last one */
		{"\xED\xA0\x80", 3, -1},
		{"\xED\xAF\xBF", 3, -1},
		{"\xED\xB0\x80", 3, -1},
		{"\xED\xBF\xBF", 3, -1},
		{"\xF4\x90\x80\x80", 4, -1},
		/* cut off, though the rest lies behind the end */
		{"\xC3\xA9", 1, -1},
		{"\xE2\x82\xAC", 2, -1},
		{"\xF0\x9F\x98\x80", 3, -1},
		/* a byte that begins nothing, and one that does not go on */
		{"\x80", 1, -1},
		{"\xFF", 1, -1},
		{"\xC3(", 2, -1},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *next = cases[i].bytes;

		assert_int_equal(ga_utf8_next(&next, cases[i].bytes + cases[i].length),
						 cases[i].wanted);
		assert_int_equal(next - cases[i].bytes,
						 cases[i].wanted < 0 ? 1 : cases[i].length);
	}
}

static void
what_ends_lines_or_turns_text_is_known_up_to_its_bounds(void **state)
{
	static const int32_t controls[] = {0, 0x1F, 0x7F, 0x9F, 0x2028, 0x2029};
	static const int32_t turning[] = {0x061C, 0x200E, 0x200F, 0x202A,
									  0x202E, 0x2066, 0x2069};
	static const int32_t neither[] = {0x20,	  0x7E,	  0xA0,	  0x2027,
									  0x202F, 0x2065, 0x206A, -1};

	(void) state;
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		assert_true(ga_utf8_is_control(controls[i]));
	for (size_t i = 0; i < sizeof(turning) / sizeof(turning[0]); i++)
		assert_true(ga_utf8_is_bidi(turning[i]));
	for (size_t i = 0; i < sizeof(neither) / sizeof(neither[0]); i++)
	{
		assert_false(ga_utf8_is_control(neither[i]));
		assert_false(ga_utf8_is_bidi(neither[i]));
	}
}

/* By moving what is left to the front, or by growing. */
static void
a_buffer_keeps_what_it_holds_when_it_makes_room(void **state)
{
	GaBuffer buffer = {0};
	char bytes[8192];

	(void) state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char) (i * 7 + i / 256);
	for (size_t more = 2000; more <= 8000; more += 2000)
	{
		assert_true(ga_buffer_append(&buffer, bytes, 4000));
		ga_buffer_consume(&buffer, 3000);
		assert_true(ga_buffer_append(&buffer, bytes, more));
		assert_int_equal(ga_buffer_length(&buffer), 1000 + more);
		assert_memory_equal(ga_buffer_start(&buffer), bytes + 3000, 1000);
		assert_memory_equal(ga_buffer_start(&buffer) + 1000, bytes, more);
		ga_buffer_consume(&buffer, 1000 + more);
		assert_int_equal(ga_buffer_length(&buffer), 0);
	}
	ga_buffer_free(&buffer);
}

static void
a_refusal_is_told_in_the_words_that_are_believed(void **state)
{
	static const struct
	{
		const char *status;
		const char *words;
		const char *wanted;
	} cases[] = {
		{"5.1.1", NULL, "the mailbox does not exist"},
		{NULL, "no such user", "the mailbox does not exist"},
		{"5.1.1", "550 5.1.1 no such user", "the mailbox does not exist"},
		/* the words of a mailbox that lives win over a code that says dead */
		{"5.1.1", "mailbox full", "the mailbox is full"},
		{"5.1.1", "daily user sending limit exceeded",
		 "the sender has sent as much as it may for now"},
		{"5.1.1", "unauthorized sender",
		 "the mail server does not accept the sender"},
		{"5.1.1", "receiving mail at a rate that prevents delivery",
		 "the mailbox gets too much mail just now"},
		{"5.1.1", "rejected as spam", "the mail server does not accept it"},
		/* but not over one that says it lives */
		{"5.2.2", "unauthorized sender", "the mailbox is full"},
		{"5.9.9", "hello", NULL},
		{NULL, NULL, NULL},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *words =
			ga_mail_status_words(cases[i].status, cases[i].words);

		if (cases[i].wanted == NULL)
			assert_null(words);
		else
		{
			assert_non_null(words);
			assert_string_equal(words, cases[i].wanted);
		}
	}
}

static void
an_sms_is_counted_in_parts(void **state)
{
	(void) state;
	count_is("", GA_SMS_GSM7, 0, 0);
	count_is("Hello", GA_SMS_GSM7, 5, 1);
	count_is("\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F", GA_SMS_GSM7, 4, 1);
	count_is("\xE2\x82\xAC{}", GA_SMS_GSM7, 6, 1);
	count_is("\xCE\xA9 \xC3\x87", GA_SMS_GSM7, 3, 1);
	count_is("\xC3\xA7", GA_SMS_UCS2, 1, 1); /* small c with cedilla */
	count_is("`", GA_SMS_UCS2, 1, 1);
	count_is("\xE2\x80\x99", GA_SMS_UCS2, 1, 1);
	count_is("\xF0\x9F\x98\x80", GA_SMS_UCS2, 2, 1); /* a surrogate pair */
	count_is(repeat("x", 160, ""), GA_SMS_GSM7, 160, 1);
	count_is(repeat("x", 161, ""), GA_SMS_GSM7, 161, 2);
	count_is(repeat("x", 306, ""), GA_SMS_GSM7, 306, 2);
	count_is(repeat("x", 307, ""), GA_SMS_GSM7, 307, 3);
	/* 152 and an escaped character: the pair moves to the second part, and
	 * the 153 that follow no longer fit it */
	count_is(repeat("x", 152, "{"), GA_SMS_GSM7, 154, 1);
	count_is(repeat("[", 153, ""), GA_SMS_GSM7, 306, 3);
	count_is(repeat("\xE4\xBC\x9A", 70, ""), GA_SMS_UCS2, 70, 1);
	count_is(repeat("\xE4\xBC\x9A", 71, ""), GA_SMS_UCS2, 71, 2);
	count_is(repeat("\xE4\xBC\x9A", 135, ""), GA_SMS_UCS2, 135, 3);
	/* 67 is odd: a part holds 33 pairs, so 67 pairs need three */
	count_is(repeat("\xF0\x9F\x98\x80", 67, ""), GA_SMS_UCS2, 134, 3);
	repeat("", 0, "");
}

static void
what_is_not_utf8_is_not_counted(void **state)
{
	static const char *const bad[] = {"\x80",		  "\xC3",
									  "\xC0\x80",	  "\xE2\x82",
									  "\xED\xA0\x80", "\xF4\x90\x80\x80",
									  "\xFF",		  "x\xC3z"};
	GaSmsCount count;

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ga_sms_count(bad[i], strlen(bad[i]), &count));
}

static void
what_is_not_shown_is_ignorable(void **state)
{
	static const int32_t shown[] = {'x',	0xAC,	0xAE,	0x34E,	0x350,
									0x200A, 0x2010, 0x2029, 0x202F, 0x205F,
									0x2070, 0x2800, 0xFFF9, 0xFFFD, 0xE1000};
	static const int32_t ignorable[] = {
		0xAD,	0x34F,	0x61C,	0x115F,	 0x1160,  0x17B4,  0x180B, 0x200B,
		0x200F, 0x202A, 0x202E, 0x2060,	 0x206F,  0x3164,  0xFE0F, 0xFEFF,
		0xFFA0, 0xFFF0, 0xFFF8, 0x1BCA0, 0x1D17A, 0xE0000, 0xE0FFF};

	(void) state;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		assert_false(ga_utf8_is_ignorable(shown[i]));
	for (size_t i = 0; i < sizeof(ignorable) / sizeof(ignorable[0]); i++)
		assert_true(ga_utf8_is_ignorable(ignorable[i]));
	assert_false(ga_utf8_is_ignorable(-1));
}

static void
option_is(const char *kind, const char *name, const char *value, bool good)
{
	const GaProviderOption *option = ga_provider_option_find(
		kind, name, GA_OPTION_ON_SERVER | GA_OPTION_ON_MAPPING);
	char complaint[256] = "";

	assert_non_null(option);
	if (ga_provider_option_check(option, value, complaint, sizeof(complaint)) !=
		good)
		fail_msg("%s %s '%s': %s", kind, name, value, complaint);
	assert_int_equal(*complaint == '\0', good);
}

static void
option_values_are_checked(void **state)
{
	(void) state;
	option_is("smtp", "sender", "Groups <hello@example.com>", true);
	option_is("smtp", "sender", "\"A, B\" <hello@example.com>", true);
	option_is("smtp", "sender", "hello@example.com", true);
	option_is("smtp", "sender",
			  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			  "@example.com",
			  true);
	option_is("smtp", "sender",
			  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			  "a@example.com",
			  false);
	option_is("smtp", "sender", "a..b@example.com", false);
	option_is("smtp", "sender", "Groups", false);
	option_is("smtp", "sender", "Groups <hello@example.com", false);
	option_is("smtp", "sender", "Groups\r\nBcc: <hello@example.com>", false);
	option_is("smtp", "url", "smtp://relay.example:587", true);
	option_is("smtp", "url", "smtps://[::1]:465/", true);
	option_is("smtp", "url", "http://relay.example", false);
	option_is("smtp", "url", "relay.example", false);
	option_is("smtp", "url", "smtp://user:pass@relay.example", false);
	option_is("smtp", "url", "smtp://", false);
	option_is("http", "url", "https://x.example/{to}?a=b", true);
	option_is("http", "url", "https://{to}/", false);
	option_is("smtp", "max_connections", "64", true);
	option_is("smtp", "max_connections", "0", false);
	option_is("smtp", "max_connections", "65", false);
	option_is("smtp", "max_connections", "8x", false);
	option_is("smtp", "max_connections", " 8", false);
	option_is("smtp", "max_connections", "+8", false);
	option_is("smtp", "max_connections", "", false);
	option_is("smtp", "rate", "0.5", true);
	option_is("smtp", "rate", "-1", false);
	option_is("smtp", "rate", "nan", false);
	option_is("smtp", "rate", "0x10", false);
	option_is("smtp", "allow_private", "true", true);
	option_is("smtp", "allow_private", "yes", false);
	option_is("smtp", "tls", "required", true);
	option_is("smtp", "tls", "require", false);
	option_is("smtp", "tls", "required|none", false);
	option_is("http", "fields", " {\"a\":\"{to}\"} ", true);
	option_is("http", "fields", "[]", false);
	option_is("smtp", "ca_file", "/etc/ca.pem", true);
	option_is("smtp", "ca_file", "ca.pem", false);
	/* Standard Webhooks: 24 to 64 bytes. */
	option_is("webhook", "secret", "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB",
			  true);
	option_is("webhook", "secret",
			  "whsec_"
			  "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"
			  "QUFBQUFBQUFBQUFBQUFBQQ==",
			  true);
	option_is("webhook", "secret",
			  "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=", false);
	option_is("webhook", "secret",
			  "whsec_"
			  "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"
			  "QUFBQUFBQUFBQUFBQUFBQUE=",
			  false);
	option_is("webhook", "secret", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB", false);
	option_is("webhook", "secret", "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ",
			  false);
}

static void
options_belong_to_their_kind_and_place(void **state)
{
	const GaProviderOption *option;

	(void) state;
	assert_null(ga_provider_option_find("smtp", "fields", GA_OPTION_ON_SERVER));
	assert_null(
		ga_provider_option_find("smtp", "password", GA_OPTION_ON_SERVER));
	assert_non_null(
		ga_provider_option_find("smtp", "password", GA_OPTION_ON_MAPPING));
	assert_null(
		ga_provider_option_find("capture", "password", GA_OPTION_ON_MAPPING));
	assert_null(
		ga_provider_option_find("smtp", "bearer_token", GA_OPTION_ON_MAPPING));
	option = ga_provider_option_find("smtp", "timeout", GA_OPTION_ON_SERVER);
	assert_string_equal(option->fallback, "120");
	option = ga_provider_option_find("http", "timeout", GA_OPTION_ON_SERVER);
	assert_string_equal(option->fallback, "30");
}

static void
defaults_pass_their_own_check(void **state)
{
	char complaint[256];

	(void) state;
	for (const GaProviderOption *option = ga_provider_options; option->name;
		 option++)
	{
		assert_non_null(option->help);
		if (option->fallback &&
			!ga_provider_option_check(option, option->fallback, complaint,
									  sizeof(complaint)))
			fail_msg("%s: %s", option->name, complaint);
	}
}

/* A list of name, value, ..., NULL. */
static const char *
lookup_in_list(void *context, const char *name)
{
	for (const char *const *entry = context; *entry; entry += 2)
		if (strcmp(entry[0], name) == 0)
			return entry[1];
	return NULL;
}

static bool
agree(const char *kind, const char *const *list)
{
	char complaint[256];

	return ga_provider_options_agree(
		kind, GA_OPTION_ON_SERVER | GA_OPTION_ON_MAPPING, lookup_in_list,
		(void *) list, complaint, sizeof(complaint));
}

#define SID "AC0123456789abcdef0123456789ABCDEF"

/* It becomes a part of a host's name. */
static void
a_region_is_the_name_of_one(void **state)
{
	static const char *const none[] = {"evil.example/", "x@evil.example",
									   "eu-west-1.", "EU", "a b"};

	(void) state;
	assert_true(
		agree("ses", (const char *const[]){"region", "eu-west-1", NULL}));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(
			agree("ses", (const char *const[]){"region", none[i], NULL}));
}

static void
options_that_depend_on_each_other_are_checked(void **state)
{
	(void) state;
	assert_true(agree("twilio", (const char *const[]){"account_sid", SID,
													  "sender", "+1", NULL}));
	assert_false(
		agree("twilio", (const char *const[]){"account_sid", SID, NULL}));
	assert_false(agree("twilio", (const char *const[]){"account_sid", "AC1",
													   "sender", "+1", NULL}));
	assert_false(
		agree("smtp", (const char *const[]){"password", "a", "password_file",
											"/b", NULL}));
	assert_false(agree("http", (const char *const[]){"bearer_token", "a",
													 "username", "b", NULL}));
	assert_false(
		agree("capture", (const char *const[]){"channel", "EMAIL", "sender",
											   "nobody", NULL}));
}

static void
the_key_of_a_message_is_read_as_it_is_written(void **state)
{
	GaMessageKey in = {{0}, INT32_MAX, 7};
	GaMessageKey out;
	char text[GA_MESSAGE_KEY_MAX];

	(void) state;
	for (int i = 0; i < GA_MESSAGE_KEY_GROUP_LENGTH; i++)
		in.group_id[i] = (uint8_t) (i * 17);
	ga_message_key_write(&in, true, text);
	assert_string_equal(text,
						"inv-00112233445566778899aabbccddeeff.2147483647.7.r1");
	assert_string_equal(ga_message_key_read(text, &out), ".r1");
	assert_memory_equal(out.group_id, in.group_id, sizeof(in.group_id));
	assert_int_equal(out.member_number, in.member_number);
	assert_int_equal(out.version, in.version);
	ga_message_key_write(&in, false, text);
	assert_string_equal(ga_message_key_read(text, &out), "");
	assert_string_equal(
		ga_message_key_read("inv-00112233445566778899aabbccddeeff_1_2", &out),
		"");
}

static void
what_is_no_key_of_a_message_is_not_read(void **state)
{
	static const char *const others[] = {
		"",
		"inv-",
		"inv-0011",
		"INV-00112233445566778899aabbccddeeff.1.1",
		"inv-00112233445566778899AABBCCDDEEFF.1.1",
		"inv-00112233445566778899aabbccddeef.1.1",
		"inv-00112233445566778899aabbccddeeff",
		"inv-00112233445566778899aabbccddeeff.1",
		"inv-00112233445566778899aabbccddeeff.1.",
		"inv-00112233445566778899aabbccddeeff.0.1",
		"inv-00112233445566778899aabbccddeeff.-1.1",
		"inv-00112233445566778899aabbccddeeff.1.2147483648",
		"inv-00112233445566778899aabbccddeeff.1.99999999999999999999",
	};
	GaMessageKey key;

	(void) state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_null(ga_message_key_read(others[i], &key));
}

/* Whether a word of `list` begins with `mark` and goes on with `word`. */
static int
has_word(const char *list, const char *mark, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; at != NULL; at = strchr(at, ' '))
	{
		at += *at == ' ';
		if (strncmp(at, mark, strlen(mark)) == 0 &&
			strncmp(at + strlen(mark), word, length) == 0 &&
			strchr(" ", at[strlen(mark) + length]) != NULL)
			return 1;
	}
	return 0;
}

static void
what_a_kind_takes_is_a_group_of_options(void **state)
{
	const GaHttpRow *row;

	(void) state;
	for (size_t at = 0; (row = ga_provider_table_at(at)) != NULL; at++)
	{
		char takes[256];

		assert_true(strlen(row->takes) < sizeof(takes));
		strcpy(takes, row->takes);
		for (char *word = strtok(takes, " "); word; word = strtok(NULL, " "))
		{
			const GaProviderOption *option = ga_provider_options;

			while (option->name && !has_word(option->kinds, "+", word))
				option++;
			if (option->name == NULL)
				fail_msg("%s takes %s, which no option is for", row->kind,
						 word);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_out_as_they_went_in),
		cmocka_unit_test(hostile_outcomes_are_refused_or_harmless),
		cmocka_unit_test(
			lengths_that_add_up_only_when_they_overflow_are_refused),
		cmocka_unit_test(a_frame_that_is_too_long_is_broken),
		cmocka_unit_test(a_character_is_read_as_the_standard_has_it),
		cmocka_unit_test(
			what_ends_lines_or_turns_text_is_known_up_to_its_bounds),
		cmocka_unit_test(a_buffer_keeps_what_it_holds_when_it_makes_room),
		cmocka_unit_test(a_refusal_is_told_in_the_words_that_are_believed),
		cmocka_unit_test(an_sms_is_counted_in_parts),
		cmocka_unit_test(what_is_not_utf8_is_not_counted),
		cmocka_unit_test(what_is_not_shown_is_ignorable),
		cmocka_unit_test(option_values_are_checked),
		cmocka_unit_test(options_belong_to_their_kind_and_place),
		cmocka_unit_test(defaults_pass_their_own_check),
		cmocka_unit_test(a_region_is_the_name_of_one),
		cmocka_unit_test(options_that_depend_on_each_other_are_checked),
		cmocka_unit_test(what_a_kind_takes_is_a_group_of_options),
		cmocka_unit_test(the_key_of_a_message_is_read_as_it_is_written),
		cmocka_unit_test(what_is_no_key_of_a_message_is_not_read),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
