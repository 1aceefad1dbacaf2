/*
 * judgement_test.c
 *		What the outcome of a try means for its message and for its provider.
 */
#include "stand_in.h"

#include "dispatch/courier/suspects.h"

static GaProvider *provider;
static GaJob job;
static GaRecord record;
static bool pauses;

static int
begin(void **state)
{
	begin_anew(state);
	ga_suspects_note_success();
	provider = load_one(NULL);
	job = (GaJob){
		.provider = provider,
		.fingerprint = provider->fingerprint,
		.attempt = 1,
		.segments = 2,
		.group_id = {{1, 2, 3}},
		.number = 7,
		.start_tag = 4711,
		.picked = true,
		.handed_at = the_date,
		.recipient = "+27821234567",
	};
	return 0;
}

/* As the courier says it; `code` and `detail` may be empty. */
static void
judge_with(GaOutcomeClass outcome, uint32 flags, const char *code,
		   const char *detail, int64 retry_after_ms)
{
	GaOutcomeFrame frame = {
		.outcome = outcome,
		.flags = flags,
		.retry_after_ms = retry_after_ms,
		.elapsed_us = 12,
		.code = {code, (uint32) strlen(code)},
		.detail = {detail, (uint32) strlen(detail)},
		.message_id = {"m-1", 3},
	};

	ga_job_judge(&job, &frame, the_date, &record, &pauses);
}

static void
judge(GaOutcomeClass outcome, uint32 flags)
{
	judge_with(outcome, flags, "", "", -1);
}

/* ---- outcomes that are sure ------------------------------------------------- */

static void
what_is_accepted_is_sent(void **state)
{
	(void) state;
	judge_with(GA_OUTCOME_ACCEPTED, 0, "250", "queued as m-1", -1);
	assert_int_equal(record.delivery, GA_DELIVERY_SENT);
	assert_int_equal(record.due, 0);
	assert_null(record.reason);
	assert_false(record.give_back);
	assert_false(pauses);
	assert_string_equal(record.message_id, "m-1");
	assert_int_equal(record.number, 7);
	assert_int_equal(record.start_tag, 4711);
	assert_string_equal(record.server, "p");
	assert_string_equal(record.outcome, "accepted");
	assert_string_equal(record.code, "250");
	assert_string_equal(record.detail, "queued as m-1");
	assert_memory_equal(&record.group_id, &job.group_id, UUID_LEN);
	assert_int_equal(record.attempt, 1);
	assert_int_equal(record.segments, 2);
	assert_int_equal(record.started_at, job.handed_at);
	assert_int_equal(record.elapsed_us, 12);
	assert_int_equal(record.channel, GA_CHANNEL_MOBILE);
	assert_false(record.polled);
	load_one("poll", "true", NULL);
	judge(GA_OUTCOME_ACCEPTED, 0);
	assert_true(record.polled);
}

static void
what_is_rejected_has_failed_with_the_providers_words(void **state)
{
	(void) state;
	judge_with(GA_OUTCOME_REJECTED, 0, "550 5.1.1", "no such user", -1);
	assert_int_equal(record.delivery, GA_DELIVERY_FAILED);
	assert_string_equal(record.reason, "550 5.1.1 no such user");
	assert_int_equal(record.due, 0);
	assert_null(record.suppress);
	assert_false(pauses);
	/* A detail that begins with the code says it already. */
	judge_with(GA_OUTCOME_REJECTED, 0, "550", "550 no such user", -1);
	assert_string_equal(record.reason, "550 no such user");
}

static void
a_dead_contact_is_suppressed_and_so_is_one_that_said_stop(void **state)
{
	(void) state;
	judge(GA_OUTCOME_REJECTED, GA_OUTCOME_DEAD_CONTACT);
	assert_string_equal(record.suppress, "bounced");
	judge(GA_OUTCOME_REJECTED, GA_OUTCOME_OPTED_OUT);
	assert_string_equal(record.suppress, "opted_out");
	judge(GA_OUTCOME_RETRY, GA_OUTCOME_DEAD_CONTACT);
	assert_null(record.suppress);
}

