/*
 * courier_wire.c
 *		Frames between dispatcher and courier, and what is written is read again.
 */
#include "fuzz.h"

#include "base/shared/wire.h"

static bool
lies_in(GaSlice payload, const char *data, size_t length)
{
	return data >= payload.data &&
		   data + length <= payload.data + payload.length;
}

static void
try_outcome(GaSlice payload)
{
	GaOutcomeFrame outcome;
	GaOutcomeFrame again;
	GaBuffer out = {0};
	GaFrameType type;
	GaSlice written;

	if (!ga_wire_get_outcome(payload, &outcome))
		return;
	PROMISE(ga_wire_outcome_name(outcome.outcome) != NULL);
	PROMISE(lies_in(payload, outcome.code.data, outcome.code.length));
	PROMISE(lies_in(payload, outcome.detail.data, outcome.detail.length));
	PROMISE(
		lies_in(payload, outcome.message_id.data, outcome.message_id.length));
	PROMISE(lies_in(payload, outcome.captured.data, outcome.captured.length));
	PROMISE(ga_wire_put_outcome(&out, &outcome));
	PROMISE(ga_wire_peek(&out, &type, &written) == GA_WIRE_FRAME);
	PROMISE(type == GA_FRAME_OUTCOME);
	PROMISE(ga_wire_get_outcome(written, &again));
	PROMISE(again.job_id == outcome.job_id && again.flags == outcome.flags &&
			again.detail.length == outcome.detail.length);
	ga_buffer_free(&out);
}

static void
try_job(GaSlice payload)
{
	GaJobFrame job;
	GaJobFrame again;
	GaBuffer out = {0};
	GaFrameType type;
	GaSlice written;

	if (!ga_wire_get_job(payload, &job))
		return;
	for (int i = 0; i < GA_JOB_STRINGS; i++)
		PROMISE(lies_in(payload, job.strings[i], strlen(job.strings[i]) + 1));
	PROMISE(ga_wire_job_length(&job) == payload.length);
	PROMISE(ga_wire_put_job(&out, &job));
	PROMISE(ga_wire_peek(&out, &type, &written) == GA_WIRE_FRAME);
	PROMISE(type == GA_FRAME_JOB && written.length == payload.length);
	PROMISE(ga_wire_get_job(written, &again));
	PROMISE(again.job_id == job.job_id &&
			again.expires_in_s == job.expires_in_s);
	for (int i = 0; i < GA_JOB_STRINGS; i++)
		PROMISE(strcmp(again.strings[i], job.strings[i]) == 0);
	ga_buffer_free(&out);
}

static void
try_frame(GaFrameType type, GaSlice payload)
{
	uint64_t id;

	if (type == GA_FRAME_PICKED)
		(void) ga_wire_get_picked(payload, &id);
	if (type == GA_FRAME_OUTCOME)
		try_outcome(payload);
	if (type == GA_FRAME_JOB)
		try_job(payload);
}

/* Of its buffer more is allocated than the frame takes: in a copy as long as the
 * frame, what lies behind it is seen to be read. */
static void
try_copy(GaFrameType type, GaSlice payload)
{
	char *copy = malloc(payload.length ? payload.length : 1);

	memcpy(copy, payload.data, payload.length);
	try_frame(type, (GaSlice){copy, payload.length});
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GaBuffer in = {0};
	GaFrameType type;
	GaSlice payload;
	GaSlice all = {(const char *) data, (uint32_t) size};

	try_outcome(all);
	try_job(all);
	/* It comes in pieces. */
	for (size_t at = 0; at < size; at += 7)
		PROMISE(
			ga_buffer_append(&in, data + at, size - at < 7 ? size - at : 7));
	while (ga_wire_peek(&in, &type, &payload) == GA_WIRE_FRAME)
	{
		PROMISE(ga_buffer_length(&in) >=
				GA_FRAME_HEADER + (size_t) payload.length);
		try_copy(type, payload);
		ga_buffer_consume(&in, GA_FRAME_HEADER + (size_t) payload.length);
	}
	ga_buffer_free(&in);
	return 0;
}
