/*
 * bounce_test.c
 *		Reading mail that came back: what known software writes, and what nobody
 *		should.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "courier/bounce/bounce.h"
#include "courier/smtp/mail.h"
#include "courier/text.h"

#define TOKEN "BAYB_-x"
#define KEY "inv-01a201b02d5773da84f016ed61b66750.2.1@example.com"

/* As Postfix 3.7 writes it. */
static const char postfix[] =
	"Return-Path: <>\n"
	"X-Original-To: bounces+" TOKEN "@example.com\n"
	"Delivered-To: bounces@example.com\n"
	"From: Mail Delivery System <MAILER-DAEMON@relay.test>\n"
	"To: bounces+" TOKEN "@example.com\n"
	"Auto-Submitted: auto-replied\n"
	"MIME-Version: 1.0\n"
	"Content-Type: multipart/report; report-type=delivery-status;\n"
	"\tboundary=\"7E04.17/relay.test\"\n"
	"\n"
	"This is a MIME-encapsulated message.\n"
	"\n"
	"--7E04.17/relay.test\n"
	"Content-Type: text/plain; charset=utf-8\n"
	"\n"
	"I'm sorry to have to inform you.\n"
	"\n"
	"--7E04.17/relay.test\n"
	"Content-Description: Delivery report\n"
	"Content-Type: message/delivery-status\n"
	"\n"
	"Reporting-MTA: dns; relay.test\n"
	"Original-Envelope-Id: " TOKEN ">\n"
	"X-Postfix-Sender: rfc822; bounces+" TOKEN "@example.com\n"
	"\n"
	"Final-Recipient: rfc822; u1@y.example\n"
	"Original-Recipient: rfc822;u1@y.example\n"
	"Action: failed\n"
	"Status: 5.1.1\n"
	"Diagnostic-Code: smtp; 550 5.1.1 user\n"
	"    unknown\n"
	"\n"
	"--7E04.17/relay.test\n"
	"Content-Type: text/rfc822-headers\n"
	"\n"
	"Return-Path: <bounces+" TOKEN "@example.com>\n"
	"Message-ID: <" KEY ">\n"
	"Subject: t\n"
	"\n"
	"--7E04.17/relay.test--\n";

static json_t *
read_text(const char *text)
{
	/* an exact copy, so that a sanitizer sees one byte too far */
	size_t length = strlen(text);
	char *copy = malloc(length ? length : 1);
	json_t *report;

	memcpy(copy, text, length);
	report = ga_bounce_read(copy, length);
	free(copy);
	return report;
}

static const char *
member(const json_t *report, const char *name)
{
	const char *value = json_string_value(json_object_get(report, name));

	return value ? value : "";
}

static const char *
of_recipient(const json_t *report, size_t at, const char *name)
{
	return member(json_array_get(json_object_get(report, "recipients"), at),
				  name);
}

static bool
names_address(const json_t *report, const char *address)
{
	size_t index;
	json_t *one;

	json_array_foreach(json_object_get(report, "to"), index, one)
	{
		if (strcmp(json_string_value(one), address) == 0)
			return true;
	}
	return false;
}

static void
check_postfix(const char *text)
{
	json_t *report = read_text(text);

	assert_non_null(report);
	assert_string_equal(member(report, "kind"), "failed");
	assert_int_equal(json_array_size(json_object_get(report, "recipients")), 1);
	assert_string_equal(of_recipient(report, 0, "final"), "u1@y.example");
	assert_string_equal(of_recipient(report, 0, "action"), "failed");
	assert_string_equal(of_recipient(report, 0, "status"), "5.1.1");
	assert_true(strncmp(of_recipient(report, 0, "diagnostic"), "550 5.1.1 user",
						14) == 0);
	assert_string_equal(member(report, "envelope_id"), TOKEN);
	assert_string_equal(member(report, "message_id"), KEY);
	assert_true(names_address(report, "bounces+" TOKEN "@example.com"));
	json_decref(report);
}

static void
a_report_of_postfix_says_all(void **state)
{
	(void) state;
	check_postfix(postfix);
}

static void
line_ends_and_a_mailbox_line_do_not_matter(void **state)
{
	GaText text = {0};

	(void) state;
	ga_text_puts(&text, "From MAILER-DAEMON  Sun Nov 22 01:14:17 2026\r\n");
	for (const char *c = postfix; *c; c++)
	{
		if (*c == '\n')
			ga_text_putc(&text, '\r');
		ga_text_putc(&text, *c);
	}
	check_postfix(text.data);
	ga_text_free(&text);
}

