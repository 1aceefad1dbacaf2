/*
 * rest_test.c
 *		When a provider is left alone, and for how long.
 */
#include "stand_in.h"

#include "dispatch/provider/routing.h"

#define DAY_MS (INT64CONST(24) * 3600 * 1000)
#define UNREACHED (GA_OUTCOME_PROVIDER_FAULT | GA_OUTCOME_UNREACHED)

static void
fault(GaProvider *provider)
{
	claim(provider, 1, 8);
	finish(provider, GA_OUTCOME_RETRY, GA_OUTCOME_PROVIDER_FAULT);
}

static void
fault_times(GaProvider *provider, int times)
{
	for (int i = 0; i < times; i++)
		fault(provider);
}

static int64
rest_ms(const GaProvider *provider)
{
	return provider->rest_until > the_time
			   ? (provider->rest_until - the_time) / 1000
			   : 0;
}

static void
four_faults_are_no_reason_five_in_a_row_are(void **state)
{
	GaProvider *provider = load_one(NULL);

	(void) state;
	fault_times(provider, 4);
	assert_int_equal(rest_ms(provider), 0);
	assert_true(ga_provider_capacity(provider, the_time) > 1);
	fault(provider);
	assert_int_equal(rest_ms(provider), 1000);
	assert_int_equal(ga_provider_capacity(provider, the_time), 0);
	assert_true(ga_provider_next_turn(provider, the_time) ==
				provider->rest_until);
}

static void
whatever_is_no_fault_of_the_provider_ends_the_row(void **state)
{
	static const GaOutcomeClass classes[] = {
		GA_OUTCOME_ACCEPTED, GA_OUTCOME_REJECTED, GA_OUTCOME_RETRY,
		GA_OUTCOME_UNCERTAIN};

	(void) state;
	for (int i = 0; i < lengthof(classes); i++)
	{
		GaProvider *provider;

		begin_anew(NULL);
		provider = load_one(NULL);
		fault_times(provider, 4);
		claim(provider, 1, 8);
		finish(provider, classes[i], 0);
		fault_times(provider, 4);
		assert_int_equal(rest_ms(provider), 0);
	}
}

static void
after_a_rest_one_message_shows_whether_it_is_over(void **state)
{
	GaProvider *provider = load_one(NULL);

	(void) state;
	fault_times(provider, 5);
	pass_ms(999);
	assert_int_equal(ga_provider_capacity(provider, the_time), 0);
	pass_ms(1);
	assert_int_equal(ga_provider_capacity(provider, the_time), 1);
	claim(provider, 1, 1);
	assert_int_equal(ga_provider_capacity(provider, the_time), 0);
	finish(provider, GA_OUTCOME_ACCEPTED, 0);
	assert_int_equal(ga_provider_capacity(provider, the_time), 8);
}

static void
rests_double_up_to_a_minute(void **state)
{
	static const int expected[] = {1000,  2000,	 4000,	8000, 16000,
								   32000, 60000, 60000, 60000};
	GaProvider *provider = load_one(NULL);

	(void) state;
	fault_times(provider, 4);
	for (int i = 0; i < lengthof(expected); i++)
	{
		fault(provider);
		assert_int_equal(rest_ms(provider), expected[i]);
		pass_ms(rest_ms(provider) + 1);
	}
	for (int i = 0; i < 2000; i++)
	{
		fault(provider);
		pass_ms(rest_ms(provider) + 1);
	}
	fault(provider);
	assert_int_equal(rest_ms(provider), 60000);
}

static void
what_was_under_way_when_the_rest_began_is_no_further_fault(void **state)
{
	GaProvider *provider = load_one(NULL);

	(void) state;
	claim(provider, 8, 8);
	for (int i = 0; i < 8; i++)
		finish(provider, GA_OUTCOME_RETRY, GA_OUTCOME_PROVIDER_FAULT);
	assert_int_equal(rest_ms(provider), 1000);
	assert_int_equal(provider->faults, 5);
}

