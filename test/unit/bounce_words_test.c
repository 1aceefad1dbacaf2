/*
 * bounce_words_test.c
 *		Returned mail whose words decide: whether a mail server or somebody's
 *		program wrote it, whether it has given up, and whom it is about.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "courier/bounce/bounce.h"
#include "courier/smtp/mail.h"

#define PERSON "Return-Path: <>\nFrom: Ann <a.smith@b.example>\n"
#define SERVER "From: MAILER-DAEMON@b.example\n"
#define TEXT "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n"

/* "failed" by a server stands for all that becomes a failure. */
static const char *
fate(json_t *report)
{
	const char *kind = json_string_value(json_object_get(report, "kind"));

	if (strcmp(kind, "other") == 0 &&
		json_object_get(report, "feedback_type") == NULL &&
		json_is_true(json_object_get(report, "is_by_server")))
		return "failed";
	return kind;
}

static void
check(const char *mail, const char *expected)
{
	json_t *report = ga_bounce_read(mail, strlen(mail));

	assert_non_null(report);
	if (strcmp(fate(report), expected) != 0)
		print_message("%s", mail);
	assert_string_equal(fate(report), expected);
	json_decref(report);
}

static void
check_subject(const char *head, const char *subject, const char *text,
			  const char *expected)
{
	char mail[1024];

	snprintf(mail, sizeof(mail), "%sSubject: %s\n" TEXT "%s", head, subject,
			 text);
	check(mail, expected);
}

