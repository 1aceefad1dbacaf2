/*
 * reading_test.c
 *		Where in the queue a provider claims next, and when it is idle.
 */
#include "stand_in.h"

#include "dispatch/provider/routing.h"
#include "dispatch/reading.h"

#define LIMIT 8

static GaProvider *provider;

static int
begin(void **state)
{
	begin_anew(state);
	provider = load_one(NULL);
	return 0;
}

/* The tag behind which it would claim now, and up to which. */
static int64
stands_at(int64 *last_tag)
{
	return ga_reading_cursor(provider, last_tag)->start_tag;
}

/* A scan that takes nothing; a claim by a statement tells of no locks. */
static GaQueueScan
scan_of(bool tells_locked)
{
	GaQueueScan scan = {.tells_locked = tells_locked,
						.claimed_to = GA_START_TAG_MIN};

	scan.cursor = ga_reading_cursor(provider, &scan.last_tag);
	ga_fair_queue_reset_range(&scan.locked);
	return scan;
}

/* A claim of so many rows, the last of them with this tag. */
static bool
claim_up_to(int64 tag, int count)
{
	GaQueueScan scan = scan_of(false);

	scan.goes_on = count == LIMIT;
	if (count > 0)
		scan.claimed_to = scan.cursor->start_tag = tag;
	assert_true(scan.cursor->start_tag <= scan.last_tag);
	return ga_reading_claimed(provider, &scan, count);
}

/* A claim that read up to a tag, and found the row of that one locked. */
static void
meet_a_lock(int64 tag)
{
	GaQueueScan scan = scan_of(true);

	scan.cursor->start_tag = tag;
	scan.locked = (GaTagRange){tag, tag};
	ga_reading_claimed(provider, &scan, 0);
}

/* A claim that read over others' rows, up to a tag. */
static bool
walk_to(int64 tag, bool goes_on)
{
	GaQueueScan scan = scan_of(true);

	scan.cursor->start_tag = tag;
	scan.goes_on = goes_on;
	return ga_reading_claimed(provider, &scan, 0);
}

static void
come(int64 from, int64 to)
{
	ga_readings_read_again(GA_CHANNEL_MOBILE, (GaTagRange){from, to});
}

static void
assert_reads(int64 from, int64 to)
{
	int64 last_tag;

	assert_int_equal(stands_at(&last_tag), from);
	assert_int_equal(last_tag, to);
}

static void
the_queue_is_read_from_its_front_to_its_end(void **state)
{
	(void) state;
	assert_reads(GA_START_TAG_MIN, GA_START_TAG_MAX);
	assert_true(claim_up_to(100, LIMIT));
	assert_reads(100, GA_START_TAG_MAX);
	assert_true(ga_reading_has_more(provider));
	assert_false(claim_up_to(150, 3));
	assert_false(ga_reading_has_more(provider));
	assert_true(ga_reading_is_at_end(provider));
}

static void
what_comes_behind_the_cursor_is_read_in_passing(void **state)
{
	(void) state;
	claim_up_to(100, LIMIT);
	come(101, 300);
	assert_reads(100, GA_START_TAG_MAX);
	/* Also by one that had read all. */
	claim_up_to(300, 1);
	assert_false(ga_reading_has_more(provider));
	come(301, 301);
	assert_true(ga_reading_has_more(provider));
	assert_reads(300, GA_START_TAG_MAX);
}

static void
of_what_comes_before_the_cursor_that_range_alone_is_read_again(void **state)
{
	(void) state;
	claim_up_to(500, 1);
	come(200, 250);
	assert_true(ga_reading_has_more(provider));
	assert_reads(199, 250);
	assert_false(claim_up_to(210, 2));
	assert_false(ga_reading_has_more(provider));
}

static void
a_range_over_the_cursor_is_read_up_to_it(void **state)
{
	(void) state;
	claim_up_to(500, 1);
	come(400, 600);
	assert_reads(399, 500);
	claim_up_to(500, 1);
	assert_reads(500, GA_START_TAG_MAX);
	assert_true(ga_reading_has_more(provider));
}

static void
both_cursors_claim_in_turns(void **state)
{
	(void) state;
	claim_up_to(500, LIMIT);
	come(200, 400);
	assert_reads(199, 400);
	claim_up_to(250, LIMIT);
	assert_reads(500, GA_START_TAG_MAX);
	claim_up_to(600, LIMIT);
	assert_reads(250, 400);
	claim_up_to(300, 1);
	assert_reads(600, GA_START_TAG_MAX);
}

