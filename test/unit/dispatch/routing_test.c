/*
 * routing_test.c
 *		Which of several providers takes which messages.
 */
#include "stand_in.h"

#include "dispatch/provider/routing.h"

static GaProvider *
named(const char *server)
{
	GaProvider *provider = ga_provider_named(server);

	assert_non_null(provider);
	return provider;
}

static bool
takes_messages(const char *server)
{
	return ga_provider_capacity(named(server), the_time) > 0;
}

static void
assert_texts(Datum array, int count, ...)
{
	const Texts *texts = texts_of(array);
	va_list wanted;

	assert_int_equal(texts->count, count);
	va_start(wanted, count);
	for (int i = 0; i < count; i++)
		assert_string_equal(texts->list[i], va_arg(wanted, const char *));
	va_end(wanted);
}

static void
fault_five_times(GaProvider *provider)
{
	for (int i = 0; i < 5; i++)
	{
		claim(provider, 1, 8);
		finish(provider, GA_OUTCOME_RETRY, GA_OUTCOME_PROVIDER_FAULT);
	}
}

static void
the_lowest_priority_takes_all_and_the_next_nothing(void **state)
{
	(void) state;
	load(2, row_of("second", "twilio", "priority", "20", NULL),
		 row_of("first", "vonage", "priority", "10", NULL));
	assert_true(takes_messages("first"));
	assert_false(takes_messages("second"));
	assert_true(ga_provider_next_turn(named("second"), the_time) ==
				GA_MONOTONIC_NEVER);
	assert_true(named("second")->filter.has_left);
	assert_texts(named("second")->filter.left, 1, "%");
}

static void
without_a_priority_it_is_a_hundred(void **state)
{
	(void) state;
	load(3, row_of("none", "twilio", NULL),
		 row_of("before", "vonage", "priority", "99", NULL),
		 row_of("behind", "plivo", "priority", "101", NULL));
	assert_true(takes_messages("before"));
	assert_int_equal(texts_of(named("none")->filter.left)->count, 1);
	assert_int_equal(texts_of(named("behind")->filter.left)->count, 2);
}

static void
equals_share_all(void **state)
{
	(void) state;
	load(2, row_of("one", "twilio", NULL), row_of("other", "vonage", NULL));
	assert_true(takes_messages("one"));
	assert_true(takes_messages("other"));
	assert_false(named("one")->filter.has_left);
	assert_false(named("other")->filter.has_left);
}

static void
channels_are_not_in_each_others_way(void **state)
{
	(void) state;
	load(2, row_of("sms", "twilio", "priority", "1", NULL),
		 row_of("mail", "smtp", "priority", "2", NULL));
	assert_true(takes_messages("sms"));
	assert_true(takes_messages("mail"));
	assert_int_equal(named("sms")->channel, GA_CHANNEL_MOBILE);
	assert_int_equal(named("mail")->channel, GA_CHANNEL_EMAIL);
}

static void
of_several_webhooks_each_hears_everything(void **state)
{
	(void) state;
	load(2, row_of("first", "webhook", "priority", "1", NULL),
		 row_of("second", "webhook", "priority", "2", NULL));
	assert_true(takes_messages("first"));
	assert_true(takes_messages("second"));
}

static void
the_next_takes_over_while_the_first_is_paused(void **state)
{
	GaProviderRow first = row_of("first", "twilio", "priority", "1", NULL);
	GaProviderRow second = row_of("second", "vonage", "priority", "2", NULL);

	(void) state;
	first.is_paused = true;
	load(2, first, second);
	assert_false(takes_messages("first"));
	assert_true(ga_provider_next_turn(named("first"), the_time) ==
				GA_MONOTONIC_NEVER);
	assert_true(takes_messages("second"));
	first.is_paused = false;
	load(2, first, second);
	assert_true(takes_messages("first"));
	assert_false(takes_messages("second"));
}

static void
the_next_takes_over_while_the_first_rests_and_is_probed(void **state)
{
	(void) state;
	load(2, row_of("first", "twilio", "priority", "1", NULL),
		 row_of("second", "vonage", "priority", "2", NULL));
	fault_five_times(named("first"));
	ga_providers_route(the_time);
	assert_false(takes_messages("first"));
	assert_true(takes_messages("second"));
	/* The rest is over: one message probes, all others go on elsewhere. */
	pass_ms(2000);
	ga_providers_route(the_time);
	assert_int_equal(ga_provider_capacity(named("first"), the_time), 1);
	assert_true(takes_messages("second"));
	claim(named("first"), 1, 1);
	finish(named("first"), GA_OUTCOME_ACCEPTED, 0);
	ga_providers_route(the_time);
	assert_true(ga_provider_capacity(named("first"), the_time) > 1);
	assert_false(takes_messages("second"));
}

