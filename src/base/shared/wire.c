/*
 * wire.c
 *		Encoding and decoding of the frames between dispatcher and courier.
 *
 * Used by both programs, so that the two cannot disagree.  Every length read
 * from the peer is checked against what is there before it is believed.
 */
#include "base/shared/wire.h"

#include <stdlib.h>
#include <string.h>

/* Numbers go as they are in memory: both ends are on one machine, of one build. */
static bool
put_header(GaBuffer *out, GaFrameType type, uint32_t length)
{
	char header[GA_FRAME_HEADER];

	memcpy(header, &length, 4);
	header[4] = (char) type;
	return ga_buffer_append(out, header, sizeof(header));
}

bool
ga_wire_put_frame(GaBuffer *out, GaFrameType type, const void *payload,
				  size_t length)
{
	/* Reserve the whole first, so that a failure leaves no half frame. */
	if (length > GA_FRAME_MAX ||
		ga_buffer_reserve(out, GA_FRAME_HEADER + length) == NULL)
		return false;
	return put_header(out, type, (uint32_t) length) &&
		   ga_buffer_append(out, payload, length);
}

bool
ga_wire_put_picked(GaBuffer *out, uint64_t job_id)
{
	return ga_wire_put_frame(out, GA_FRAME_PICKED, &job_id, sizeof(job_id));
}

/* The fixed part of an outcome on the wire; four strings follow it. */
typedef struct OutcomeHead
{
	uint64_t job_id;
	int64_t retry_after_ms;
	int64_t elapsed_us;
	uint32_t outcome;
	uint32_t flags;
	uint32_t lengths[4];
} OutcomeHead;

bool
ga_wire_put_outcome(GaBuffer *out, const GaOutcomeFrame *outcome)
{
	const GaSlice *strings[4] = {&outcome->code, &outcome->detail,
								 &outcome->message_id, &outcome->captured};
	OutcomeHead head;
	size_t total = sizeof(head);

	memset(&head, 0, sizeof(head));
	head.job_id = outcome->job_id;
	head.retry_after_ms = outcome->retry_after_ms;
	head.elapsed_us = outcome->elapsed_us;
	head.outcome = (uint32_t) outcome->outcome;
	head.flags = outcome->flags;
	for (int i = 0; i < 4; i++)
	{
		head.lengths[i] = strings[i]->length;
		total += strings[i]->length;
	}
	if (total > GA_FRAME_MAX ||
		ga_buffer_reserve(out, GA_FRAME_HEADER + total) == NULL)
		return false;
	put_header(out, GA_FRAME_OUTCOME, (uint32_t) total);
	ga_buffer_append(out, &head, sizeof(head));
	for (int i = 0; i < 4; i++)
		ga_buffer_append(out, strings[i]->data, strings[i]->length);
	return true;
}

/* The fixed part of a job on the wire; its strings follow, each with its zero. */
typedef struct JobHead
{
	uint64_t job_id;
	int64_t expires_in_s;
	uint32_t lengths[GA_JOB_STRINGS];
	uint32_t unused; /* the size of the struct is a multiple of 8 */
} JobHead;

static size_t
length_of(const char *string)
{
	return string ? strlen(string) : 0;
}

size_t
ga_wire_job_length(const GaJobFrame *job)
{
	size_t total = sizeof(JobHead);

	for (int i = 0; i < GA_JOB_STRINGS; i++)
		total += length_of(job->strings[i]) + 1;
	return total;
}

/*
 * The strings keep their zeros, so the courier reads them where they lie in the frame
 * and copies nothing.
 */
void
ga_wire_write_job(const GaJobFrame *job, char *payload)
{
	char *next = payload + sizeof(JobHead);
	JobHead head;

	memset(&head, 0, sizeof(head));
	head.job_id = job->job_id;
	head.expires_in_s = job->expires_in_s;
	for (int i = 0; i < GA_JOB_STRINGS; i++)
	{
		size_t length = length_of(job->strings[i]);

		head.lengths[i] = (uint32_t) length;
		if (length > 0)
			memcpy(next, job->strings[i], length);
		next[length] = '\0';
		next += length + 1;
	}
	memcpy(payload, &head, sizeof(head));
}