/* Everything encoded, and the report one multipart deeper. */
static void
encoded_and_nested_parts_are_read(void **state)
{
	static const char mail[] =
		"To: =?utf-8?B?w6Q=?= <bounces+" TOKEN "@example.com>\n"
		"Content-Type: multipart/mixed; boundary=a\n\n"
		"--a\nContent-Type: multipart/report; boundary=b\n\n"
		"--b\nContent-Type: text/plain; charset=no-such\n\n\xff\xfe\n"
		"--b\nContent-Type: MESSAGE/Delivery-Status\n"
		"Content-Transfer-Encoding: base64\n\n"
		/* Reporting-MTA: dns; x, Final-Recipient: rfc822; a@b.example,
		 * Action: Failed, Status: 5.0.0 (no), Diagnostic-Code: smtp;
		 * 550-5.2.1 gone */
		"UmVwb3J0aW5nLU1UQTogZG5zOyB4DQoNCkZpbmFsLVJlY2lwaWVudDogcmZjODIyOyBh"
		"QGIuZXhh\nbXBsZQ0KQWN0aW9uOiBGYWlsZWQNClN0YXR1czogNS4wLjAgKG5vKQ0KRG"
		"lhZ25vc3RpYy1Db2RlOiBz\nbXRwOyA1NTAtNS4yLjEgZ29uZQ0K\n"
		"--b\nContent-Type: message/rfc822\n\n"
		"Message-Id:\n <" KEY ">\n\nbody\n--b--\n--a--\n";
	json_t *report = read_text(mail);

	(void) state;
	assert_non_null(report);
	assert_string_equal(member(report, "kind"), "failed");
	assert_string_equal(of_recipient(report, 0, "final"), "a@b.example");
	/* 5.0.0 says less than the quoted reply. */
	assert_string_equal(of_recipient(report, 0, "status"), "5.2.1");
	assert_string_equal(of_recipient(report, 0, "diagnostic"),
						"550-5.2.1 gone");
	assert_string_equal(member(report, "message_id"), KEY);
	assert_true(names_address(report, "bounces+" TOKEN "@example.com"));
	json_decref(report);
}

static json_t *
read_status(const char *status)
{
	GaText text = {0};
	json_t *report;

	ga_text_printf(&text,
				   "To: b@example.com\nReferences: <" KEY ">\n"
				   "Content-Type: message/delivery-status\n\n%s",
				   status);
	report = read_text(text.data);
	ga_text_free(&text);
	assert_non_null(report);
	return report;
}

static void
several_recipients_need_no_blank_line(void **state)
{
	json_t *report = read_status(
		"\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b\n"
		"Action: delayed\nStatus: 4.4.1\n"
		"Final-Recipient: rfc822;c@d\nAction: failed (really)\n"
		"Status: 5.1.1\n\n\nAction: delivered\nFinal-Recipient: e@f\n");

	(void) state;
	assert_string_equal(member(report, "kind"), "failed");
	assert_int_equal(json_array_size(json_object_get(report, "recipients")), 3);
	assert_string_equal(of_recipient(report, 0, "status"), "4.4.1");
	assert_string_equal(of_recipient(report, 1, "final"), "c@d");
	assert_string_equal(of_recipient(report, 1, "status"), "5.1.1");
	assert_string_equal(of_recipient(report, 2, "final"), "e@f");
	/* The returned headers are missing; an answer's own say the same. */
	assert_string_equal(member(report, "message_id"), KEY);
	json_decref(report);
}

static void
an_action_decides_the_kind(void **state)
{
	static const char *const cases[][2] = {
		{"delayed", "delayed"}, {"delivered", "delivered"},
		{"relayed", "relayed"}, {"expanded", "expanded"},
		{"no-such", "other"},	{"", "other"},
		{"FAILED", "failed"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char text[100];
		json_t *report;

		snprintf(text, sizeof(text),
				 "X: y\n\nFinal-Recipient: rfc822; a@b\nAction: %s\n",
				 cases[i][0]);
		report = read_status(text);
		assert_string_equal(member(report, "kind"), cases[i][1]);
		json_decref(report);
	}
}

static void
a_code_stands_in_for_a_missing_action(void **state)
{
	static const char *const cases[][2] = {
		{"5.1.1", "failed"}, {"4.4.1", "delayed"}, {"2.0.0", "delivered"}};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char text[100];
		json_t *report;

		snprintf(text, sizeof(text),
				 "X: y\n\nFinal-Recipient: rfc822; a@b\nStatus: %s\n",
				 cases[i][0]);
		report = read_status(text);
		assert_string_equal(member(report, "kind"), cases[i][1]);
		json_decref(report);
	}
}