static void
what_is_put_off_is_tried_again_after_the_backoff(void **state)
{
	(void) state;
	judge_with(GA_OUTCOME_RETRY, 0, "451", "greylisted", -1);
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	/* 2 s doubled once, of which chance takes the half */
	assert_int_equal(record.due, the_date + 2 * SECOND);
	assert_false(record.give_back);
	job.attempt = 5;
	judge(GA_OUTCOME_RETRY, 0);
	assert_int_equal(record.due, the_date + 32 * SECOND);
}

/* Of `waits` that chance spreads evenly, the mean and the longest, in seconds. */
static double
mean_wait(int attempt, double *longest)
{
	const int waits = 1000;
	double sum = 0;

	job.attempt = attempt;
	*longest = 0;
	for (int i = 0; i < waits; i++)
	{
		double wait;

		the_chance = (i + 0.5) / waits;
		judge(GA_OUTCOME_RETRY, 0);
		wait = (double) (record.due - the_date) / SECOND;
		sum += wait;
		*longest = Max(*longest, wait);
	}
	return sum / waits;
}

static void
waits_double_with_each_try_up_to_the_cap(void **state)
{
	double longest;

	(void) state;
	for (int attempt = 1; attempt <= 10; attempt++)
	{
		const double bound = ga_settings.retry_base * (double) (1 << attempt);

		assert_uint_in_range(mean_wait(attempt, &longest) * 1000, bound * 490,
							 bound * 510);
		assert_uint_in_range(longest, bound * 0.99, bound);
	}
	for (int attempt = 11; attempt <= 12; attempt++)
	{
		assert_uint_in_range(mean_wait(attempt, &longest),
							 ga_settings.retry_cap * 0.49,
							 ga_settings.retry_cap * 0.51);
		assert_uint_in_range(longest, ga_settings.retry_cap * 0.99,
							 ga_settings.retry_cap);
	}
}

static void
a_message_is_given_up_after_its_last_try(void **state)
{
	(void) state;
	job.attempt = 19;
	judge_with(GA_OUTCOME_RETRY, 0, "451", "busy", -1);
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	job.attempt = 20;
	judge_with(GA_OUTCOME_RETRY, 0, "451", "busy", -1);
	assert_int_equal(record.delivery, GA_DELIVERY_FAILED);
	assert_int_equal(record.due, 0);
	assert_string_equal(record.reason, "given up after 20 tries: 451 busy");
}

static void
being_told_when_to_come_again_costs_no_try(void **state)
{
	(void) state;
	job.attempt = 20;
	judge_with(GA_OUTCOME_RETRY, 0, "450", "later", 60000);
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_true(record.give_back);
	assert_int_equal(record.due, the_date + 3600 * SECOND / 2);
	job.attempt = 1;
	judge_with(GA_OUTCOME_RETRY, 0, "450", "later", 60000);
	assert_int_equal(record.due, the_date + 60 * SECOND);
	/* Also when that is now. */
	job.attempt = 20;
	judge_with(GA_OUTCOME_RETRY, 0, "450", "again", 0);
	assert_string_equal(record.outcome, "retry");
	assert_true(record.give_back);
}

static void
a_provider_that_rests_keeps_its_messages_in_their_place(void **state)
{
	(void) state;
	judge_with(GA_OUTCOME_RETRY, GA_OUTCOME_PROVIDER_FAULT, "http 429", "",
			   60000);
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_int_equal(record.due, the_date);
	assert_int_equal(record.start_tag, 4711);
	assert_true(record.give_back);
	/* A fault without a wait is a try like any other. */
	judge_with(GA_OUTCOME_RETRY, GA_OUTCOME_PROVIDER_FAULT, "http 503", "", -1);
	assert_false(record.give_back);
	assert_true(record.due > the_date);
}

static void
what_could_not_even_be_tried_leaves_no_trace(void **state)
{
	(void) state;
	job.attempt = 20;
	judge_with(GA_OUTCOME_RETRY, GA_OUTCOME_NO_TRY, "courier", "no descriptors",
			   -1);
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_int_equal(record.due, the_date);
	assert_true(record.give_back);
	assert_null(record.outcome);
	assert_null(record.reason);
}

static void
a_wrong_password_pauses_the_provider_and_costs_no_try(void **state)
{
	(void) state;
	judge_with(GA_OUTCOME_MISCONFIGURED, 0, "535", "bad credentials", -1);
	assert_true(pauses);
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_int_equal(record.due, the_date);
	assert_true(record.give_back);
	assert_string_equal(record.reason, "535 bad credentials");
}