bool
ga_wire_put_job(GaBuffer *out, const GaJobFrame *job)
{
	size_t length = ga_wire_job_length(job);

	if (length > GA_FRAME_MAX ||
		ga_buffer_reserve(out, GA_FRAME_HEADER + length) == NULL)
		return false;
	put_header(out, GA_FRAME_JOB, (uint32_t) length);
	ga_wire_write_job(job, out->data + out->end);
	out->end += length;
	return true;
}

/* Takes the head off the front of a payload; false: it is too short. */
static bool
take_head(GaSlice *payload, void *head, size_t size)
{
	if (payload->length < size)
		return false;
	memcpy(head, payload->data, size);
	payload->data += size;
	payload->length -= size;
	return true;
}

/*
 * A length must be that of its string exactly: with a zero inside, two readers of one
 * string would see two.  And nothing may be left over.
 */
bool
ga_wire_get_job(GaSlice payload, GaJobFrame *job)
{
	JobHead head;

	if (!take_head(&payload, &head, sizeof(head)))
		return false;
	job->job_id = head.job_id;
	job->expires_in_s = head.expires_in_s;
	for (int i = 0; i < GA_JOB_STRINGS; i++)
	{
		size_t length = head.lengths[i];

		if (length >= payload.length || payload.data[length] != '\0' ||
			memchr(payload.data, '\0', length) != NULL)
			return false;
		job->strings[i] = payload.data;
		payload.data += length + 1;
		payload.length -= length + 1;
	}
	return payload.length == 0;
}

/*
 * The payload points into the buffer, until that is consumed.  A length beyond the
 * bound cannot be skipped: what follows it could be anything, so the stream is broken.
 */
GaWireResult
ga_wire_peek(const GaBuffer *in, GaFrameType *type, GaSlice *payload)
{
	uint32_t length;

	if (ga_buffer_length(in) < GA_FRAME_HEADER)
		return GA_WIRE_INCOMPLETE;
	memcpy(&length, ga_buffer_start(in), 4);
	if (length > GA_FRAME_MAX)
		return GA_WIRE_BROKEN;
	if (ga_buffer_length(in) < GA_FRAME_HEADER + (size_t) length)
		return GA_WIRE_INCOMPLETE;
	*type = (GaFrameType) ga_buffer_start(in)[4];
	payload->data = ga_buffer_start(in) + GA_FRAME_HEADER;
	payload->length = length;
	return GA_WIRE_FRAME;
}

bool
ga_wire_get_picked(GaSlice payload, uint64_t *job_id)
{
	if (payload.length != sizeof(*job_id))
		return false;
	memcpy(job_id, payload.data, sizeof(*job_id));
	return true;
}

bool
ga_wire_get_outcome(GaSlice payload, GaOutcomeFrame *outcome)
{
	GaSlice *strings[4] = {&outcome->code, &outcome->detail,
						   &outcome->message_id, &outcome->captured};
	OutcomeHead head;

	if (!take_head(&payload, &head, sizeof(head)))
		return false;
	if (head.outcome < GA_OUTCOME_ACCEPTED ||
		head.outcome > GA_OUTCOME_UNCERTAIN)
		return false;
	outcome->job_id = head.job_id;
	outcome->outcome = (GaOutcomeClass) head.outcome;
	outcome->flags = head.flags;
	outcome->retry_after_ms = head.retry_after_ms;
	outcome->elapsed_us = head.elapsed_us;
	for (int i = 0; i < 4; i++)
	{
		if (head.lengths[i] > payload.length)
			return false;
		strings[i]->data = payload.data;
		strings[i]->length = head.lengths[i];
		payload.data += head.lengths[i];
		payload.length -= head.lengths[i];
	}
	return payload.length == 0;
}

const char *
ga_wire_outcome_name(GaOutcomeClass outcome)
{
	switch (outcome)
	{
		case GA_OUTCOME_ACCEPTED:
			return "accepted";
		case GA_OUTCOME_REJECTED:
			return "rejected";
		case GA_OUTCOME_RETRY:
			return "retry";
		case GA_OUTCOME_MISCONFIGURED:
			return "misconfigured";
		case GA_OUTCOME_UNCERTAIN:
			return "uncertain";
	}
	return "unknown";
}