/* A text like a failure's, so that the subject alone tells. */
static void
an_automatic_reply_is_told_by_its_subject(void **state)
{
	static const char *const subjects[] = {
		"Automatic reply: invitation",
		"=?iso-8859-1?Q?R=E9ponse_automatique_:_invitation?=",
		/* Automatische Antwort: Grüße */
		"=?utf-8?B?QXV0b21hdGlzY2hlIEFudHdvcnQ6IEdyw7zDn2U=?=",
		/* cut inside, as long ones are */
		"=?utf-8?Q?Automatische_Ant?=\n =?utf-8?Q?wort=3A_invitation?=",
		/* 自动回复 */
		"=?gb18030?B?19S2r7vYuLQ=?=",
		"自动答复: invitation",
		"Автоответ: invitation",
		"АВТООТВЕТ: invitation",
		"Odpowiedź automatyczna: invitation",
		"OOO: invitation",
		"Re: invitation (OOO)",
		"Auto-Response: invitation",
		"AutoResponse: invitation",
		"Vacation reply",
		/* a group's name behind it */
		"Automatic reply: Failed artists, returned",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
		check_subject(PERSON, subjects[i], "550 5.1.1 no such user\n", "other");
}

/* What a group is called stands behind what the mail server says. */
static void
a_failure_about_a_group_called_vacation_is_none_of_a_person(void **state)
{
	static const char *const subjects[] = {
		"Undeliverable: On holiday in Spain",
		"Undeliverable: Vacation in Spain",
		"=?utf-8?B?VW56dXN0ZWxsYmFyOiBBYndlc2VuaGVpdA==?=",
		"Undeliverable: Ooops",
		"Ooops",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
		check_subject(SERVER, subjects[i], "550 5.1.1 no such user\n",
					  "failed");
}

static void
a_mail_server_is_known_by_its_encoded_name(void **state)
{
	(void) state;
	check("From: =?utf-8?Q?Mail_Delivery_System?= <noreply@b.example>\n"
		  "Subject: Undeliverable mail\n\n550 5.1.1 no such user\n",
		  "failed");
	check("From: =?utf-8?Q?Ann?= <ann@b.example>\n"
		  "Subject: Undeliverable mail\n\n550 5.1.1 no such user\n",
		  "other");
}

static void
what_has_failed_is_no_delay(void **state)
{
	static const struct
	{
		const char *subject, *text, *expected;
	} cases[] = {
		{"Undeliverable: Delayed trains club", "ann was not found.\n",
		 "failed"},
		{"DELIVERY FAILURE: ann not listed (deferred)", "Sorry.\n", "failed"},
		{"Mail delivery failed: warning", "450 4.2.2 full\n", "failed"},
		/* 系统退信/Systems bounce */
		{"=?utf-8?B?57O757uf6YCA5L+hL1N5c3RlbXMgYm91bmNl?=",
		 "421 4.2.2 Connection timed out\nwe gave up\n", "failed"},
		{"UNZUSTELLBARE NACHRICHT: x", "452 4.2.2 Mailbox full\n", "failed"},
		{"Non remis : x", "451 4.4.1 no answer\n", "failed"},
		{"НЕДОСТАВЛЕНО", "450 4.1.1 full\n", "failed"},
		{"Delivery status notification: error", "a@b: 451 4.7.1 later\n",
		 "failed"},
		{"Mail status", "451 4.4.1 no answer\n", "failed"},
		{"Mail status", "Subject: Delayed trains\n451 4.4.1 no answer\n",
		 "failed"},
		{"Warning: could not be sent", "550 5.1.1 no such user\n", "failed"},
		{"Delayed: Failed artists", "We go on.\n", "delayed"},
		{"Warning: Failed artists", "451 4.4.1 no answer\n", "delayed"},
		{"Mail status", "451 4.4.1 no answer\nIt will be retried.\n",
		 "delayed"},
		{"Undeliverable", "451 4.4.1 no answer\nIt was delayed.\n", "failed"},
		{"=?utf-8?Q?Verz=C3=B6gerung?=", "We go on.\n", "delayed"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_subject(SERVER, cases[i].subject, cases[i].text,
					  cases[i].expected);
}

/* As a mail server tells who asked for it; it proves no arrival. */
static void
what_was_passed_on_is_no_failure(void **state)
{
	static const struct
	{
		const char *subject, *text, *expected;
	} cases[] = {
		{"Delivery Status Notification (Success)", "It went on.\n", "relayed"},
		{"Successful Mail Delivery Report", "It went on.\n", "relayed"},
		{"Delivered: Failed artists", "It went on.\n", "relayed"},
		{"RELAYED: invitation", "250 2.1.5 ok\n", "relayed"},
		{"Mail was successfully delivered", "<a@b.example>:\nSorry.\n",
		 "failed"},
		{"Delivery Status Notification (Success)", "550 no such user\n",
		 "failed"},
		{"Delivery Status Notification (Success)",
		 "It could not be delivered.\n", "failed"},
		{"Undelivered: invitation", "Sorry.\n", "failed"},
		{"Not delivered: invitation", "Sorry.\n", "failed"},
		{"Unsuccessful mail delivery", "Sorry.\n", "failed"},
		{"Delivery was not successful (success)", "Sorry.\n", "failed"},
		{"Failure: delivered: late", "Sorry.\n", "failed"},
		{"It has not been delivered: late", "Sorry.\n", "failed"},
		{"Delayed: delivered: late", "We go on.\n", "delayed"},
		{"Successful artists", "Sorry.\n", "failed"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_subject(SERVER, cases[i].subject, cases[i].text,
					  cases[i].expected);
}

static void
a_feedback_type_stands_between_comments_and_quotes(void **state)
{
	static const struct
	{
		const char *field, *kind, *type;
	} cases[] = {
		{"Feedback-Type: not-spam (user (or so) moved it)\n", "other",
		 "not-spam"},
		{"Feedback-Type: (a \\) b) Auth-Failure(DMARC)\n", "other",
		 "Auth-Failure"},
		{"Feedback-Type: \"not-spam\"\n", "other", "not-spam"},
		{"Feedback-Type: not-spam; x\n", "other", "not-spam"},
		{"Feedback-Type: abuse (they clicked)\n", "complaint", "abuse"},
		{"Feedback-Type: opt-out-list\n", "complaint", "opt-out-list"},
		{"Feedback-Type: (only\n", "other", "none"},
		{"", "other", "none"},
	};
	char mail[512];

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		json_t *report;

		snprintf(mail, sizeof(mail),
				 SERVER "Content-Type: message/feedback-report\n\n"
						"%sVersion: 1\n",
				 cases[i].field);
		check(mail, cases[i].kind);
		report = ga_bounce_read(mail, strlen(mail));
		assert_string_equal(
			json_string_value(json_object_get(report, "feedback_type")),
			cases[i].type);
		json_decref(report);
	}
}

static void
a_recipient_is_read_in_each_of_its_forms(void **state)
{
	static const char *const cases[][2] = {
		{"rfc822; @relay.example:ann@example.org", "ann@example.org"},
		{"rfc822; <@a.example,@b.example:ann@example.org>", "ann@example.org"},
		{"rfc822; ann@[IPv6:2001:db8::1]", "ann@[IPv6:2001:db8::1]"},
		{"utf-8; j\\x{FC}rgen@example.org", "jürgen@example.org"},
		{"utf-8; \\x{1F600}a\\x{2B}b@example.org", "😀a+b@example.org"},
		/* no characters: surrogates, controls, beyond the last, unfinished */
		{"utf-8; a\\x{D800}@b.example", "a\\x{D800}@b.example"},
		{"utf-8; a\\x{0}@b.example", "a\\x{0}@b.example"},
		{"utf-8; a\\x{110000}@b.example", "a\\x{110000}@b.example"},
		{"utf-8; a\\x{FC@b.example", "a\\x{FC@b.example"},
		{"utf-8; a\\x{}@b.example", "a\\x{}@b.example"},
		{"LOCAL; ann", "ann"},
		{"x400; /G=Ann/S=X/", "/G=Ann/S=X/"},
	};
	char mail[512];

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		json_t *report;
		json_t *one;

		snprintf(mail, sizeof(mail),
				 SERVER "Content-Type: message/delivery-status\n\n"
						"Final-Recipient: %s\nAction: failed\n",
				 cases[i][0]);
		report = ga_bounce_read(mail, strlen(mail));
		one = json_array_get(json_object_get(report, "recipients"), 0);
		assert_string_equal(json_string_value(json_object_get(one, "final")),
							cases[i][1]);
		json_decref(report);
	}
}

/* Whose address tells nothing, and who leaves the path empty. */
static void
an_empty_path_needs_a_failure_beside_it(void **state)
{
	static const struct
	{
		const char *fields, *text, *expected;
	} cases[] = {
		{"", "I am away until Monday.\n", "other"},
		{"", "Call 212-555-0100 or 555 1234.\n", "other"},
		{"", "-----Original Message-----\nhello\n", "other"},
		{"", "550 no such user here\n", "failed"},
		{"", "a@b: 5.1.1\n", "failed"},
		{"", "Your mail could not be delivered to a@b.\n", "failed"},
		{"", "<a@b.example>:\nSorry.\n", "failed"},
		{"X-Auto-Reply: yes\n", "550 no such user here\n", "other"},
		{"X-Autogenerated: Reply\n", "550 no such user here\n", "other"},
		{"X-Mailer: Zimbra Vacation\n", "550 no such user here\n", "other"},
		{"Precedence: bulk\n", "550 no such user here\n", "other"},
		{"Precedence: junk\n", "550 no such user here\n", "other"},
		{"Precedence: list\n", "550 no such user here\n", "failed"},
	};
	char head[256];

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		snprintf(head, sizeof(head), PERSON "%s", cases[i].fields);
		check_subject(head, "Re: invitation", cases[i].text, cases[i].expected);
	}
	check_subject(PERSON, "Undeliverable", "Sorry.\n", "failed");
	check(PERSON "Content-Type: message/rfc822\n\nMessage-ID: <a@b>\n\nx\n",
		  "failed");
	check(PERSON "Content-Type: text/rfc822-headers\n\nMessage-ID: <a@b>\n",
		  "failed");
	/* a mail server's own address needs nothing, bulk or not */
	check(SERVER "Precedence: bulk\nSubject: x\n\nSorry.\n", "failed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_automatic_reply_is_told_by_its_subject),
		cmocka_unit_test(
			a_failure_about_a_group_called_vacation_is_none_of_a_person),
		cmocka_unit_test(a_mail_server_is_known_by_its_encoded_name),
		cmocka_unit_test(what_has_failed_is_no_delay),
		cmocka_unit_test(what_was_passed_on_is_no_failure),
		cmocka_unit_test(a_feedback_type_stands_between_comments_and_quotes),
		cmocka_unit_test(a_recipient_is_read_in_each_of_its_forms),
		cmocka_unit_test(an_empty_path_needs_a_failure_beside_it),
	};

	ga_mail_start();
	return cmocka_run_group_tests_name("bounce words", tests, NULL, NULL);
}