static void
what_may_have_left_is_sent_again_unless_that_is_to_be_held(void **state)
{
	(void) state;
	judge_with(GA_OUTCOME_UNCERTAIN, 0, "curl 56", "no answer", -1);
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_true(record.due > the_date);
	provider = load_one("on_uncertain", "hold", NULL);
	judge_with(GA_OUTCOME_UNCERTAIN, 0, "curl 56", "no answer", -1);
	assert_int_equal(record.delivery, GA_DELIVERY_UNCERTAIN);
	assert_int_equal(record.due, 0);
}

static void
what_would_be_tried_after_its_end_has_expired(void **state)
{
	(void) state;
	job.expires_at = the_date + 2 * SECOND + 1;
	judge_with(GA_OUTCOME_RETRY, 0, "451", "busy", -1);
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	job.expires_at = the_date + 2 * SECOND;
	judge_with(GA_OUTCOME_RETRY, 0, "451", "busy", -1);
	assert_int_equal(record.delivery, GA_DELIVERY_FAILED);
	assert_true(record.expired);
	assert_int_equal(record.due, 0);
	assert_string_equal(record.reason,
						"expired before it could be sent: 451 busy");
	/* The invitation was sent before its reminder. */
	job.is_reminder = true;
	judge_with(GA_OUTCOME_RETRY, 0, "451", "busy", -1);
	assert_int_equal(record.delivery, GA_DELIVERY_SENT);
	assert_true(record.expired);
}

static void
what_the_database_cannot_store_is_left_out(void **state)
{
	(void) state;
	judge_with(GA_OUTCOME_REJECTED, 0, "550", "\xFF\xFE", -1);
	assert_int_equal(record.delivery, GA_DELIVERY_FAILED);
	assert_null(record.detail);
	assert_string_equal(record.reason, "550");
}

/* ---- outcomes that are guesses ----------------------------------------------- */

static void
refuse(GaOutcomeClass outcome, const char *recipient)
{
	strlcpy(job.recipient, recipient, sizeof(job.recipient));
	judge_with(outcome, GA_OUTCOME_UNSURE, "550 5.7.1", "not allowed", -1);
}

static void
a_refusal_that_may_be_ours_is_put_off_behind_others(void **state)
{
	(void) state;
	refuse(GA_OUTCOME_REJECTED, "a");
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_int_equal(record.due, the_date + 2 * SECOND);
	assert_true(record.give_back);
	assert_true(record.in_doubt);
	assert_int_equal(record.refusals, 1);
	assert_false(pauses);
	/* How often it paused its provider alone is not forgotten by that. */
	job.pauses = 1;
	refuse(GA_OUTCOME_REJECTED, "b");
	assert_int_equal(record.pauses, 1);
}

static void
the_same_refusal_of_three_pauses_the_provider_and_keeps_all_three(void **state)
{
	(void) state;
	refuse(GA_OUTCOME_REJECTED, "a");
	refuse(GA_OUTCOME_REJECTED, "b");
	assert_false(pauses);
	refuse(GA_OUTCOME_REJECTED, "c");
	assert_true(pauses);
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_true(record.give_back);
	/* Being paused it decides no more: what was under way comes back. */
	provider->is_paused = true;
	refuse(GA_OUTCOME_REJECTED, "d");
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_int_equal(record.refusals, 0);
	assert_false(pauses);
}

static void
a_refusal_again_while_others_are_accepted_is_the_recipients(void **state)
{
	(void) state;
	refuse(GA_OUTCOME_MISCONFIGURED, "a");
	judge(GA_OUTCOME_ACCEPTED, 0);
	job.refusals = 1;
	refuse(GA_OUTCOME_MISCONFIGURED, "a");
	assert_int_equal(record.delivery, GA_DELIVERY_FAILED);
	assert_string_equal(record.reason, "550 5.7.1 not allowed");
	assert_false(pauses);
}

static void
with_others_under_way_their_outcomes_are_waited_for(void **state)
{
	(void) state;
	refuse(GA_OUTCOME_REJECTED, "a");
	job.refusals = 1;
	provider->in_flight = 2;
	refuse(GA_OUTCOME_REJECTED, "a");
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	/* Questions tell nothing of recipients. */
	provider->questions = 1;
	refuse(GA_OUTCOME_REJECTED, "a");
	assert_int_equal(record.delivery, GA_DELIVERY_FAILED);
}

