/*
 * dialogue.h
 *		Lines and bytes over a connection that libcurl has made: what is said to a
 *		relay, and its replies.
 *
 * It waits, within bounds of time, and knows nothing of what the lines mean.
 */
#ifndef GA_COURIER_SMTP_DIALOGUE_H
#define GA_COURIER_SMTP_DIALOGUE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/shared/monotonic.h"

/* A longer line is told in pieces.  RFC 5321 4.5.3.1.5: 512 bytes at the most. */
#define GA_DIALOGUE_LINE 2048

typedef struct GaDialogue
{
	CURL *curl; /* made with CURLOPT_CONNECT_ONLY */
	curl_socket_t fd;
	bool
		is_sealed; /* by TLS: bytes may have come that the socket does not tell of */
	size_t begin; /* what was read and not yet told */
	size_t end;
	char buffer[GA_DIALOGUE_LINE + 1]; /* and a zero */
} GaDialogue;

/* After the connection was made; false: there is none. */
extern bool ga_dialogue_begin(GaDialogue *dialogue, CURL *curl, bool is_sealed);
/* Whether anything came that nobody asked for: words, or the end. */
extern bool ga_dialogue_is_disturbed(GaDialogue *dialogue);
/* Whether something was read that was not yet told. */
extern bool ga_dialogue_has_more(const GaDialogue *dialogue);

/* CURLE_OK: all of it was taken.  CURLE_OPERATION_TIMEDOUT: not until then; 0: nobody
 * waits. */
extern CURLcode ga_dialogue_say(GaDialogue *dialogue, const char *data,
								size_t length, GaMonotonic until);
/* The next line with its end, and a zero somewhere behind; it is valid until the next
 * call.  CURLE_GOT_NOTHING: the relay has closed the connection.  A line that is there
 * is told, however late it is: who hears several looks at the clock between them. */
extern CURLcode ga_dialogue_hear(GaDialogue *dialogue, char **line,
								 size_t *length, GaMonotonic until);

#endif /* GA_COURIER_SMTP_DIALOGUE_H */