static void
what_comes_behind_the_second_cursor_is_not_read_twice(void **state)
{
	(void) state;
	claim_up_to(500, 1);
	come(200, 400);
	claim_up_to(300, LIMIT);
	come(350, 360);
	assert_reads(300, 400);
	/* Before it, it begins anew, with all that is left. */
	come(250, 260);
	assert_reads(199, 400);
}

static void
other_channels_and_impossible_ranges_are_none(void **state)
{
	(void) state;
	claim_up_to(500, 1);
	ga_readings_read_again(GA_CHANNEL_EMAIL, (GaTagRange){200, 250});
	assert_false(ga_reading_has_more(provider));
	come(GA_START_TAG_MAX, GA_START_TAG_MIN);
	assert_false(ga_reading_has_more(provider));
	/* The lowest number is no tag: what a row written by hand bears is read. */
	come(GA_START_TAG_MIN, GA_START_TAG_MIN + 5);
	assert_reads(GA_START_TAG_MIN, GA_START_TAG_MIN + 5);
}

static void
one_that_is_idle_waits_for_the_next_row_that_is_due(void **state)
{
	(void) state;
	claim_up_to(500, 1);
	ga_reading_note_next_due(provider, the_date + 30 * SECOND);
	assert_false(ga_reading_is_at_end(provider));
	assert_true(ga_reading_next_turn(provider) == the_time + 30 * SECOND);
	pass_ms(29999);
	ga_reading_check_due(provider, the_time);
	assert_false(ga_reading_has_more(provider));
	pass_ms(1);
	ga_reading_check_due(provider, the_time);
	assert_reads(GA_START_TAG_MIN, GA_START_TAG_MAX);
	assert_true(ga_reading_has_more(provider));
}

static void
with_nothing_in_the_queue_it_waits_for_ever(void **state)
{
	(void) state;
	claim_up_to(0, 0);
	ga_reading_note_next_due(provider, 0);
	assert_true(ga_reading_next_turn(provider) == GA_MONOTONIC_NEVER);
	pass_ms(1000000);
	ga_reading_check_due(provider, the_time);
	assert_false(ga_reading_has_more(provider));
	/* Until somebody comes. */
	come(7, 7);
	assert_true(ga_reading_has_more(provider));
}

static void
what_is_due_already_was_left_behind_and_is_read_from_the_front(void **state)
{
	(void) state;
	claim_up_to(500, LIMIT);
	claim_up_to(0, 0);
	ga_reading_note_next_due(provider, the_date - SECOND);
	assert_reads(GA_START_TAG_MIN, GA_START_TAG_MAX);
	assert_true(ga_reading_has_more(provider));
}

/* What is due and was not found is looked for again a second later, not sooner. */
static void
assert_is_tried_after_a_second(void)
{
	pass_ms(999);
	ga_reading_check_due(provider, the_time);
	assert_false(ga_reading_has_more(provider));
	pass_ms(1);
	ga_reading_check_due(provider, the_time);
	assert_true(ga_reading_has_more(provider));
}

static void
what_is_due_and_not_found_from_the_front_is_locked_and_tried_a_second_later(
	void **state)
{
	(void) state;
	claim_up_to(0, 0);
	ga_reading_note_next_due(provider, the_date - SECOND);
	assert_false(ga_reading_has_more(provider));
	assert_true(ga_reading_next_turn(provider) == the_time + SECOND);
	assert_is_tried_after_a_second();
}

/* Tells how far the channel of SMS is read, and expects this of it. */
static void
assert_told(int64 expected)
{
	ga_readings_tell_position(GA_CHANNEL_MOBILE);
	assert_int_equal(told_position[GA_CHANNEL_MOBILE], expected);
}