static void
one_message_alone_pauses_its_provider_twice_and_is_set_aside(void **state)
{
	(void) state;
	job.refusals = 1;
	for (job.pauses = 0; job.pauses < 2; job.pauses++)
	{
		refuse(GA_OUTCOME_MISCONFIGURED, "a");
		assert_true(pauses);
		assert_int_equal(record.pauses, job.pauses + 1);
		assert_int_equal(record.refusals, 0);
	}
	refuse(GA_OUTCOME_MISCONFIGURED, "a");
	assert_false(pauses);
	assert_int_equal(record.delivery, GA_DELIVERY_FAILED);
	assert_string_equal(
		record.reason, "set aside, since it alone paused its provider 2 times: "
					   "550 5.7.1 not allowed");
}

static void
settings_that_changed_meanwhile_judge_nothing(void **state)
{
	(void) state;
	job.refusals = 1;
	load_one("rate", "1", NULL);
	refuse(GA_OUTCOME_REJECTED, "a");
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_int_equal(record.refusals, 1);
}

static void
what_was_refused_without_being_tried_goes_back_at_once(void **state)
{
	(void) state;
	job.picked = false;
	refuse(GA_OUTCOME_MISCONFIGURED, "a");
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_int_equal(record.due, the_date);
	assert_true(record.give_back);
	assert_int_equal(record.refusals, 0);
}

/* ---- couriers that die --------------------------------------------------------- */

static void
lose(bool died)
{
	ga_job_lose(&job, the_date, died, &record);
}

static void
what_a_dead_courier_had_is_tried_alone_at_once(void **state)
{
	(void) state;
	lose(true);
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_int_equal(record.due, the_date);
	assert_true(record.counts_crashes);
	assert_int_equal(record.crashes, 1);
	assert_string_equal(record.reason,
						"courier the courier died while sending");
	pass_ms(5);
	lose(true);
	assert_int_equal(record.elapsed_us, 5000);
	assert_false(record.set_aside);
}

static void
the_third_courier_of_a_message_is_its_last(void **state)
{
	(void) state;
	job.crashes = 2;
	lose(true);
	assert_int_equal(record.delivery, GA_DELIVERY_FAILED);
	assert_true(record.set_aside);
	assert_int_equal(record.due, 0);
	assert_string_equal(
		record.reason,
		"set aside, since the courier died 3 times while sending it");
}

static void
after_three_of_them_it_is_the_courier_that_is_broken(void **state)
{
	(void) state;
	job.crashes = 2;
	for (int i = 0; i < 3; i++)
	{
		lose(true);
		assert_true(record.set_aside);
	}
	lose(true);
	assert_false(record.set_aside);
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_true(record.due > the_date);
	/* Until something gets through. */
	ga_suspects_note_success();
	lose(true);
	assert_true(record.set_aside);
}

static void
a_courier_that_we_ended_counts_for_nobody(void **state)
{
	(void) state;
	job.crashes = 2;
	lose(false);
	assert_false(record.counts_crashes);
	assert_false(record.set_aside);
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_int_equal(record.due, the_date);
}

static void
with_hold_nothing_is_sent_again_nor_set_aside(void **state)
{
	(void) state;
	provider = load_one("on_uncertain", "hold", NULL);
	job.crashes = 2;
	lose(true);
	assert_int_equal(record.delivery, GA_DELIVERY_UNCERTAIN);
	assert_false(record.set_aside);
}

static void
any_outcome_clears_a_suspect(void **state)
{
	(void) state;
	judge(GA_OUTCOME_RETRY, 0);
	assert_false(record.counts_crashes);
	job.crashes = 2;
	judge(GA_OUTCOME_RETRY, 0);
	assert_true(record.counts_crashes);
	assert_int_equal(record.crashes, 0);
}

static void
what_the_courier_never_took_up_goes_back_as_if_never_claimed(void **state)
{
	(void) state;
	ga_job_give_back(&job, the_date, &record);
	assert_int_equal(record.delivery, GA_DELIVERY_QUEUED);
	assert_int_equal(record.due, the_date);
	assert_int_equal(record.start_tag, 4711);
	assert_true(record.give_back);
	assert_null(record.outcome);
}

