/*
 * evidence_test.c
 *		Whom a refusal blames: the recipient, us, or nobody knows yet.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* The dispatcher's one pure file; the programs here are linked with the courier. */
#include "dispatch/provider/evidence.c"

static uint64_t
words(const char *code, const char *text)
{
	return ga_evidence_words(code, strlen(code), text, strlen(text));
}

static GaDoubt
doubt_of(const char *recipient, bool blames_us, int refusals)
{
	return (GaDoubt){
		.words = words("550 5.7.1", "not allowed"),
		.recipient = ga_evidence_recipient(recipient),
		.blames_us = blames_us,
		.refusals = refusals,
	};
}

static GaRuling
refuse(GaEvidence *evidence, const char *recipient, bool blames_us,
	   int refusals)
{
	GaDoubt doubt = doubt_of(recipient, blames_us, refusals);

	return ga_evidence_rule(evidence, &doubt);
}

static void
words_do_not_depend_on_addresses_numbers_and_hosts(void **state)
{
	uint64_t one = words("554 5.7.1", "<a@example.com>: Relay access denied");

	(void) state;
	assert_true(one ==
				words("554 5.7.1", "<bob@example.org>: Relay access denied"));
	assert_true(one == words("554 5.7.1", "relay access DENIED, 4711"));
	assert_true(one ==
				words("554 5.7.1", "mx1.example.com Relay access denied."));
	assert_true(one != words("550 5.7.1", "Relay access denied"));
	assert_true(one != words("554 5.7.1", "Sender is not verified"));
	assert_true(words("21408", "for the region of '+4915112345678'") ==
				words("21408", "for the region of '+27821234567'"));
}

static void
the_same_refusal_of_three_is_ours(void **state)
{
	GaEvidence evidence = {0};

	(void) state;
	assert_int_equal(refuse(&evidence, "a", false, 0), GA_RULING_PUT_OFF);
	assert_int_equal(refuse(&evidence, "b", false, 0), GA_RULING_PUT_OFF);
	assert_int_equal(refuse(&evidence, "b", false, 1), GA_RULING_PUT_OFF);
	assert_int_equal(refuse(&evidence, "c", false, 0), GA_RULING_PAUSE);
	assert_int_equal(refuse(&evidence, "a", false, 1), GA_RULING_PAUSE);
}

static void
a_refusal_among_acceptances_is_the_recipients(void **state)
{
	GaEvidence evidence = {0};

	(void) state;
	for (int blames_us = 0; blames_us < 2; blames_us++)
	{
		assert_int_equal(refuse(&evidence, "a", blames_us, 0),
						 GA_RULING_PUT_OFF);
		ga_evidence_accept(&evidence);
		assert_int_equal(refuse(&evidence, "a", blames_us, 1),
						 GA_RULING_REJECT);
		ga_evidence_accept(&evidence);
	}
}

static void
an_acceptance_before_the_first_refusal_proves_nothing(void **state)
{
	GaEvidence evidence = {0};

	(void) state;
	ga_evidence_accept(&evidence);
	assert_int_equal(refuse(&evidence, "a", true, 0), GA_RULING_PUT_OFF);
	assert_int_equal(refuse(&evidence, "b", true, 0), GA_RULING_PUT_OFF);
	assert_int_equal(refuse(&evidence, "c", true, 0), GA_RULING_PAUSE);
}

static void
two_kinds_of_refusals_in_turns_are_counted_apart(void **state)
{
	GaEvidence evidence = {0};
	GaDoubt other = doubt_of("x", true, 0);

	(void) state;
	other.words = words("451", "something else");
	for (int i = 0; i < 2; i++)
	{
		char name[2] = {(char) ('a' + i), 0};

		assert_int_equal(refuse(&evidence, name, true, 0), GA_RULING_PUT_OFF);
		other.recipient = ga_evidence_recipient(name);
		assert_int_equal(ga_evidence_rule(&evidence, &other),
						 GA_RULING_PUT_OFF);
	}
	assert_int_equal(refuse(&evidence, "c", true, 0), GA_RULING_PAUSE);
}

static void
with_nothing_to_compare_the_guess_counts(void **state)
{
	GaEvidence evidence = {0};

	(void) state;
	assert_int_equal(refuse(&evidence, "a", false, 0), GA_RULING_PUT_OFF);
	assert_int_equal(refuse(&evidence, "a", false, 1), GA_RULING_REJECT);
	assert_int_equal(refuse(&evidence, "b", true, 1), GA_RULING_PUT_OFF);
	assert_int_equal(refuse(&evidence, "b", true, 2), GA_RULING_PAUSE_ALONE);
}

static void
what_pauses_twice_is_set_aside(void **state)
{
	GaEvidence evidence = {0};
	GaDoubt doubt = doubt_of("a", true, 1);

	(void) state;
	for (; doubt.pauses < 2; doubt.pauses++)
		assert_int_equal(ga_evidence_rule(&evidence, &doubt),
						 GA_RULING_PAUSE_ALONE);
	assert_int_equal(ga_evidence_rule(&evidence, &doubt), GA_RULING_SET_ASIDE);
}

static void
what_paused_alone_is_the_recipients_once_others_are_accepted(void **state)
{
	(void) state;
	/* Forgotten when the provider was resumed. */
	GaEvidence evidence = {0};
	GaDoubt doubt = doubt_of("a", true, 0);

	doubt.pauses = 1;
	ga_evidence_accept(&evidence);
	assert_int_equal(ga_evidence_rule(&evidence, &doubt), GA_RULING_REJECT);
}

static void
nothing_is_put_off_for_ever(void **state)
{
	(void) state;
	for (int recipients = 1; recipients <= 2; recipients++)
	{
		GaEvidence evidence = {0};
		GaDoubt doubt = doubt_of("a", true, 0);
		int64_t waited_ms = 0;

		doubt.is_others_turn = true;
		if (recipients == 2)
			(void) refuse(&evidence, "b", true, 0);
		while (ga_evidence_rule(&evidence, &doubt) == GA_RULING_PUT_OFF)
			waited_ms += ga_evidence_wait_ms(doubt.refusals++);
		assert_true(doubt.refusals >= 1 && doubt.refusals < 10);
		assert_true(waited_ms > 0 && waited_ms <= 120000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_do_not_depend_on_addresses_numbers_and_hosts),
		cmocka_unit_test(the_same_refusal_of_three_is_ours),
		cmocka_unit_test(a_refusal_among_acceptances_is_the_recipients),
		cmocka_unit_test(an_acceptance_before_the_first_refusal_proves_nothing),
		cmocka_unit_test(two_kinds_of_refusals_in_turns_are_counted_apart),
		cmocka_unit_test(with_nothing_to_compare_the_guess_counts),
		cmocka_unit_test(what_pauses_twice_is_set_aside),
		cmocka_unit_test(
			what_paused_alone_is_the_recipients_once_others_are_accepted),
		cmocka_unit_test(nothing_is_put_off_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
