/*
 * journal_test.c
 *		What the journal says was taken over, and that it never says so of a message
 *		that was not.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shared/journal.h"

#define LATER GA_JOURNAL_SLOTS /* ids that far apart share a slot */

static int
set_up(void **state)
{
	*state = calloc(1, ga_journal_size());
	assert_false(ga_journal_take(*state));
	return 0;
}

static int
tear_down(void **state)
{
	free(*state);
	return 0;
}

static void
hand_over(GaJournal *journal, uint64_t job_id)
{
	GaJournalMessage message = {.job_id = job_id, .number = (int32_t) job_id};

	strcpy(message.server, "mail");
	ga_journal_put(journal, &message);
}

static void
accept(GaJournal *journal, uint64_t job_id, const char *answer)
{
	ga_journal_note(journal, ga_journal_generation(journal), job_id, answer,
					strlen(answer));
}

/* How many are taken over; of the last one what was answered. */
static int
taken_over(const GaJournal *journal, char *answer)
{
	GaJournalMessage message;
	char room[GA_JOURNAL_ANSWER_MAX];
	uint32_t length;
	int count = 0;

	for (int i = 0; i < GA_JOURNAL_SLOTS; i++)
		if (ga_journal_read(journal, i, &message, room, &length))
		{
			assert_string_equal(message.server, "mail");
			assert_int_equal(message.number, (int32_t) message.job_id);
			count++;
			if (answer)
			{
				memcpy(answer, room, length);
				answer[length] = '\0';
			}
		}
	return count;
}

static void
what_was_taken_over_is_read_until_it_is_recorded(void **state)
{
	GaJournal *journal = *state;
	char answer[GA_JOURNAL_ANSWER_MAX + 1];

	hand_over(journal, 7);
	assert_int_equal(taken_over(journal, NULL), 0);
	accept(journal, 7, "SM7");
	assert_int_equal(taken_over(journal, answer), 1);
	assert_string_equal(answer, "SM7");
	ga_journal_release(journal, 7);
	assert_int_equal(taken_over(journal, NULL), 0);
	assert_true(ga_journal_is_empty(journal));
}

static void
it_outlives_who_wrote_it_but_not_another_layout(void **state)
{
	GaJournal *journal = *state;

	hand_over(journal, 7);
	accept(journal, 7, "SM7");
	assert_true(ga_journal_take(journal));
	assert_int_equal(taken_over(journal, NULL), 1);
	((char *) journal)[0] ^= 1;
	assert_false(ga_journal_take(journal));
	assert_true(ga_journal_is_empty(journal));
}

static void
an_answer_without_its_message_is_not_taken(void **state)
{
	GaJournal *journal = *state;

	accept(journal, 7, "SM7");
	hand_over(journal, 8);
	accept(journal, 7, "SM7");
	accept(journal, 8 + LATER, "SM8");
	assert_int_equal(taken_over(journal, NULL), 0);
}

static void
an_answer_that_came_late_says_nothing_of_the_next_message(void **state)
{
	GaJournal *journal = *state;
	char answer[GA_JOURNAL_ANSWER_MAX + 1];

	hand_over(journal, 7);
	hand_over(journal, 7 + LATER);
	accept(journal, 7, "late");
	assert_int_equal(taken_over(journal, NULL), 0);
	accept(journal, 7 + LATER, "its own");
	accept(journal, 7, "late");
	assert_int_equal(taken_over(journal, answer), 1);
	assert_string_equal(answer, "its own");
}

static void
recording_frees_no_slot_of_another_message(void **state)
{
	GaJournal *journal = *state;

	hand_over(journal, 7 + LATER);
	accept(journal, 7 + LATER, "SM");
	ga_journal_release(journal, 7);
	assert_int_equal(taken_over(journal, NULL), 1);
}

static void
an_answer_that_is_too_long_is_not_noted(void **state)
{
	GaJournal *journal = *state;
	char answer[GA_JOURNAL_ANSWER_MAX + 1];

	memset(answer, 'x', sizeof(answer));
	hand_over(journal, 7);
	ga_journal_note(journal, ga_journal_generation(journal), 7, answer,
					sizeof(answer));
	assert_int_equal(taken_over(journal, NULL), 0);
	ga_journal_note(journal, ga_journal_generation(journal), 7, answer,
					sizeof(answer) - 1);
	assert_int_equal(taken_over(journal, NULL), 1);
}

