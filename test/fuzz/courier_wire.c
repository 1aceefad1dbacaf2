/*
 * courier_wire.c
 *		Frames between dispatcher and courier, and what is written is read again.
 */
#include "fuzz.h"

#include "base/shared/wire.h"

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
	PROMISE(ga_wire_put_outcome(&out, &outcome));
	PROMISE(ga_wire_peek(&out, &type, &written) == GA_WIRE_FRAME);
	PROMISE(type == GA_FRAME_OUTCOME);
	PROMISE(ga_wire_get_outcome(written, &again));
	PROMISE(again.job_id == outcome.job_id && again.flags == outcome.flags &&
			again.detail.length == outcome.detail.length);
	ga_buffer_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GaBuffer in = {0};
	GaFrameType type;
	GaSlice payload;
	GaSlice all = {(const char *) data, (uint32_t) size};
	uint64_t id;

	try_outcome(all);
	/* It comes in pieces. */
	for (size_t at = 0; at < size; at += 7)
		PROMISE(
			ga_buffer_append(&in, data + at, size - at < 7 ? size - at : 7));
	while (ga_wire_peek(&in, &type, &payload) == GA_WIRE_FRAME)
	{
		if (type == GA_FRAME_PICKED)
			(void) ga_wire_get_picked(payload, &id);
		if (type == GA_FRAME_OUTCOME)
			try_outcome(payload);
		ga_buffer_consume(&in, (size_t) (payload.data + payload.length -
										 ga_buffer_start(&in)));
	}
	ga_buffer_free(&in);
	return 0;
}
