/*
 * backoff_test.c
 *		How long a message waits for its next try.
 */
#include "stand_in.h"

#include "dispatch/provider/backoff.h"

#define DAY_MS (INT64CONST(24) * 3600 * 1000)

/* base 2 s, cap 3600 s, nothing asked for, the longest that chance allows */
static int64
longest(int tries)
{
	return ga_backoff_ms(tries, 2, 3600, -1, 1.0);
}

static void
the_longest_wait_doubles_with_each_try(void **state)
{
	(void) state;
	assert_int_equal(longest(0), 2000);
	assert_int_equal(longest(1), 4000);
	assert_int_equal(longest(2), 8000);
	assert_int_equal(longest(10), 2048000);
}

static void
no_wait_is_longer_than_the_cap(void **state)
{
	(void) state;
	assert_int_equal(longest(11), 3600000);
	assert_int_equal(longest(20), 3600000);
	assert_int_equal(longest(INT32_MAX), 3600000);
	assert_int_equal(ga_backoff_ms(0, 10, 5, -1, 1.0), 5000);
}

static void
the_wait_is_anything_from_nothing_to_the_longest(void **state)
{
	(void) state;
	assert_int_equal(ga_backoff_ms(3, 2, 3600, -1, 0.0), 0);
	assert_int_equal(ga_backoff_ms(3, 2, 3600, -1, 0.25), 4000);
	assert_int_equal(ga_backoff_ms(3, 2, 3600, -1, 0.5), 8000);
}

static void
what_the_provider_asks_for_is_waited_for_at_least(void **state)
{
	(void) state;
	assert_int_equal(ga_backoff_ms(0, 2, 3600, 90000, 0.5), 90000);
	assert_int_equal(ga_backoff_ms(0, 2, 3600, 500, 0.5), 1000);
	/* also where that is longer than the cap ... */
	assert_int_equal(ga_backoff_ms(0, 2, 60, 7200000, 1.0), 7200000);
	/* ... but not for longer than a day */
	assert_int_equal(ga_backoff_ms(0, 2, 60, DAY_MS, 1.0), DAY_MS);
	assert_int_equal(ga_backoff_ms(0, 2, 60, DAY_MS + 1, 1.0), DAY_MS);
	assert_int_equal(ga_backoff_ms(0, 2, 60, INT64_MAX, 1.0), DAY_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_wait_doubles_with_each_try),
		cmocka_unit_test(no_wait_is_longer_than_the_cap),
		cmocka_unit_test(the_wait_is_anything_from_nothing_to_the_longest),
		cmocka_unit_test(what_the_provider_asks_for_is_waited_for_at_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
