/*
 * wire.h
 *		The frames spoken between the dispatcher and the courier.
 *
 * A frame is a 4-byte payload length in host byte order (both ends run on one
 * machine), one byte of type, and the payload.  The socketpair outlives either
 * end: what a dead courier wrote can still be read, and that is how the
 * dispatcher knows exactly which jobs it had taken up.
 *
 * Pure C: no PostgreSQL header, no allocation but by GaBuffer, never throws.
 */
#ifndef GA_BASE_SHARED_WIRE_H
#define GA_BASE_SHARED_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shared/buffer.h"

/* A frame larger than this is a broken peer; an invitation is below 64 KiB. */
#define GA_FRAME_MAX (4u * 1024 * 1024)
#define GA_FRAME_HEADER 5

typedef enum GaFrameType
{
	/* dispatcher to courier: JSON, {"providers": [...]}; replaces all before */
	GA_FRAME_CONFIG = 'C',
	/* dispatcher to courier: GaJobFrame, one message to deliver */
	GA_FRAME_JOB = 'J',
	/* dispatcher to courier: empty; drop what is not taken up, finish what
	 * is, then exit */
	GA_FRAME_DRAIN = 'D',
	/* dispatcher to courier: empty; to be answered at once */
	GA_FRAME_PING = '?',
	/* courier to dispatcher: 8-byte job id; bytes may leave from here on */
	GA_FRAME_PICKED = 'P',
	/* courier to dispatcher: GaOutcomeFrame, the end of one job; without
	 * PICKED before it, the job was not even tried */
	GA_FRAME_OUTCOME = 'O',
	/* courier to dispatcher: one line of UTF-8 for the server's log */
	GA_FRAME_LOG = 'L',
	/* courier to dispatcher, first of all if serve was started with --tell: by
	 * what it is confined, one line of ASCII */
	GA_FRAME_STARTED = 'S',
	/* courier to dispatcher: empty; its main loop has read all up to one PING */
	GA_FRAME_PONG = '!'
} GaFrameType;

/* What became of one attempt (docs/ARCHITECTURE.md, "Outcomes"). */
typedef enum GaOutcomeClass
{
	GA_OUTCOME_ACCEPTED = 1,  /* the provider took it over */
	GA_OUTCOME_REJECTED,	  /* permanently refused: this recipient, this
								 * message */
	GA_OUTCOME_RETRY,		  /* definitely not accepted, may succeed later */
	GA_OUTCOME_MISCONFIGURED, /* our account or settings are at fault: the
								 * provider is paused */
	GA_OUTCOME_UNCERTAIN	  /* body handed over, no answer */
} GaOutcomeClass;

/* The whole provider, not only this message, failed: counts for its breaker. */
#define GA_OUTCOME_PROVIDER_FAULT 0x01
/* The contact gets nothing more: it does not exist, or its person said STOP. */
#define GA_OUTCOME_DEAD_CONTACT 0x02
#define GA_OUTCOME_OPTED_OUT 0x04
/* The answer to a job that only asked how a message fares; neither: still under
 * way. */
#define GA_OUTCOME_IS_DELIVERED 0x10
#define GA_OUTCOME_IS_FAILED 0x20
/* Whom it blames is a guess: what else the provider does must tell. */
#define GA_OUTCOME_UNSURE 0x40
/* There are more connections than the provider allows. */
#define GA_OUTCOME_CROWDED 0x80
/* The courier itself could not try, for want of file descriptors: costs no try. */
#define GA_OUTCOME_NO_TRY 0x100
/* It could not be reached: no such name, no connection, or no answer in time. */
#define GA_OUTCOME_UNREACHED 0x200
/* Nobody whom we trust vouches for its certificate. */
#define GA_OUTCOME_UNTRUSTED 0x400
/* The upper half of the flags: how many connections the provider allows, as far
 * as that was learnt; 0: as many as it is configured to. */
#define GA_OUTCOME_CONNECTIONS(flags) ((int) ((flags) >> 16))
#define GA_OUTCOME_WITH_CONNECTIONS(count) ((uint32_t) (count) << 16)

typedef struct GaSlice
{
	const char *data; /* not zero-terminated */
	uint32_t length;
} GaSlice;

/* Strings are valid UTF-8 without control characters, capped by the courier. */
typedef struct GaOutcomeFrame
{
	uint64_t job_id;
	GaOutcomeClass outcome;
	uint32_t flags;
	int64_t retry_after_ms; /* floor asked by the provider; -1 = none */
	int64_t elapsed_us;		/* from pick-up to outcome */
	GaSlice code;			/* "550 5.1.1", "21211", "http 503", "curl 7" */
	GaSlice detail;			/* the provider's own words */
	GaSlice message_id;		/* the provider's id of the message, or empty */
	GaSlice captured;		/* capture only: the message as it would leave */
} GaOutcomeFrame;

/* What a job says, in the order of the frame (courier/job.h). */
typedef enum GaJobString
{
	GA_JOB_PROVIDER,
	GA_JOB_TO,
	GA_JOB_TO_NAME,
	GA_JOB_SUBJECT,
	GA_JOB_TEXT,
	GA_JOB_HTML,
	GA_JOB_MESSAGE_KEY,
	GA_JOB_REPLY_TO,
	GA_JOB_UNSUBSCRIBE_URL,
	GA_JOB_CALLBACK_URL,
	GA_JOB_LOCALE,
	GA_JOB_LINK,
	GA_JOB_UNSUBSCRIBE,
	GA_JOB_RECEIPT,
	GA_JOB_POLL,
	GA_JOB_STRINGS /* how many there are */
} GaJobString;

/* One message to deliver, or to ask after. */
typedef struct GaJobFrame
{
	uint64_t job_id;
	int64_t expires_in_s;				 /* 0: not given */
	const char *strings[GA_JOB_STRINGS]; /* NULL or "": not given */
} GaJobFrame;

/* false: out of memory */
extern bool ga_wire_put_frame(GaBuffer *out, GaFrameType type,
							  const void *payload, size_t length);
extern bool ga_wire_put_picked(GaBuffer *out, uint64_t job_id);
extern bool ga_wire_put_outcome(GaBuffer *out, const GaOutcomeFrame *outcome);

/* The length of the payload, and the payload itself, into that much memory. */
extern size_t ga_wire_job_length(const GaJobFrame *job);
extern void ga_wire_write_job(const GaJobFrame *job, char *payload);
extern bool ga_wire_put_job(GaBuffer *out, const GaJobFrame *job);

typedef enum GaWireResult
{
	GA_WIRE_INCOMPLETE, /* read more first */
	GA_WIRE_FRAME,		/* one whole frame is there */
	GA_WIRE_BROKEN		/* the peer does not speak this protocol */
} GaWireResult;

/*
 * Looks at the first frame of `in` without consuming it.  On GA_WIRE_FRAME the
 * payload points into the buffer; drop it with
 * ga_buffer_consume(in, GA_FRAME_HEADER + payload->length).
 */
extern GaWireResult ga_wire_peek(const GaBuffer *in, GaFrameType *type,
								 GaSlice *payload);
extern bool ga_wire_get_picked(GaSlice payload, uint64_t *job_id);
/* Strings of `job` point into the payload; none is NULL. */
extern bool ga_wire_get_job(GaSlice payload, GaJobFrame *job);
/* Slices of `outcome` point into the payload. */
extern bool ga_wire_get_outcome(GaSlice payload, GaOutcomeFrame *outcome);

extern const char *ga_wire_outcome_name(GaOutcomeClass outcome);

#endif /* GA_BASE_SHARED_WIRE_H */