static void
the_fair_queue_is_told_of_the_provider_furthest_behind(void **state)
{
	int64 tag;

	(void) state;
	load(2, row_of("p", "twilio", NULL), row_of("q", "vonage", NULL));
	provider = ga_provider_named("p");
	claim_up_to(500, LIMIT);
	provider = ga_provider_named("q");
	claim_up_to(300, LIMIT);
	assert_told(300);
	/* One that has read all is behind nobody. */
	claim_up_to(310, 1);
	assert_told(500);
	/* Of those that have read all it is the one that came furthest. */
	provider = ga_provider_named("p");
	claim_up_to(0, 0);
	assert_told(500);
	provider = ga_provider_named("q");
	/* Nor is one that cannot send. */
	come(311, 900);
	claim_up_to(320, LIMIT);
	provider->is_paused = true;
	ga_providers_route(the_time);
	assert_reads(GA_START_TAG_MIN, GA_START_TAG_MAX);
	tag = told_position[GA_CHANNEL_EMAIL];
	assert_told(500);
	assert_int_equal(told_position[GA_CHANNEL_EMAIL], tag);
}

static void
the_one_furthest_behind_is_told_whatever_their_order(void **state)
{
	(void) state;
	load(2, row_of("p", "twilio", NULL), row_of("q", "vonage", NULL));
	provider = ga_provider_named("p");
	claim_up_to(300, LIMIT);
	provider = ga_provider_named("q");
	claim_up_to(500, LIMIT);
	assert_told(300);
}

static void
a_provider_that_reads_again_stands_where_it_reads(void **state)
{
	(void) state;
	claim_up_to(500, LIMIT);
	come(200, 400);
	claim_up_to(250, LIMIT);
	assert_told(250);
	/* The turn of the other cursor does not bring it forward. */
	claim_up_to(600, LIMIT);
	assert_told(250);
	claim_up_to(260, 1);
	assert_told(600);
}

static void
who_claimed_nothing_says_nothing(void **state)
{
	(void) state;
	claim_up_to(0, 0);
	assert_told(0);
}

static void
a_lock_is_forgotten_when_rows_come(void **state)
{
	(void) state;
	claim_up_to(0, 0);
	ga_reading_note_next_due(provider, the_date - SECOND);
	assert_true(ga_reading_next_turn(provider) == the_time + SECOND);
	ga_reading_begin_anew(provider);
	assert_int_equal(ga_reading_next_turn(provider), 0);
	claim_up_to(0, 0);
	ga_reading_note_next_due(provider, the_date - SECOND);
	pass_ms(100);
	ga_reading_note_next_due(provider, the_date + 500 * 1000);
	assert_true(ga_reading_next_turn(provider) == the_time + 500 * 1000);
}

static void
what_was_known_of_the_next_row_is_asked_again_after_a_second_reading(
	void **state)
{
	(void) state;
	claim_up_to(500, 1);
	ga_reading_note_next_due(provider, the_date + SECOND);
	come(100, 100);
	assert_true(ga_reading_is_at_end(provider));
	/* Also where it was asked while that went on. */
	ga_reading_note_next_due(provider, the_date + SECOND);
	claim_up_to(100, 1);
	assert_true(ga_reading_is_at_end(provider));
}

static void
a_channel_is_empty_when_every_provider_knows_of_nothing(void **state)
{
	(void) state;
	load(2, row_of("p", "twilio", NULL), row_of("q", "vonage", NULL));
	provider = ga_provider_named("p");
	claim_up_to(0, 0);
	ga_reading_note_next_due(provider, 0);
	ga_readings_tell_empty(GA_CHANNEL_MOBILE);
	assert_int_equal(told_position[GA_CHANNEL_MOBILE], 0);
	provider = ga_provider_named("q");
	claim_up_to(0, 0);
	ga_readings_tell_empty(GA_CHANNEL_MOBILE);
	assert_int_equal(told_position[GA_CHANNEL_MOBILE], 0);
	ga_reading_note_next_due(provider, the_date + SECOND);
	ga_readings_tell_empty(GA_CHANNEL_MOBILE);
	assert_int_equal(told_position[GA_CHANNEL_MOBILE], 0);
	ga_reading_note_next_due(provider, 0);
	ga_readings_tell_empty(GA_CHANNEL_MOBILE);
	assert_int_equal(told_position[GA_CHANNEL_MOBILE], -1);
}

static void
rows_of_others_are_walked_over_once(void **state)
{
	(void) state;
	assert_true(walk_to(5000, true));
	assert_reads(5000, GA_START_TAG_MAX);
	assert_true(ga_reading_has_more(provider));
	assert_false(walk_to(7000, false));
	assert_false(ga_reading_has_more(provider));
	/* A newcomer before all of them is found by its own tag. */
	come(20, 20);
	assert_reads(19, 20);
	claim_up_to(20, 1);
	assert_false(ga_reading_has_more(provider));
	assert_reads(7000, GA_START_TAG_MAX);
}