static void
what_is_cleared_takes_no_answer_of_before(void **state)
{
	GaJournal *journal = *state;

	hand_over(journal, 7);
	ga_journal_set_busy(journal, 5);
	ga_journal_clear(journal);
	accept(journal, 7, "SM7");
	assert_true(ga_journal_is_empty(journal));
	assert_int_equal(ga_journal_busy_until(journal), 0);
}

/* An extension made anew counts from the same number; the courier of before lingers. */
static void
an_answer_of_an_earlier_dispatcher_says_nothing(void **state)
{
	GaJournal *journal = *state;
	uint32_t before = ga_journal_generation(journal);

	hand_over(journal, 7);
	assert_true(ga_journal_take(journal));
	ga_journal_clear(journal);
	hand_over(journal, 7);
	ga_journal_note(journal, before, 7, "of another", 10);
	assert_int_equal(taken_over(journal, NULL), 0);
	accept(journal, 7, "its own");
	assert_int_equal(taken_over(journal, NULL), 1);
}

/* Its last courier is waited for, though another one takes the journal meanwhile. */
static void
an_answer_to_an_earlier_dispatcher_is_still_noted(void **state)
{
	GaJournal *journal = *state;
	uint32_t before = ga_journal_generation(journal);

	hand_over(journal, 7);
	assert_true(ga_journal_take(journal));
	ga_journal_note(journal, before, 7, "SM7", 3);
	assert_int_equal(taken_over(journal, NULL), 1);
}

static void
what_ends_its_readers_is_read_twice_and_not_again(void **state)
{
	GaJournal *journal = *state;

	assert_true(ga_journal_begin(journal));
	assert_true(ga_journal_begin(journal));
	assert_false(ga_journal_begin(journal));
	ga_journal_clear(journal);
	assert_true(ga_journal_begin(journal));
}

static void
what_cannot_be_recorded_is_read_until_it_can(void **state)
{
	GaJournal *journal = *state;

	for (int i = 0; i < 10; i++)
	{
		assert_true(ga_journal_begin(journal));
		ga_journal_put_off(journal);
	}
	ga_journal_clear(journal);
	ga_journal_put_off(journal);
	assert_true(ga_journal_begin(journal));
}

/* ---- two sides at once ------------------------------------------------------------ */

#define ROUNDS 50000

static uint64_t current; /* the message that the dispatcher handed over last */

/* A courier that answers whatever was handed over lately, each with its own number. */
static void *
answer_all(void *context)
{
	for (uint64_t id = 0; id < ROUNDS * (uint64_t) LATER;)
	{
		char answer[32];

		id = __atomic_load_n(&current, __ATOMIC_ACQUIRE);
		snprintf(answer, sizeof(answer), "%llu", (unsigned long long) id);
		accept(context, id, answer);
	}
	return NULL;
}

static void
no_answer_is_read_as_that_of_another_message(void **state)
{
	GaJournal *journal = *state;
	pthread_t courier[2];
	int read = 0;

	__atomic_store_n(&current, 0, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&courier[i], NULL, answer_all, journal),
						 0);
	for (uint64_t round = 0; round <= ROUNDS; round++)
	{
		uint64_t id = round * LATER;
		char answer[GA_JOURNAL_ANSWER_MAX];
		GaJournalMessage message;
		uint32_t length;

		hand_over(journal, id);
		__atomic_store_n(&current, id, __ATOMIC_RELEASE);
		/* Some are answered in time, some too late. */
		for (uint64_t i = 0; i < round % 200; i++)
			if (ga_journal_read(journal, 0, &message, answer, &length))
			{
				read++;
				answer[length] = '\0';
				assert_int_equal(strtoull(answer, NULL, 10), message.job_id);
			}
	}
	__atomic_store_n(&current, ROUNDS * (uint64_t) LATER, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		pthread_join(courier[i], NULL);
	/* Alone it is taken, so that the race above was one. */
	hand_over(journal, LATER);
	accept(journal, LATER, "1");
	assert_int_equal(taken_over(journal, NULL), 1);
	print_message("%d answers read\n", read);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_taken_over_is_read_until_it_is_recorded, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			it_outlives_who_wrote_it_but_not_another_layout, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_answer_without_its_message_is_not_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_answer_that_came_late_says_nothing_of_the_next_message, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			recording_frees_no_slot_of_another_message, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_answer_that_is_too_long_is_not_noted,
										set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_cleared_takes_no_answer_of_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_answer_of_an_earlier_dispatcher_says_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_answer_to_an_earlier_dispatcher_is_still_noted, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_ends_its_readers_is_read_twice_and_not_again, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_recorded_is_read_until_it_can, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			no_answer_is_read_as_that_of_another_message, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
