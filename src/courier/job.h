/*
 * job.h
 *		One message to deliver, as the dispatcher asks for it.
 */
#ifndef GA_COURIER_JOB_H
#define GA_COURIER_JOB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/shared/channel.h"
#include "base/shared/wire.h"

/* Subject, text and html together; libcurl 7.88 may lose the end of an SMTP
 * body of 64 KiB and more (curl#18798). */
#define GA_JOB_BODY_MAX 32768

/* Strings point into `root` or the frame; "" stands for what was not given. */
typedef struct GaCourierJob
{
	json_t *root; /* owned; NULL: read from a frame, which lives as long */
	uint64_t id;
	const char *provider;
	const char *to;
	const char *to_name;
	const char *subject;
	const char *text;
	const char *html;
	const char *message_key;
	const char *reply_to;
	const char *unsubscribe_url;
	const char *callback_url;
	const char *locale;
	/* The tokens of the message, which no outcome may quote. */
	const char *link;
	const char *unsubscribe;
	const char *receipt;  /* also proves that a bounce is about it */
	const char *poll;	  /* not "": only ask how this message of the
						   * provider's fares */
	int64_t expires_in_s; /* 0 = not given */
} GaCourierJob;

/*
 * Takes over `root`.  false: a member has the wrong type, or id or provider is
 * missing; `complaint` says which and the caller still frees the job.
 */
extern bool ga_job_read(GaCourierJob *job, json_t *root, char *complaint,
						size_t size);
extern void ga_job_free(GaCourierJob *job);
/* From the payload of a JOB frame, which the strings point into.  false: as above. */
extern bool ga_job_read_frame(GaCourierJob *job, GaSlice payload,
							  char *complaint, size_t size);

/*
 * Whether the message can be put on the wire of this channel as it is (of a
 * question only the message's id is needed): no
 * value ends a header line, addresses are addresses, sizes are within bounds.
 * false: `complaint` is a sentence for the outcome's detail.
 */
extern bool ga_job_check(const GaCourierJob *job, GaChannel channel,
						 char *complaint, size_t size);

#endif /* GA_COURIER_JOB_H */
