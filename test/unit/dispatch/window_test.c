/*
 * window_test.c
 *		How many messages a provider has at once: windows, rates, questions.
 */
#include "stand_in.h"

/* As the dispatcher does it: as long as there is room. */
static void
fill(GaProvider *provider)
{
	int room;

	while ((room = ga_provider_capacity(provider, the_time)) > 0)
		claim(provider, room, room);
}

/* A window that was full is empty after `ms`, and is filled anew. */
static int
window_after(GaProvider *provider, int64 ms)
{
	fill(provider);
	pass_ms(ms);
	while (provider->in_flight > 0)
		finish(provider, GA_OUTCOME_ACCEPTED, 0);
	fill(provider);
	return provider->window;
}

static void
a_window_begins_with_one_message_a_connection(void **state)
{
	(void) state;
	assert_int_equal(ga_provider_capacity(load_one(NULL), the_time), 8);
	assert_int_equal(
		ga_provider_capacity(load_one("max_connections", "3", NULL), the_time),
		3);
	assert_int_equal(
		ga_provider_capacity(load_one("max_connections", "0", NULL), the_time),
		1);
	ga_settings.max_in_flight = 2;
	assert_int_equal(
		ga_provider_capacity(load_one("max_connections", "4", NULL), the_time),
		2);
}

static void
a_window_that_is_emptied_fast_doubles(void **state)
{
	GaProvider *provider = load_one(NULL);

	(void) state;
	assert_int_equal(window_after(provider, 199), 16);
	assert_int_equal(window_after(provider, 199), 32);
}

static void
a_window_that_is_emptied_in_good_time_stays(void **state)
{
	GaProvider *provider = load_one(NULL);

	(void) state;
	assert_int_equal(window_after(provider, 199), 16);
	assert_int_equal(window_after(provider, 200), 16);
	assert_int_equal(window_after(provider, 500), 16);
}

static void
a_window_that_is_emptied_slowly_halves_down_to_the_connections(void **state)
{
	GaProvider *provider = load_one(NULL);

	(void) state;
	assert_int_equal(window_after(provider, 10), 16);
	assert_int_equal(window_after(provider, 10), 32);
	assert_int_equal(window_after(provider, 501), 16);
	/* 32 were under way still: of sixteen that is half the time. */
	assert_int_equal(window_after(provider, 501), 16);
	assert_int_equal(window_after(provider, 501), 8);
	assert_int_equal(window_after(provider, 5000), 8);
}

static void
a_window_never_grows_above_the_setting(void **state)
{
	GaProvider *provider;

	(void) state;
	ga_settings.max_in_flight = 20;
	provider = load_one(NULL);
	assert_int_equal(window_after(provider, 10), 16);
	assert_int_equal(window_after(provider, 10), 20);
	assert_int_equal(window_after(provider, 10), 20);
}

static void
a_claim_that_came_back_short_says_nothing_of_the_speed(void **state)
{
	GaProvider *provider = load_one(NULL);

	(void) state;
	claim(provider, 3, 8);
	pass_ms(10);
	for (int i = 0; i < 3; i++)
		finish(provider, GA_OUTCOME_ACCEPTED, 0);
	claim(provider, 8, 8);
	assert_int_equal(provider->window, 8);
	/* Nor does the time in which there was nothing to claim. */
	assert_int_equal(window_after(provider, 10), 16);
	pass_ms(100);
	while (provider->in_flight > 0)
		finish(provider, GA_OUTCOME_ACCEPTED, 0);
	claim(provider, 0, 16);
	pass_ms(60000);
	claim(provider, 16, 16);
	assert_int_equal(provider->window, 16);
}