static void
rows_of_others_do_not_move_the_virtual_time(void **state)
{
	(void) state;
	walk_to(7000, false);
	assert_told(0);
	come(20, 20);
	claim_up_to(20, 1);
	assert_told(20);
}

static void
what_was_locked_is_read_again_a_second_later_and_nothing_else(void **state)
{
	(void) state;
	meet_a_lock(300);
	assert_false(ga_reading_has_more(provider));
	assert_true(ga_reading_next_turn(provider) <= the_time + SECOND);
	ga_reading_note_next_due(provider, the_date - SECOND);
	assert_is_tried_after_a_second();
	assert_reads(299, 300);
}

static void
whoever_held_rows_brings_them_back_at_once(void **state)
{
	(void) state;
	meet_a_lock(300);
	ga_readings_retry_locked();
	assert_reads(299, 300);
	/* After a statement nobody knows which they were. */
	claim_up_to(300, 1);
	ga_readings_retry_locked();
	assert_reads(GA_START_TAG_MIN, GA_START_TAG_MAX);
}

static void
without_locks_nothing_is_read_again(void **state)
{
	(void) state;
	walk_to(7000, false);
	ga_readings_retry_locked();
	assert_false(ga_reading_has_more(provider));
}

static void
a_dear_question_is_not_asked_again_at_once(void **state)
{
	(void) state;
	walk_to(7000, false);
	assert_true(ga_reading_is_at_end(provider));
	ga_reading_note_cost(provider, 20 * 1000);
	assert_false(ga_reading_is_at_end(provider));
	assert_true(ga_reading_next_turn(provider) == the_time + 20 * SECOND);
	pass_ms(20 * 1000);
	assert_true(ga_reading_is_at_end(provider));
	ga_reading_note_cost(provider, 500 * 1000);
	assert_true(ga_reading_next_turn(provider) == the_time + 60 * SECOND);
	ga_reading_note_cost(provider, 999);
	assert_true(ga_reading_is_at_end(provider));
}

static void
where_others_rows_hide_the_next_one_the_question_is_asked_again(void **state)
{
	(void) state;
	walk_to(7000, false);
	ga_reading_note_next_due(provider, the_date + 60 * SECOND);
	pass_ms(60 * 1000);
	ga_reading_check_due(provider, the_time);
	assert_false(ga_reading_has_more(provider));
	assert_true(ga_reading_is_at_end(provider));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_queue_is_read_from_its_front_to_its_end),
		TEST(what_comes_behind_the_cursor_is_read_in_passing),
		TEST(of_what_comes_before_the_cursor_that_range_alone_is_read_again),
		TEST(a_range_over_the_cursor_is_read_up_to_it),
		TEST(both_cursors_claim_in_turns),
		TEST(what_comes_behind_the_second_cursor_is_not_read_twice),
		TEST(other_channels_and_impossible_ranges_are_none),
		TEST(one_that_is_idle_waits_for_the_next_row_that_is_due),
		TEST(with_nothing_in_the_queue_it_waits_for_ever),
		TEST(what_is_due_already_was_left_behind_and_is_read_from_the_front),
		TEST(
			what_is_due_and_not_found_from_the_front_is_locked_and_tried_a_second_later),
		TEST(the_fair_queue_is_told_of_the_provider_furthest_behind),
		TEST(the_one_furthest_behind_is_told_whatever_their_order),
		TEST(a_provider_that_reads_again_stands_where_it_reads),
		TEST(who_claimed_nothing_says_nothing),
		TEST(a_lock_is_forgotten_when_rows_come),
		TEST(
			what_was_known_of_the_next_row_is_asked_again_after_a_second_reading),
		TEST(a_channel_is_empty_when_every_provider_knows_of_nothing),
		TEST(rows_of_others_are_walked_over_once),
		TEST(rows_of_others_do_not_move_the_virtual_time),
		TEST(what_was_locked_is_read_again_a_second_later_and_nothing_else),
		TEST(whoever_held_rows_brings_them_back_at_once),
		TEST(without_locks_nothing_is_read_again),
		TEST(a_dear_question_is_not_asked_again_at_once),
		TEST(where_others_rows_hide_the_next_one_the_question_is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