static void
codes_are_told_from_addresses_and_versions(void **state)
{
	static const char *const cases[][2] = {
		{"550 5.7.1 no", "5.7.1"}, {"said: 550-5.1.10 null MX", "5.1.10"},
		{"(#5.1.1)", "5.1.1"},	   {"host 5.1.1.7 said no", ""},
		{"v15.1.1", ""},		   {"550 5.1.1. Try", "5.1.1"},
		{"5.1111.1", ""},		   {"3.1.1", ""},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char text[200];
		json_t *report;

		snprintf(text, sizeof(text),
				 "X: y\n\nFinal-Recipient: rfc822; a@b\nAction: failed\n"
				 "Diagnostic-Code: smtp; %s\n",
				 cases[i][0]);
		report = read_status(text);
		assert_string_equal(of_recipient(report, 0, "status"), cases[i][1]);
		json_decref(report);
	}
}

static void
a_complaint_is_told_from_a_bounce(void **state)
{
	static const char format[] =
		"To: fbl@example.com\n"
		"Content-Type: multipart/report; report-type=feedback-report; "
		"boundary=f\n\n"
		"--f\nContent-Type: text/plain\n\nAn abuse report\n"
		"--f\nContent-Type: message/feedback-report\n\n"
		"Feedback-Type: %s\nUser-Agent: x/1\nVersion: 1\n"
		"Original-Mail-From: <bounces+" TOKEN "@example.com>\n"
		"Original-Rcpt-To: <a@b.example>\n"
		"--f\nContent-Type: message/rfc822\n\nMessage-ID: <" KEY ">\n\nx\n"
		"--f--\n";
	GaText text = {0};
	json_t *report;

	(void) state;
	ga_text_printf(&text, format, "abuse");
	report = read_text(text.data);
	assert_string_equal(member(report, "kind"), "complaint");
	assert_string_equal(member(report, "feedback_type"), "abuse");
	assert_string_equal(member(report, "message_id"), KEY);
	assert_true(names_address(report, "bounces+" TOKEN "@example.com"));
	json_decref(report);
	ga_text_truncate(&text, 0);
	ga_text_printf(&text, format, "not-spam");
	report = read_text(text.data);
	assert_string_equal(member(report, "kind"), "other");
	json_decref(report);
	ga_text_free(&text);
}

static void
prose_of_qmail_and_exim_is_read(void **state)
{
	json_t *report =
		read_text("From: MAILER-DAEMON@x\nTo: bounces+" TOKEN "@example.com\n\n"
				  "Hi. This is the qmail-send program at x.\n"
				  "I'm afraid I wasn't able to deliver your message.\n\n"
				  "<a@b.example>:\n192.0.2.1 does not like recipient.\n"
				  "Remote host said: 550 5.1.1 no such user\nGiving up.\n\n"
				  "--- Below this line is a copy of the message.\n\n"
				  "Return-Path: <x@y>\nMessage-ID: <" KEY ">\n\nbody\n");

	(void) state;
	assert_string_equal(member(report, "kind"), "failed");
	assert_string_equal(of_recipient(report, 0, "final"), "a@b.example");
	assert_string_equal(of_recipient(report, 0, "status"), "5.1.1");
	assert_string_equal(member(report, "message_id"), KEY);
	json_decref(report);
	report = read_text("X-Failed-Recipients: a@b.example, c@d.example\n"
					   "From: Mailer-Daemon@x\n"
					   "To: bounces+" TOKEN "@example.com\n\n"
					   "Exim 4.96.1 says:\n  550 5.2.1 mailbox disabled\n");
	assert_string_equal(member(report, "kind"), "failed");
	assert_string_equal(of_recipient(report, 0, "final"), "a@b.example");
	assert_string_equal(of_recipient(report, 0, "status"), "5.2.1");
	json_decref(report);
}

