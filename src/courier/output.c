/*
 * output.c
 *		The courier's end of the socketpair.
 *
 * The dispatcher may be busy, in a commit or writing jobs, while we have outcomes
 * for it.  Nobody may wait for room to write then: the main thread has to read, and
 * the threads of providers have answers to hear.  So what the socket does not take
 * at once goes into the outbox, and a thread of this file writes it.  Whoever takes up
 * nothing more until that is done is woken by it at once: the dispatcher is busy for
 * tens of milliseconds after each large claim, and what is under way ends meanwhile.
 */
#include "courier/output.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "courier/text.h"
#include "courier/thread.h"

/* The dispatcher is gone, and with it our purpose, but for what is under way. */
static void
lose_reader(const GaOutput *output, GaBuffer *buffer)
{
	if (output->journal == NULL)
		_exit(0);
	ga_buffer_consume(buffer, ga_buffer_length(buffer));
}

/* The lock is held: as much of `buffer` as the socket takes. */
static void
send_some(const GaOutput *output, GaBuffer *buffer)
{
	while (ga_buffer_length(buffer) > 0)
	{
		ssize_t sent =
			send(output->fd, ga_buffer_start(buffer), ga_buffer_length(buffer),
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent >= 0)
			ga_buffer_consume(buffer, (size_t) sent);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			lose_reader(output, buffer);
	}
}

bool
ga_output_write(GaOutput *output, GaBuffer *buffer)
{
	bool is_written;

	pthread_mutex_lock(&output->lock);
	if (ga_buffer_length(&output->outbox) == 0)
		send_some(output, buffer);
	if (ga_buffer_length(buffer) > 0)
	{
		if (!ga_buffer_append(&output->outbox, ga_buffer_start(buffer),
							  ga_buffer_length(buffer)))
			abort();
		ga_buffer_consume(buffer, ga_buffer_length(buffer));
		pthread_cond_signal(&output->filled);
	}
	is_written = ga_buffer_length(&output->outbox) == 0;
	pthread_mutex_unlock(&output->lock);
	return is_written;
}

bool
ga_output_await(GaOutput *output, GaOutputWaiter *waiter)
{
	bool is_written;

	pthread_mutex_lock(&output->lock);
	is_written = ga_buffer_length(&output->outbox) == 0;
	if (!is_written && !waiter->is_waiting)
	{
		waiter->is_waiting = true;
		waiter->next = output->waiters;
		output->waiters = waiter;
	}
	pthread_mutex_unlock(&output->lock);
	return is_written;
}

void
ga_output_forget(GaOutput *output, GaOutputWaiter *waiter)
{
	GaOutputWaiter **place = &output->waiters;

	pthread_mutex_lock(&output->lock);
	while (*place && *place != waiter)
		place = &(*place)->next;
	if (*place)
		*place = waiter->next;
	waiter->is_waiting = false;
	pthread_mutex_unlock(&output->lock);
}

/* The lock is held: nothing is left to be written. */
static void
wake_waiters(GaOutput *output)
{
	GaOutputWaiter *waiter = output->waiters;

	output->waiters = NULL;
	for (; waiter; waiter = waiter->next)
	{
		waiter->is_waiting = false;
		waiter->wake(waiter->context);
	}
	pthread_cond_broadcast(&output->emptied);
}

void
ga_output_drain(GaOutput *output)
{
	pthread_mutex_lock(&output->lock);
	while (ga_buffer_length(&output->outbox) > 0)
		pthread_cond_wait(&output->emptied, &output->lock);
	pthread_mutex_unlock(&output->lock);
}

static void *
write_outbox(void *context)
{
	GaOutput *output = context;
	struct pollfd wait = {output->fd, POLLOUT, 0};

	pthread_mutex_lock(&output->lock);
	for (;;)
	{
		while (ga_buffer_length(&output->outbox) == 0)
			pthread_cond_wait(&output->filled, &output->lock);
		pthread_mutex_unlock(&output->lock);
		(void) poll(&wait, 1, -1);
		pthread_mutex_lock(&output->lock);
		send_some(output, &output->outbox);
		if (ga_buffer_length(&output->outbox) == 0)
			wake_waiters(output);
	}
	return NULL;
}

bool
ga_output_open(GaOutput *output, int fd, GaJournal *journal,
			   uint32_t generation)
{
	memset(output, 0, sizeof(*output));
	output->fd = fd;
	output->journal = journal;
	output->generation = generation;
	pthread_mutex_init(&output->lock, NULL);
	pthread_cond_init(&output->filled, NULL);
	pthread_cond_init(&output->emptied, NULL);
	return ga_thread_start(write_outbox, output);
}

void
ga_output_log(GaOutput *output, const char *format, ...)
{
	GaBuffer frame = {0};
	char raw[1024];
	char line[1024];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	vsnprintf(raw, sizeof(raw), format, arguments);
	va_end(arguments);
	length = ga_text_clean(raw, strlen(raw), line, sizeof(line));
	if (ga_wire_put_frame(&frame, GA_FRAME_LOG, line, length))
		ga_output_write(output, &frame);
	ga_buffer_free(&frame);
}