/* ---- captured messages --------------------------------------------------------- */

static void
what_is_captured_is_kept_with_its_recipient(void **state)
{
	GaOutcomeFrame frame = {.outcome = GA_OUTCOME_ACCEPTED,
							.captured = {"the message", 11}};

	(void) state;
	ga_job_judge(&job, &frame, the_date, &record, &pauses);
	assert_string_equal(record.captured, "the message");
	assert_string_equal(record.recipient, "+27821234567");
	judge(GA_OUTCOME_ACCEPTED, 0);
	assert_null(record.captured);
	assert_null(record.recipient);
}

/* ---- the table of jobs ----------------------------------------------------------- */

static void
jobs_are_counted_for_their_provider_until_they_end(void **state)
{
	GaClaim claimed = {.contact = "+27821234567", .number = 3};
	GaPoll poll = {.message_id = "m-1", .number = 4};
	GaJob *message;
	GaJob *question;

	(void) state;
	message = ga_job_add(1, provider, &claimed);
	question = ga_job_add_poll(2, provider, &poll);
	assert_int_equal(ga_jobs_count(), 2);
	assert_int_equal(provider->questions, 1);
	assert_ptr_equal(ga_job_find(1), message);
	assert_null(ga_job_find(3));
	ga_job_suspect(message);
	ga_job_suspect(question);
	assert_int_equal(ga_jobs_suspect_count(), 2);
	assert_int_equal(provider->suspects, 1);
	assert_int_equal(provider->in_flight, 1);
	ga_job_remove(message);
	assert_int_equal(provider->suspects, 0);
	assert_int_equal(provider->questions, 1);
	assert_int_equal(ga_jobs_suspect_count(), 1);
	ga_job_remove(question);
	assert_int_equal(ga_jobs_count(), 0);
	assert_int_equal(ga_jobs_suspect_count(), 0);
	assert_int_equal(provider->suspects, 0);
	assert_int_equal(provider->questions, 0);
}

static void
a_job_knows_what_its_claim_said(void **state)
{
	GaClaim claimed = {
		.contact = "+27821234567",
		.number = 3,
		.attempt = 4,
		.refusals = 5,
		.pauses = 6,
		.crashes = 7,
		.start_tag = 8,
		.expires_at = 9,
		.reminders = 1,
		.group_id = {{1, 2, 3}},
	};
	const GaJob *added = ga_job_add(1, provider, &claimed);

	(void) state;
	assert_ptr_equal(added->provider, provider);
	assert_ptr_equal(added->fingerprint, provider->fingerprint);
	assert_memory_equal(&added->group_id, &claimed.group_id, UUID_LEN);
	assert_int_equal(added->number, 3);
	assert_int_equal(added->attempt, 4);
	assert_int_equal(added->refusals, 5);
	assert_int_equal(added->pauses, 6);
	assert_int_equal(added->crashes, 7);
	assert_int_equal(added->start_tag, 8);
	assert_int_equal(added->expires_at, 9);
	assert_int_equal(added->handed_at, the_date);
	assert_true(added->is_reminder);
	assert_false(added->is_poll);
	assert_string_equal(added->recipient, "+27821234567");
	claimed.reminders = 0;
	assert_false(ga_job_add(2, provider, &claimed)->is_reminder);
}

static void
a_question_knows_what_it_asks(void **state)
{
	GaPoll poll = {.message_id = "m-1",
				   .number = 4,
				   .tries = 5,
				   .link_version = 6,
				   .crashes = 7};
	const GaJob *added = ga_job_add_poll(1, provider, &poll);

	(void) state;
	assert_true(added->is_poll);
	assert_string_equal(added->message_id, "m-1");
	assert_int_equal(added->number, 4);
	assert_int_equal(added->attempt, 5);
	assert_int_equal(added->link_version, 6);
	assert_int_equal(added->crashes, 7);
}

