/*
 * output.c
 *		The courier's end of the socketpair.
 *
 * The dispatcher may be busy writing jobs while we have outcomes for it.  The
 * main thread must therefore never wait for room to write, or both would wait
 * for ever: it posts, and a thread of this file writes.
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

static void
write_all(int fd, const char *data, size_t length)
{
	while (length > 0)
	{
		ssize_t written = send(fd, data, length, MSG_NOSIGNAL);

		if (written >= 0)
		{
			data += written;
			length -= (size_t) written;
		}
		else if (errno == EAGAIN)
		{
			struct pollfd wait = {fd, POLLOUT, 0};

			poll(&wait, 1, -1);
		}
		else if (errno != EINTR)
			_exit(0); /* the dispatcher is gone, and with it our purpose */
	}
}

void
ga_output_write(GaOutput *output, GaBuffer *buffer)
{
	pthread_mutex_lock(&output->write_lock);
	write_all(output->fd, ga_buffer_start(buffer), ga_buffer_length(buffer));
	pthread_mutex_unlock(&output->write_lock);
	ga_buffer_consume(buffer, ga_buffer_length(buffer));
}

static void *
write_posts(void *context)
{
	GaOutput *output = context;

	for (;;)
	{
		GaBuffer taken;

		pthread_mutex_lock(&output->post_lock);
		while (ga_buffer_length(&output->outbox) == 0)
			pthread_cond_wait(&output->posted, &output->post_lock);
		taken = output->outbox;
		memset(&output->outbox, 0, sizeof(output->outbox));
		pthread_mutex_unlock(&output->post_lock);
		ga_output_write(output, &taken);
		ga_buffer_free(&taken);
	}
	return NULL;
}

bool
ga_output_open(GaOutput *output, int fd)
{
	memset(output, 0, sizeof(*output));
	output->fd = fd;
	pthread_mutex_init(&output->write_lock, NULL);
	pthread_mutex_init(&output->post_lock, NULL);
	pthread_cond_init(&output->posted, NULL);
	return ga_thread_start(write_posts, output);
}

void
ga_output_post(GaOutput *output, GaBuffer *buffer)
{
	bool good;

	pthread_mutex_lock(&output->post_lock);
	good = ga_buffer_append(&output->outbox, ga_buffer_start(buffer),
							ga_buffer_length(buffer));
	pthread_cond_signal(&output->posted);
	pthread_mutex_unlock(&output->post_lock);
	if (!good)
		abort();
	ga_buffer_consume(buffer, ga_buffer_length(buffer));
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
		ga_output_post(output, &frame);
	ga_buffer_free(&frame);
}