static void
a_full_window_takes_nothing_and_waits_for_an_outcome(void **state)
{
	GaProvider *provider = load_one(NULL);

	(void) state;
	claim(provider, 8, 8);
	assert_int_equal(ga_provider_capacity(provider, the_time), 0);
	assert_true(ga_provider_next_turn(provider, the_time) ==
				GA_MONOTONIC_NEVER);
	finish(provider, GA_OUTCOME_ACCEPTED, 0);
	assert_int_equal(ga_provider_capacity(provider, the_time), 1);
	assert_true(ga_provider_next_turn(provider, the_time) == the_time);
}

static void
a_wide_window_is_filled_by_quarters(void **state)
{
	GaProvider *provider = load_one(NULL);

	(void) state;
	provider->window = 64;
	claim(provider, 64, 64);
	for (int i = 0; i < 15; i++)
		finish(provider, GA_OUTCOME_ACCEPTED, 0);
	assert_int_equal(ga_provider_capacity(provider, the_time), 0);
	finish(provider, GA_OUTCOME_ACCEPTED, 0);
	assert_int_equal(ga_provider_capacity(provider, the_time), 16);
}

static void
questions_and_suspects_take_no_messages_place(void **state)
{
	GaProvider *provider = load_one("poll", "true", NULL);

	(void) state;
	provider->in_flight = 4;
	provider->questions = 2;
	provider->suspects = 1;
	assert_int_equal(ga_provider_capacity(provider, the_time), 7);
	/* But all together stay below the setting. */
	ga_settings.max_in_flight = 6;
	assert_int_equal(ga_provider_capacity(provider, the_time), 4);
}

static void
half_of_the_connections_are_left_to_messages(void **state)
{
	GaProvider *provider =
		load_one("poll", "true", "max_connections", "5", NULL);

	(void) state;
	assert_int_equal(ga_provider_question_room(provider), 2);
	assert_true(ga_provider_next_question(provider, the_time) == the_time);
	provider->questions = 2;
	assert_int_equal(ga_provider_question_room(provider), 0);
	assert_true(ga_provider_next_question(provider, the_time) ==
				GA_MONOTONIC_NEVER);
	provider = load_one("poll", "true", "max_connections", "1", NULL);
	provider->questions = 0;
	assert_int_equal(ga_provider_question_room(provider), 1);
}

static void
nobody_is_asked_who_is_not_polled_paused_or_resting(void **state)
{
	GaProvider *provider = load_one(NULL);

	(void) state;
	assert_true(ga_provider_next_question(provider, the_time) ==
				GA_MONOTONIC_NEVER);
	provider = load_one("poll", "true", NULL);
	provider->is_paused = true;
	assert_true(ga_provider_next_question(provider, the_time) ==
				GA_MONOTONIC_NEVER);
	provider->is_paused = false;
	provider->rest_until = the_time + 7;
	assert_true(ga_provider_next_question(provider, the_time) == the_time + 7);
}

static void
a_rate_lets_one_go_and_then_as_many_as_time_has_passed(void **state)
{
	GaProvider *provider = load_one("rate", "2", NULL);

	(void) state;
	assert_int_equal(ga_provider_capacity(provider, the_time), 1);
	claim(provider, 1, 1);
	ga_provider_sent(provider, 1);
	finish(provider, GA_OUTCOME_ACCEPTED, 0);
	assert_int_equal(ga_provider_capacity(provider, the_time), 0);
	/* Half a second later the next one may go: it is waited for exactly. */
	assert_uint_in_range(ga_provider_next_turn(provider, the_time),
						 the_time + SECOND / 2, the_time + SECOND / 2 + 2);
	pass_ms(499);
	assert_int_equal(ga_provider_capacity(provider, the_time), 0);
	pass_ms(2);
	assert_int_equal(ga_provider_capacity(provider, the_time), 1);
	/* Below ten a second nothing is saved up. */
	pass_ms(60000);
	assert_int_equal(ga_provider_capacity(provider, the_time), 1);
}

static void
of_a_rate_a_tenth_of_a_second_is_saved_up(void **state)
{
	GaProvider *provider =
		load_one("rate", "50", "max_connections", "100", NULL);

	(void) state;
	assert_int_equal(ga_provider_capacity(provider, the_time), 1);
	pass_ms(60000);
	assert_int_equal(ga_provider_capacity(provider, the_time), 5);
}