static void
of_equals_the_one_made_for_the_recipients_goes_first(void **state)
{
	(void) state;
	load(2, row_of("any", "twilio", NULL),
		 row_of("africa", "vonage", "prefixes", "+27, +234", NULL));
	assert_true(named("africa")->filter.has_taken);
	assert_texts(named("africa")->filter.taken, 2, "+27%", "+234%");
	assert_false(named("africa")->filter.has_left);
	assert_false(named("any")->filter.has_taken);
	assert_texts(named("any")->filter.left, 2, "+27%", "+234%");
	/* It still takes what begins otherwise. */
	assert_true(takes_messages("any"));
}

static void
a_priority_counts_before_prefixes(void **state)
{
	(void) state;
	load(2, row_of("any", "twilio", "priority", "1", NULL),
		 row_of("africa", "vonage", "prefixes", "+27", "priority", "2", NULL));
	assert_true(takes_messages("any"));
	assert_false(takes_messages("africa"));
}

static void
a_prefix_of_a_mail_is_its_domain(void **state)
{
	(void) state;
	load(1, row_of("mail", "smtp", "prefixes", "example.com", NULL));
	assert_texts(named("mail")->filter.taken, 1, "%@example.com");
}

static void
a_prefix_is_no_pattern(void **state)
{
	(void) state;
	load(1, row_of("mail", "smtp", "prefixes", "a_b%.c\\d", NULL));
	assert_texts(named("mail")->filter.taken, 1, "%@a\\_b\\%.c\\\\d");
}

static void
routes_are_made_anew_only_when_somebody_comes_or_goes(void **state)
{
	GaProvider *first;

	(void) state;
	load(2, row_of("first", "twilio", "priority", "1", NULL),
		 row_of("second", "vonage", "priority", "2", NULL));
	first = named("first");
	claim(first, 3, 8);
	assert_int_not_equal(first->reading.cursor.start_tag, GA_START_TAG_MIN);
	ga_providers_route(the_time);
	assert_int_not_equal(first->reading.cursor.start_tag, GA_START_TAG_MIN);
	/* Its rows are the same, whoever comes behind it. */
	named("second")->is_paused = true;
	ga_providers_route(the_time);
	assert_int_not_equal(first->reading.cursor.start_tag, GA_START_TAG_MIN);
	first->is_paused = true;
	ga_providers_route(the_time);
	assert_int_equal(first->reading.cursor.start_tag, GA_START_TAG_MIN);
}

static void
who_takes_others_rows_now_begins_at_the_front(void **state)
{
	GaProvider *second;

	(void) state;
	load(2, row_of("first", "twilio", "prefixes", "+27", NULL),
		 row_of("second", "vonage", NULL));
	second = named("second");
	claim(second, 3, 8);
	named("first")->is_paused = true;
	ga_providers_route(the_time);
	assert_int_equal(second->reading.cursor.start_tag, GA_START_TAG_MIN);
}

static void
one_that_is_dropped_takes_nothing_and_stays_until_its_messages_are_back(
	void **state)
{
	GaProvider *gone;

	(void) state;
	load(2, row_of("gone", "twilio", "priority", "1", NULL),
		 row_of("stays", "vonage", "priority", "2", NULL));
	gone = named("gone");
	claim(gone, 1, 8);
	load(1, row_of("stays", "vonage", "priority", "2", NULL));
	assert_ptr_equal(named("gone"), gone);
	assert_int_equal(ga_provider_capacity(gone, the_time), 0);
	assert_true(ga_provider_next_turn(gone, the_time) == GA_MONOTONIC_NEVER);
	assert_true(takes_messages("stays"));
	finish(gone, GA_OUTCOME_ACCEPTED, 0);
	load(1, row_of("stays", "vonage", "priority", "2", NULL));
	assert_null(ga_provider_named("gone"));
}

static void
those_that_hold_what_is_uncertain_are_told(void **state)
{
	(void) state;
	load(3, row_of("holds", "twilio", "on_uncertain", "hold", NULL),
		 row_of("resends", "vonage", "on_uncertain", "resend", NULL),
		 row_of("default", "plivo", NULL));
	assert_texts(ga_providers_that_hold(), 1, "holds");
}

#define TEST(name) cmocka_unit_test_setup(name, begin_anew)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_lowest_priority_takes_all_and_the_next_nothing),
		TEST(without_a_priority_it_is_a_hundred),
		TEST(equals_share_all),
		TEST(channels_are_not_in_each_others_way),
		TEST(of_several_webhooks_each_hears_everything),
		TEST(the_next_takes_over_while_the_first_is_paused),
		TEST(the_next_takes_over_while_the_first_rests_and_is_probed),
		TEST(of_equals_the_one_made_for_the_recipients_goes_first),
		TEST(a_priority_counts_before_prefixes),
		TEST(a_prefix_of_a_mail_is_its_domain),
		TEST(a_prefix_is_no_pattern),
		TEST(routes_are_made_anew_only_when_somebody_comes_or_goes),
		TEST(who_takes_others_rows_now_begins_at_the_front),
		TEST(
			one_that_is_dropped_takes_nothing_and_stays_until_its_messages_are_back),
		TEST(those_that_hold_what_is_uncertain_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
