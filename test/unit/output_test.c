/*
 * output_test.c
 *		Who waits until the dispatcher has read is woken by that, and by nothing else.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "courier/output.h"

/* Longer than any wait here takes, for a machine that is busy. */
#define LONG_MS 30000

/* Its thread runs until the program ends, so each test has one of its own. */
typedef struct Fixture
{
	GaOutput output;
	int dispatcher;
	int woken; /* an eventfd: counts the calls */
	GaOutputWaiter waiter;
} Fixture;

static Fixture fixtures[4];
static int fixture_count;

static void
note_call(void *context)
{
	const uint64_t one = 1;

	assert_int_equal(write(*(int *) context, &one, sizeof(one)), sizeof(one));
}

static int
set_up(void **state)
{
	Fixture *fixture = &fixtures[fixture_count++];
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return -1;
	fixture->dispatcher = ends[1];
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	fixture->woken = eventfd(0, EFD_NONBLOCK);
	fixture->waiter =
		(GaOutputWaiter){.wake = note_call, .context = &fixture->woken};
	*state = fixture;
	return ga_output_open(&fixture->output, ends[0], NULL, 0) ? 0 : -1;
}

static bool
write_bytes(Fixture *fixture, size_t length)
{
	static char bytes[65536];
	GaBuffer buffer = {0};
	bool is_written;

	assert_true(ga_buffer_append(&buffer, bytes, length));
	is_written = ga_output_write(&fixture->output, &buffer);
	assert_int_equal(ga_buffer_length(&buffer), 0);
	ga_buffer_free(&buffer);
	return is_written;
}

static void
fill_socket(Fixture *fixture)
{
	while (write_bytes(fixture, 65536))
		;
}

static void
read_all(Fixture *fixture)
{
	static char bytes[65536];
	struct pollfd wait = {fixture->dispatcher, POLLIN, 0};

	do
	{
		while (read(fixture->dispatcher, bytes, sizeof(bytes)) > 0)
			;
		/* The rest may still be on its way out of the outbox. */
	} while (!ga_output_await(&fixture->output, &fixture->waiter) &&
			 poll(&wait, 1, LONG_MS) > 0);
}

static bool
is_woken(Fixture *fixture, int wait_ms)
{
	struct pollfd wait = {fixture->woken, POLLIN, 0};

	return poll(&wait, 1, wait_ms) > 0;
}

static void
while_the_socket_has_room_nobody_waits(void **state)
{
	Fixture *fixture = *state;

	assert_true(write_bytes(fixture, 100));
	assert_true(ga_output_await(&fixture->output, &fixture->waiter));
	assert_false(fixture->waiter.is_waiting);
}

static void
who_waits_is_woken_once_the_dispatcher_has_read(void **state)
{
	Fixture *fixture = *state;
	uint64_t calls;

	fill_socket(fixture);
	/* Asked twice it is told once. */
	assert_false(ga_output_await(&fixture->output, &fixture->waiter));
	assert_false(ga_output_await(&fixture->output, &fixture->waiter));
	assert_false(is_woken(fixture, 0));
	read_all(fixture);
	assert_true(is_woken(fixture, LONG_MS));
	assert_int_equal(read(fixture->woken, &calls, sizeof(calls)),
					 sizeof(calls));
	assert_true(ga_output_await(&fixture->output, &fixture->waiter));
}

static void
all_who_wait_are_woken(void **state)
{
	Fixture *fixture = *state;
	int woken = eventfd(0, EFD_NONBLOCK);
	struct pollfd wait = {woken, POLLIN, 0};
	GaOutputWaiter second = {.wake = note_call, .context = &woken};

	fill_socket(fixture);
	assert_false(ga_output_await(&fixture->output, &fixture->waiter));
	assert_false(ga_output_await(&fixture->output, &second));
	read_all(fixture);
	assert_true(is_woken(fixture, LONG_MS));
	assert_int_equal(poll(&wait, 1, LONG_MS), 1);
}

static void
who_was_forgotten_is_not_woken(void **state)
{
	Fixture *fixture = *state;
	int woken = eventfd(0, EFD_NONBLOCK);
	struct pollfd wait = {woken, POLLIN, 0};
	GaOutputWaiter gone = {.wake = note_call, .context = &woken};

	fill_socket(fixture);
	assert_false(ga_output_await(&fixture->output, &gone));
	assert_false(ga_output_await(&fixture->output, &fixture->waiter));
	ga_output_forget(&fixture->output, &gone);
	ga_output_forget(&fixture->output, &gone);
	read_all(fixture);
	assert_true(is_woken(fixture, LONG_MS));
	assert_int_equal(poll(&wait, 1, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(while_the_socket_has_room_nobody_waits, set_up),
		cmocka_unit_test_setup(who_waits_is_woken_once_the_dispatcher_has_read,
							   set_up),
		cmocka_unit_test_setup(all_who_wait_are_woken, set_up),
		cmocka_unit_test_setup(who_was_forgotten_is_not_woken, set_up),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