static void
who_says_when_to_come_again_is_left_alone_until_then(void **state)
{
	GaProvider *provider = load_one(NULL);

	(void) state;
	claim(provider, 1, 8);
	finish_with(provider, GA_OUTCOME_RETRY, GA_OUTCOME_PROVIDER_FAULT,
				"http 429", 30000);
	assert_int_equal(rest_ms(provider), 30000);
	/* One message's own Retry-After is no rest of the provider. */
	pass_ms(30001);
	claim(provider, 1, 8);
	finish_with(provider, GA_OUTCOME_RETRY, 0, "450 4.2.0", 30000);
	assert_int_equal(rest_ms(provider), 0);
	/* Nobody is believed for longer than a day. */
	claim(provider, 1, 8);
	finish_with(provider, GA_OUTCOME_RETRY, GA_OUTCOME_PROVIDER_FAULT,
				"http 429", 7 * DAY_MS);
	assert_int_equal(rest_ms(provider), DAY_MS);
}

static GaProvider *
claim_for_the_first_of_two(void)
{
	GaProvider *dead;

	load(2, row_of("dead", "twilio", "priority", "1", NULL),
		 row_of("well", "vonage", "priority", "2", NULL));
	dead = ga_provider_named("dead");
	claim(dead, 1, 8);
	return dead;
}

static void
one_that_cannot_be_reached_gives_way_at_once_to_one_that_can(void **state)
{
	GaProvider *dead = claim_for_the_first_of_two();

	(void) state;
	finish_with(dead, GA_OUTCOME_RETRY, UNREACHED, "curl 6", -1);
	assert_int_equal(rest_ms(dead), 1000);
	assert_true(ga_provider_gives_way(dead, the_time));
	ga_providers_route(the_time);
	assert_true(ga_provider_capacity(ga_provider_named("well"), the_time) > 0);
	pass_ms(1001);
	assert_false(ga_provider_gives_way(dead, the_time));
	/* It is probed, and once reached it is well. */
	ga_providers_route(the_time);
	assert_int_equal(ga_provider_capacity(dead, the_time), 1);
	claim(dead, 1, 1);
	finish(dead, GA_OUTCOME_ACCEPTED, 0);
	assert_int_equal(ga_provider_capacity(dead, the_time), 8);
}

static void
one_that_was_reached_and_failed_does_not_give_way(void **state)
{
	GaProvider *dead = claim_for_the_first_of_two();

	(void) state;
	finish_with(dead, GA_OUTCOME_RETRY, GA_OUTCOME_PROVIDER_FAULT, "http 503",
				-1);
	assert_int_equal(rest_ms(dead), 0);
	assert_false(ga_provider_gives_way(dead, the_time));
	/* Nor where bytes may have left. */
	claim(dead, 1, 8);
	finish_with(dead, GA_OUTCOME_UNCERTAIN, GA_OUTCOME_PROVIDER_FAULT,
				"curl 28", -1);
	assert_int_equal(rest_ms(dead), 0);
}

/* `other` as the only alternative of a provider that cannot be reached */
static bool
gives_way_to(GaProviderRow other)
{
	GaProvider *dead;

	begin_anew(NULL);
	load(2, row_of("dead", "twilio", NULL), other);
	dead = ga_provider_named("dead");
	claim(dead, 1, 8);
	finish_with(dead, GA_OUTCOME_RETRY, UNREACHED, "curl 7", -1);
	return ga_provider_gives_way(dead, the_time);
}

static void
who_takes_less_is_paused_or_of_another_channel_replaces_nobody(void **state)
{
	GaProviderRow paused = row_of("other", "vonage", NULL);

	(void) state;
	paused.is_paused = true;
	assert_true(gives_way_to(row_of("other", "vonage", NULL)));
	assert_false(gives_way_to(row_of("other", "smtp", NULL)));
	assert_false(
		gives_way_to(row_of("other", "vonage", "prefixes", "+27", NULL)));
	assert_false(gives_way_to(paused));
}

static void
a_rest_on_the_record_counts_and_ends_when_an_operator_says_so(void **state)
{
	GaProviderRow row = row_of("p", "twilio", NULL);
	GaProvider *provider;

	(void) state;
	row.rest_until = the_date + 40 * SECOND;
	load(1, row);
	provider = ga_provider_named("p");
	assert_int_equal(rest_ms(provider), 40000);
	assert_int_equal(ga_provider_capacity(provider, the_time), 0);
	/* Read again it is no longer than it was. */
	pass_ms(1000);
	row.rest_until += 5 * SECOND;
	load(1, row);
	assert_int_equal(rest_ms(provider), 39000);
	row.rest_until = 0;
	load(1, row);
	assert_int_equal(rest_ms(provider), 0);
	assert_true(ga_provider_capacity(provider, the_time) > 0);
}