static void
prose_of_a_mail_server_is_read(void **state)
{
	static const struct
	{
		const char *mail, *kind, *status, *diagnostic, *message_id;
	} cases[] = {
		/* Yahoo */
		{"From: MAILER-DAEMON@yahoo.com\nSubject: Failure Notice\n\n"
		 "Sorry, we were unable to deliver your message.\n\n"
		 "<a@b.example>:\n554: 5.1.1 delivery error: dd no such user\n\n"
		 "--- Below this line is a copy of the message.\n\n"
		 "Message-ID: <" KEY ">\n\n550 5.2.1 is in the message\n",
		 "failed", "5.1.1", "554: 5.1.1 delivery error: dd no such user", KEY},
		/* Sendmail before RFC 1894 */
		{"From: Mail Delivery Subsystem <MAILER-DAEMON>\n"
		 "Subject: Returned mail: User unknown\n\n"
		 " ----- The following addresses had permanent fatal errors -----\n"
		 "<a@b.example>\n\n ----- Transcript of session follows -----\n"
		 "<<< 550 a@b.example... User unknown\n\n"
		 " ----- Original message follows -----\nMessage-ID: <" KEY ">\n",
		 "failed", "", "550 a@b.example... User unknown", KEY},
		{"From: MAILER-DAEMON@x\n"
		 "Subject: Warning: could not send message for past 4 hours\n\n"
		 "THIS IS A WARNING MESSAGE ONLY\n452 4.4.1 no answer\n",
		 "delayed", "4.4.1", "452 4.4.1 no answer", ""},
		/* Domino */
		{"From: Postmaster@b.example\nSubject: DELIVERY FAILURE: User a not "
		 "listed\n\nUser a not listed in Domino Directory\n",
		 "failed", "", "", ""},
		/* gave up after 4.x.x */
		{"From: postmaster@b.example\nSubject: Undeliverable mail\n\n"
		 "451 4.4.1 timed out\n",
		 "failed", "4.4.1", "451 4.4.1 timed out", ""},
		{"From: postmaster@b.example\nSubject: DMARC report\n\n"
		 "2.0.0 in 1550 mails, call 0550 12\n",
		 "other", "", "", ""},
		{"From: Ann <ann@b.example>\nSubject: Undeliverable: lunch\n\n"
		 "550 5.1.1 was the bus I took\n",
		 "other", "", "", ""},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		json_t *report = read_text(cases[i].mail);

		assert_string_equal(member(report, "kind"), cases[i].kind);
		assert_string_equal(of_recipient(report, 0, "status"), cases[i].status);
		assert_string_equal(of_recipient(report, 0, "diagnostic"),
							cases[i].diagnostic);
		assert_string_equal(member(report, "message_id"), cases[i].message_id);
		json_decref(report);
	}
}

static void
a_field_goes_on_behind_a_blank_or_a_tab(void **state)
{
	static const char *const mails[] = {
		"A: b\nContent-Type: message/delivery-status\n\n"
		"Final-Recipient: rfc822; a@b.example\nStatus: 5.1.1\n"
		"Diagnostic-Code: smtp; 550 5.1.1 no such\n user\n",
		"A: b\nContent-Type: message/delivery-status\n\n"
		"Final-Recipient: rfc822; a@b.example\nStatus: 5.1.1\n"
		"Diagnostic-Code: smtp; 550 5.1.1 no such\n\tuser\n",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++)
	{
		json_t *report = read_text(mails[i]);

		assert_string_equal(of_recipient(report, 0, "diagnostic"),
							"550 5.1.1 no such user");
		json_decref(report);
	}
}

static void
a_notice_in_html_alone_is_read_between_its_tags(void **state)
{
	json_t *report = read_text(
		"From: postmaster@b.example\nSubject: Undeliverable mail\n"
		"Content-Type: text/html\n\n"
		"<html><body><p>Sorry.</p><p>550 5.1.1 <b>no such</b> user</p>"
		"</body></html>\n");

	(void) state;
	assert_string_equal(member(report, "kind"), "failed");
	assert_string_equal(of_recipient(report, 0, "status"), "5.1.1");
	json_decref(report);
}

static void
where_there_is_plain_text_html_does_not_count(void **state)
{
	json_t *report = read_text(
		"From: postmaster@b.example\nSubject: Undeliverable mail\n"
		"Content-Type: multipart/alternative; boundary=x\n\n"
		"--x\nContent-Type: text/html\n\n<p>550 5.2.2 full</p>\n"
		"--x\nContent-Type: text/plain\n\n550 5.1.1 no such user\n"
		"--x\nContent-Type: text/html\n\n<p>550 5.2.3 long</p>\n--x--\n");

	(void) state;
	assert_string_equal(of_recipient(report, 0, "status"), "5.1.1");
	json_decref(report);
}

/* Each of them would be a bounce without what tells that a program wrote it. */
static void
what_programs_of_persons_write_is_no_bounce(void **state)
{
	static const char *const signs[] = {
		"X-Autoreply: yes\n",
		"X-Vacation: 1\n",
		"Precedence: auto_reply\n",
		"Content-Type: message/disposition-notification\n",
	};
	char mail[256];

	(void) state;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
	{
		json_t *report;

		snprintf(mail, sizeof(mail),
				 "From: postmaster@b.example\nSubject: Undeliverable mail\n%s\n"
				 "550 5.1.1 no such user\n",
				 signs[i]);
		report = read_text(mail);
		assert_string_equal(member(report, "kind"), "other");
		json_decref(report);
	}
}

