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
ga_link_write(GaLink *link, GaBuffer *buffer)
{
	pthread_mutex_lock(&link->write_lock);
	write_all(link->fd, ga_buffer_start(buffer), ga_buffer_length(buffer));
	pthread_mutex_unlock(&link->write_lock);
	ga_buffer_consume(buffer, ga_buffer_length(buffer));
}

static void *
write_posts(void *context)
{
	GaLink *link = context;

	for (;;)
	{
		GaBuffer taken;

		pthread_mutex_lock(&link->post_lock);
		while (ga_buffer_length(&link->outbox) == 0)
			pthread_cond_wait(&link->posted, &link->post_lock);
		taken = link->outbox;
		memset(&link->outbox, 0, sizeof(link->outbox));
		pthread_mutex_unlock(&link->post_lock);
		ga_link_write(link, &taken);
		ga_buffer_free(&taken);
	}
	return NULL;
}

bool
ga_thread_start(void *(*run)(void *), void *context)
{
	sigset_t all;
	sigset_t before;
	pthread_t thread;
	bool started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(&thread, NULL, run, context) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (started)
		pthread_detach(thread);
	return started;
}

bool
ga_link_open(GaLink *link, int fd)
{
	memset(link, 0, sizeof(*link));
	link->fd = fd;
	pthread_mutex_init(&link->write_lock, NULL);
	pthread_mutex_init(&link->post_lock, NULL);
	pthread_cond_init(&link->posted, NULL);
	return ga_thread_start(write_posts, link);
}

void
ga_link_post(GaLink *link, GaBuffer *buffer)
{
	bool good;

	pthread_mutex_lock(&link->post_lock);
	good = ga_buffer_append(&link->outbox, ga_buffer_start(buffer),
							ga_buffer_length(buffer));
	pthread_cond_signal(&link->posted);
	pthread_mutex_unlock(&link->post_lock);
	if (!good)
		abort();
	ga_buffer_consume(buffer, ga_buffer_length(buffer));
}

void
ga_link_log(GaLink *link, const char *format, ...)
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
		ga_link_post(link, &frame);
	ga_buffer_free(&frame);
}