static void
a_rest_that_others_recorded_is_heard_of_when_settings_are_read(void **state)
{
	GaProviderRow row = row_of("p", "twilio", NULL);
	GaProvider *provider;

	(void) state;
	load(1, row);
	provider = ga_provider_named("p");
	row.rest_until = the_date + 40 * SECOND;
	load(1, row);
	assert_int_equal(rest_ms(provider), 40000);
	/* Who ends it ends what led to it as well, and once. */
	provider->faults = 4;
	row.rest_until = 0;
	load(1, row);
	assert_int_equal(rest_ms(provider), 0);
	assert_int_equal(provider->faults, 0);
	fault_times(provider, 5);
	load(1, row);
	assert_int_equal(rest_ms(provider), 1000);
}

static void
a_clock_that_was_set_does_not_end_a_rest(void **state)
{
	GaProviderRow row = row_of("p", "twilio", NULL);

	(void) state;
	row.rest_until = the_date + 40 * SECOND;
	load(1, row);
	row.rest_until = 0;
	clock_is_unfollowed = true;
	load(1, row);
	assert_int_equal(rest_ms(ga_provider_named("p")), 40000);
}

static void
new_settings_begin_anew_and_old_ones_do_not(void **state)
{
	GaProvider *provider = load_one("rate", "5", NULL);

	(void) state;
	fault_times(provider, 5);
	provider->window = 64;
	assert_int_equal(rest_ms(provider), 1000);
	assert_ptr_equal(load_one("rate", "5", NULL), provider);
	assert_int_equal(rest_ms(provider), 1000);
	assert_int_equal(provider->window, 64);
	assert_ptr_equal(load_one("rate", "6", NULL), provider);
	assert_int_equal(rest_ms(provider), 0);
	assert_int_equal(provider->faults, 0);
	assert_int_equal(provider->window, 8);
}

static void
a_pause_that_is_not_on_the_record_yet_counts(void **state)
{
	GaProvider *provider = load_one(NULL);

	(void) state;
	provider->is_paused = true;
	provider->unrecorded = "refused the password";
	load_one(NULL);
	assert_true(provider->is_paused);
	assert_int_equal(ga_provider_capacity(provider, the_time), 0);
	/* Other settings may be right. */
	load_one("rate", "1", NULL);
	assert_false(provider->is_paused);
}

static void
who_resumes_a_provider_has_put_it_right(void **state)
{
	GaProviderRow row = row_of("p", "twilio", NULL);
	GaProvider *provider;

	(void) state;
	row.is_paused = true;
	load(1, row);
	provider = ga_provider_named("p");
	provider->evidence.kinds[0].count = 2;
	load(1, row);
	assert_int_equal(provider->evidence.kinds[0].count, 2);
	row.is_paused = false;
	load(1, row);
	assert_int_equal(provider->evidence.kinds[0].count, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin_anew)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(four_faults_are_no_reason_five_in_a_row_are),
		TEST(whatever_is_no_fault_of_the_provider_ends_the_row),
		TEST(after_a_rest_one_message_shows_whether_it_is_over),
		TEST(rests_double_up_to_a_minute),
		TEST(what_was_under_way_when_the_rest_began_is_no_further_fault),
		TEST(who_says_when_to_come_again_is_left_alone_until_then),
		TEST(one_that_cannot_be_reached_gives_way_at_once_to_one_that_can),
		TEST(one_that_was_reached_and_failed_does_not_give_way),
		TEST(who_takes_less_is_paused_or_of_another_channel_replaces_nobody),
		TEST(a_rest_on_the_record_counts_and_ends_when_an_operator_says_so),
		TEST(a_rest_that_others_recorded_is_heard_of_when_settings_are_read),
		TEST(a_clock_that_was_set_does_not_end_a_rest),
		TEST(new_settings_begin_anew_and_old_ones_do_not),
		TEST(a_pause_that_is_not_on_the_record_yet_counts),
		TEST(who_resumes_a_provider_has_put_it_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