static void
suspects_are_taken_in_their_order_and_those_that_ended_are_passed_over(
	void **state)
{
	GaClaim claimed = {.contact = ""};
	GaJob *first = ga_job_add(1, provider, &claimed);
	GaJob *second = ga_job_add(2, provider, &claimed);
	GaJob *third = ga_job_add(3, provider, &claimed);
	GaJobFrame one = {.job_id = 1, .strings = {[GA_JOB_TEXT] = "one"}};
	GaJobFrame other = {.job_id = 2, .strings = {[GA_JOB_TEXT] = "other"}};
	GaJobFrame found;
	char *payload;
	size_t length;

	(void) state;
	assert_false(ga_suspects_wait());
	ga_suspects_add(first, &one);
	ga_suspects_add(second, &other);
	ga_suspects_add(third, &other);
	assert_true(ga_suspects_wait());
	ga_job_remove(second);
	assert_ptr_equal(ga_suspects_take(&payload, &length), first);
	assert_true(ga_wire_get_job((GaSlice){payload, length}, &found));
	assert_int_equal(found.job_id, 1);
	assert_string_equal(found.strings[GA_JOB_TEXT], "one");
	assert_ptr_equal(ga_suspects_take(&payload, &length), third);
	assert_true(ga_wire_get_job((GaSlice){payload, length}, &found));
	assert_string_equal(found.strings[GA_JOB_TEXT], "other");
	assert_null(ga_suspects_take(&payload, &length));
	ga_suspects_add(ga_job_add(4, provider, &claimed), &one);
	ga_suspects_forget();
	assert_false(ga_suspects_wait());
	ga_job_remove(first);
	ga_job_remove(third);
	ga_job_remove(ga_job_find(4));
	assert_int_equal(ga_jobs_suspect_count(), 0);
}

static void
count_job(GaJob *visited, void *arg)
{
	*(uint64 *) arg += visited->id;
}

static void
every_job_is_visited(void **state)
{
	GaClaim claimed = {.contact = ""};
	uint64 sum = 0;

	(void) state;
	for (uint64 id = 1; id <= 4; id++)
		(void) ga_job_add(id, provider, &claimed);
	ga_jobs_visit(count_job, &sum);
	assert_int_equal(sum, 10);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_accepted_is_sent),
		TEST(what_is_rejected_has_failed_with_the_providers_words),
		TEST(a_dead_contact_is_suppressed_and_so_is_one_that_said_stop),
		TEST(what_is_put_off_is_tried_again_after_the_backoff),
		TEST(waits_double_with_each_try_up_to_the_cap),
		TEST(a_message_is_given_up_after_its_last_try),
		TEST(being_told_when_to_come_again_costs_no_try),
		TEST(a_provider_that_rests_keeps_its_messages_in_their_place),
		TEST(what_could_not_even_be_tried_leaves_no_trace),
		TEST(a_wrong_password_pauses_the_provider_and_costs_no_try),
		TEST(what_may_have_left_is_sent_again_unless_that_is_to_be_held),
		TEST(what_would_be_tried_after_its_end_has_expired),
		TEST(what_the_database_cannot_store_is_left_out),
		TEST(a_refusal_that_may_be_ours_is_put_off_behind_others),
		TEST(the_same_refusal_of_three_pauses_the_provider_and_keeps_all_three),
		TEST(a_refusal_again_while_others_are_accepted_is_the_recipients),
		TEST(with_others_under_way_their_outcomes_are_waited_for),
		TEST(one_message_alone_pauses_its_provider_twice_and_is_set_aside),
		TEST(settings_that_changed_meanwhile_judge_nothing),
		TEST(what_was_refused_without_being_tried_goes_back_at_once),
		TEST(what_a_dead_courier_had_is_tried_alone_at_once),
		TEST(the_third_courier_of_a_message_is_its_last),
		TEST(after_three_of_them_it_is_the_courier_that_is_broken),
		TEST(a_courier_that_we_ended_counts_for_nobody),
		TEST(with_hold_nothing_is_sent_again_nor_set_aside),
		TEST(any_outcome_clears_a_suspect),
		TEST(what_the_courier_never_took_up_goes_back_as_if_never_claimed),
		TEST(what_is_captured_is_kept_with_its_recipient),
		TEST(a_job_knows_what_its_claim_said),
		TEST(a_question_knows_what_it_asks),
		TEST(every_job_is_visited),
		TEST(
			suspects_are_taken_in_their_order_and_those_that_ended_are_passed_over),
		TEST(jobs_are_counted_for_their_provider_until_they_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