static void
what_is_no_bounce_is_other(void **state)
{
	static const char *const mails[] = {
		"Auto-Submitted: auto-replied\nTo: bounces+" TOKEN
		"@example.com\nIn-Reply-To: <" KEY ">\n\nI am on holiday.\n",
		"To: x@y\nContent-Type: multipart/report\n\nno boundary\n",
		"To: x@y\n",
		"Subject: Undelivered Mail Returned to Sender\n\n550 5.1.1\n",
		"A: b\nContent-Type: message/delivery-status\n\n",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++)
	{
		json_t *report = read_text(mails[i]);

		assert_non_null(report);
		assert_string_equal(member(report, "kind"), "other");
		json_decref(report);
	}
}

static void
what_is_no_mail_is_refused(void **state)
{
	(void) state;
	assert_null(ga_bounce_read("", 0));
	assert_null(ga_bounce_read("\0\0\xff", 3));
	assert_null(read_text("no field here"));
	assert_null(read_text("\n\n\n"));
	assert_null(read_text("From somebody"));
}

static void
depth_and_number_are_bounded(void **state)
{
	GaText text = {0};
	json_t *report;

	(void) state;
	ga_text_puts(&text, "To: x@y\n");
	for (int i = 0; i < 3000; i++)
		ga_text_printf(&text,
					   "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n",
					   i, i);
	report = read_text(text.data);
	assert_non_null(report);
	json_decref(report);
	ga_text_truncate(&text, 0);
	ga_text_puts(&text, "To: x@y\nContent-Type: message/delivery-status\n\n");
	for (int i = 0; i < 1000; i++)
		ga_text_printf(&text, "Final-Recipient: rfc822; a%d@b\n\n", i);
	report = read_text(text.data);
	assert_int_equal(json_array_size(json_object_get(report, "recipients")),
					 20);
	json_decref(report);
	ga_text_free(&text);
}

/* Every cut, and thousands of mails with bytes changed, moved and doubled. */
static void
damaged_mail_does_no_harm(void **state)
{
	size_t length = strlen(postfix);
	uint32_t seed = 1;

	(void) state;
	for (size_t cut = 0; cut <= length; cut++)
	{
		char *copy = malloc(cut + 1);

		memcpy(copy, postfix, cut);
		json_decref(ga_bounce_read(copy, cut));
		free(copy);
	}
	for (int turn = 0; turn < 3000; turn++)
	{
		char *copy = malloc(length);

		memcpy(copy, postfix, length);
		for (int change = 0; change < 8; change++)
		{
			static const char bytes[] = "\n\r\0\t :;<>@=-.\"\xff"
										"Aa0";
			size_t from;
			size_t to;

			seed = seed * 1664525u + 1013904223u;
			from = (seed >> 8) % (length - 40);
			seed = seed * 1664525u + 1013904223u;
			to = (seed >> 8) % (length - 40);
			if (change % 2)
				memmove(copy + to, copy + from, 40);
			else
				copy[to] = bytes[seed % (sizeof(bytes) - 1)];
		}
		json_decref(ga_bounce_read(copy, length));
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_of_postfix_says_all),
		cmocka_unit_test(line_ends_and_a_mailbox_line_do_not_matter),
		cmocka_unit_test(encoded_and_nested_parts_are_read),
		cmocka_unit_test(several_recipients_need_no_blank_line),
		cmocka_unit_test(an_action_decides_the_kind),
		cmocka_unit_test(a_code_stands_in_for_a_missing_action),
		cmocka_unit_test(codes_are_told_from_addresses_and_versions),
		cmocka_unit_test(a_complaint_is_told_from_a_bounce),
		cmocka_unit_test(prose_of_qmail_and_exim_is_read),
		cmocka_unit_test(prose_of_a_mail_server_is_read),
		cmocka_unit_test(a_field_goes_on_behind_a_blank_or_a_tab),
		cmocka_unit_test(a_notice_in_html_alone_is_read_between_its_tags),
		cmocka_unit_test(where_there_is_plain_text_html_does_not_count),
		cmocka_unit_test(what_programs_of_persons_write_is_no_bounce),
		cmocka_unit_test(what_is_no_bounce_is_other),
		cmocka_unit_test(what_is_no_mail_is_refused),
		cmocka_unit_test(depth_and_number_are_bounded),
		cmocka_unit_test(damaged_mail_does_no_harm),
	};

	ga_mail_start();
	return cmocka_run_group_tests_name("bounce", tests, NULL, NULL);
}