/* How many go within `ms` from now on, looked at every millisecond. */
static int
sent_within(GaProvider *provider, int ms)
{
	int sent = 0;

	for (; ms > 0; ms--)
	{
		int room = ga_provider_capacity(provider, the_time);

		claim(provider, room, room);
		ga_provider_sent(provider, room);
		for (int i = 0; i < room; i++)
			finish(provider, GA_OUTCOME_ACCEPTED, 0);
		sent += room;
		pass_ms(1);
	}
	return sent;
}

static void
after_a_long_silence_no_more_than_the_burst_goes_at_once(void **state)
{
	GaProvider *provider =
		load_one("rate", "10", "max_connections", "100", NULL);

	(void) state;
	assert_int_equal(sent_within(provider, 100), 1);
	pass_ms(5000);
	assert_int_equal(sent_within(provider, 100), 1);
	assert_uint_in_range(sent_within(provider, 1000), 9, 11);
	provider = load_one("rate", "50", "max_connections", "100", NULL);
	assert_int_equal(sent_within(provider, 1), 1);
	pass_ms(5000);
	assert_int_equal(sent_within(provider, 1), 5);
	/* What the rest of the tenth brings, besides. */
	assert_uint_in_range(sent_within(provider, 99), 4, 5);
}

static void
an_sms_counts_by_its_segments(void **state)
{
	GaProvider *provider = load_one("rate", "1", NULL);

	(void) state;
	assert_int_equal(ga_provider_capacity(provider, the_time), 1);
	claim(provider, 1, 1);
	ga_provider_sent(provider, 3);
	finish(provider, GA_OUTCOME_ACCEPTED, 0);
	/* What is owed is no limit below nothing: a claim would take it for one. */
	assert_int_equal(ga_provider_capacity(provider, the_time), 0);
	/* The first second of three is what this one had; two are owed, and its own. */
	assert_uint_in_range(ga_provider_next_turn(provider, the_time),
						 the_time + 3 * SECOND, the_time + 3 * SECOND + 2);
	pass_ms(2900);
	assert_int_equal(ga_provider_capacity(provider, the_time), 0);
	pass_ms(200);
	assert_int_equal(ga_provider_capacity(provider, the_time), 1);
}

static void
a_question_waits_for_the_rate_too(void **state)
{
	GaProvider *provider = load_one("rate", "1", "poll", "true", NULL);

	(void) state;
	assert_true(ga_provider_next_question(provider, the_time) == the_time);
	ga_provider_sent(provider, 1);
	assert_uint_in_range(ga_provider_next_question(provider, the_time),
						 the_time + SECOND, the_time + SECOND + 2);
	assert_int_equal(ga_provider_question_room(provider), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin_anew)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_window_begins_with_one_message_a_connection),
		TEST(a_window_that_is_emptied_fast_doubles),
		TEST(a_window_that_is_emptied_in_good_time_stays),
		TEST(a_window_that_is_emptied_slowly_halves_down_to_the_connections),
		TEST(a_window_never_grows_above_the_setting),
		TEST(a_claim_that_came_back_short_says_nothing_of_the_speed),
		TEST(a_full_window_takes_nothing_and_waits_for_an_outcome),
		TEST(a_wide_window_is_filled_by_quarters),
		TEST(questions_and_suspects_take_no_messages_place),
		TEST(half_of_the_connections_are_left_to_messages),
		TEST(nobody_is_asked_who_is_not_polled_paused_or_resting),
		TEST(a_rate_lets_one_go_and_then_as_many_as_time_has_passed),
		TEST(of_a_rate_a_tenth_of_a_second_is_saved_up),
		TEST(after_a_long_silence_no_more_than_the_burst_goes_at_once),
		TEST(an_sms_counts_by_its_segments),
		TEST(a_question_waits_for_the_rate_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
