/*
 * dialogue.c
 *		Lines and bytes over a connection that libcurl has made.
 */
#include "courier/smtp/dialogue.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

bool
ga_dialogue_begin(GaDialogue *dialogue, CURL *curl, bool is_sealed)
{
	dialogue->curl = curl;
	dialogue->is_sealed = is_sealed;
	dialogue->begin = dialogue->end = 0;
	dialogue->fd = CURL_SOCKET_BAD;
	return curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &dialogue->fd) ==
			   CURLE_OK &&
		   dialogue->fd != CURL_SOCKET_BAD;
}

bool
ga_dialogue_has_more(const GaDialogue *dialogue)
{
	return dialogue->begin < dialogue->end;
}

/*
 * A kept connection must be silent.  A relay that closes one that was idle says 421 and
 * ends it; whatever else has come would be taken for the reply to our next command.
 */
bool
ga_dialogue_is_disturbed(GaDialogue *dialogue)
{
	struct pollfd wait = {dialogue->fd, POLLIN | POLLRDHUP, 0};
	size_t count;
	char byte;

	if (ga_dialogue_has_more(dialogue))
		return true;
	if (poll(&wait, 1, 0) == 0)
		return false;
	/* TLS has words of its own, a new ticket for instance. */
	return (wait.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0 ||
		   curl_easy_recv(dialogue->curl, &byte, 1, &count) != CURLE_AGAIN;
}

/* CURLE_OK: it is worth another try; a peer that is always ready is asked for the time
 * by whoever tries again. */
static CURLcode
wait_for(const GaDialogue *dialogue, short events, GaMonotonic until)
{
	struct pollfd wait = {dialogue->fd, events, 0};

	for (;;)
	{
		GaMonotonic now = ga_monotonic_now();
		int ready = poll(&wait, 1, (int) ga_monotonic_ms_between(now, until));

		if (ready > 0)
			return CURLE_OK;
		if (ready == 0 && now >= until)
			return CURLE_OPERATION_TIMEDOUT;
		if (ready < 0 && errno != EINTR)
			return CURLE_RECV_ERROR;
	}
}

/* After a try in vain, however ready the socket is: TLS may want to read where we
 * write, and may have come by a part of what it needs. */
static CURLcode
wait_again(const GaDialogue *dialogue, short events, GaMonotonic until)
{
	return ga_monotonic_now() >= until ? CURLE_OPERATION_TIMEDOUT
									   : wait_for(dialogue, events, until);
}

/*
 * An error says that the relay may have got a part of it, never how much: whoever says a
 * body has to take it for begun before the first byte.
 */
CURLcode
ga_dialogue_say(GaDialogue *dialogue, const char *data, size_t length,
				GaMonotonic until)
{
	while (length > 0)
	{
		size_t sent = 0;
		CURLcode result = curl_easy_send(dialogue->curl, data, length, &sent);

		if (result == CURLE_AGAIN)
			result = wait_again(dialogue, POLLOUT, until);
		if (result != CURLE_OK)
			return result;
		data += sent;
		length -= sent;
	}
	return CURLE_OK;
}

/*
 * Under TLS the socket tells little: a record that was read may hold several replies,
 * and the socket has nothing more though bytes are there.  So libcurl is asked first,
 * and the socket is waited for when it has none.
 */
static CURLcode
read_some(GaDialogue *dialogue, GaMonotonic until)
{
	CURLcode result = CURLE_AGAIN;
	size_t count = 0;

	/* In the clear there is nothing before the socket tells so. */
	if (!dialogue->is_sealed)
		result = wait_for(dialogue, POLLIN, until);
	if (result != CURLE_OK && result != CURLE_AGAIN)
		return result;
	while ((result = curl_easy_recv(
				dialogue->curl, dialogue->buffer + dialogue->end,
				GA_DIALOGUE_LINE - dialogue->end, &count)) == CURLE_AGAIN)
	{
		result = wait_again(dialogue, POLLIN, until);
		if (result != CURLE_OK)
			return result;
	}
	if (result != CURLE_OK)
		return result;
	dialogue->end += count;
	dialogue->buffer[dialogue->end] = '\0';
	return count > 0 ? CURLE_OK : CURLE_GOT_NOTHING;
}

/* What is not told yet goes to the front, to make room. */
static void
compact(GaDialogue *dialogue)
{
	if (dialogue->begin == 0)
		return;
	dialogue->end -= dialogue->begin;
	memmove(dialogue->buffer, dialogue->buffer + dialogue->begin,
			dialogue->end);
	dialogue->begin = 0;
}

CURLcode
ga_dialogue_hear(GaDialogue *dialogue, char **line, size_t *length,
				 GaMonotonic until)
{
	for (;;)
	{
		char *start = dialogue->buffer + dialogue->begin;
		size_t count = dialogue->end - dialogue->begin;
		const char *newline = memchr(start, '\n', count);
		CURLcode result;

		if (newline || count == GA_DIALOGUE_LINE)
		{
			*line = start;
			*length = newline ? (size_t) (newline - start) + 1 : count;
			dialogue->begin += *length;
			return CURLE_OK;
		}
		compact(dialogue);
		result = read_some(dialogue, until);
		if (result != CURLE_OK)
			return result;
	}
}
