/*
 * job.c
 *		Reading and checking one message to deliver.
 *
 * libcurl passes CR and LF on as they are, in envelope addresses and in header
 * values alike: this file is where they stop.
 */
#include "courier/job.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/shared/mailbox.h"
#include "courier/text.h"

/* The members that are strings, in the order of GaJobString, and what they may hold. */
typedef struct StringMember
{
	const char *name;
	size_t offset;
	enum
	{
		PROSE,	/* any valid UTF-8 */
		HEADER, /* no control characters */
		NAME,	/* cleaned when it is used, so anything goes */
		TOKEN,	/* printable ASCII without blanks */
		KEY		/* what may stand left of the @ of a Message-ID */
	} form;
	size_t max; /* bytes */
} StringMember;

#define MEMBER(name, form, max)                                                \
	{                                                                          \
#name, offsetof(GaCourierJob, name), form, max                         \
	}

static const StringMember members[] = {
	MEMBER(provider, HEADER, 255),
	MEMBER(to, HEADER, 254), /* and what its channel takes */
	MEMBER(to_name, NAME, 1000),
	/* one word of it must fit a line of 998 (RFC 5322 2.1.1) */
	MEMBER(subject, HEADER, 900),
	MEMBER(text, PROSE, GA_JOB_BODY_MAX),
	MEMBER(html, PROSE, GA_JOB_BODY_MAX),
	MEMBER(message_key, KEY, 128),
	MEMBER(reply_to, HEADER, 500),
	MEMBER(unsubscribe_url, TOKEN, 900),
	MEMBER(callback_url, TOKEN, 2000),
	MEMBER(locale, TOKEN, 35),
	MEMBER(link, KEY, 64),
	MEMBER(unsubscribe, KEY, 64),
	MEMBER(receipt, KEY, 64),
	MEMBER(poll, TOKEN, 255),
};

#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

_Static_assert(MEMBER_COUNT == GA_JOB_STRINGS, "the frame has them all");

static const char key_characters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

static const char *
value_of(const GaCourierJob *job, const StringMember *member)
{
	return *(const char *const *) ((const char *) job + member->offset);
}

static const char **
place_of(GaCourierJob *job, size_t member)
{
	return (const char **) (void *) ((char *) job + members[member].offset);
}

static bool
has_provider(const GaCourierJob *job, char *complaint, size_t size)
{
	if (*job->provider != '\0')
		return true;
	snprintf(complaint, size, "\"provider\" of a job is missing");
	return false;
}

/* The strings are the frame's own: the caller keeps it as long as the job. */
bool
ga_job_read_frame(GaCourierJob *job, GaSlice payload, char *complaint,
				  size_t size)
{
	GaJobFrame frame;

	memset(job, 0, sizeof(*job));
	if (!ga_wire_get_job(payload, &frame))
	{
		snprintf(complaint, size, "a JOB frame that cannot be read");
		return false;
	}
	job->id = frame.job_id;
	job->expires_in_s = frame.expires_in_s;
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		*place_of(job, i) = frame.strings[i];
	return has_provider(job, complaint, size);
}

/* The same of a job described in JSON, for trials by hand; the strings are the document's. */
bool
ga_job_read(GaCourierJob *job, json_t *root, char *complaint, size_t size)
{
	json_t *number = json_object_get(root, "id");

	memset(job, 0, sizeof(*job));
	job->root = root;
	for (size_t i = 0; i < MEMBER_COUNT; i++)
	{
		json_t *value = json_object_get(root, members[i].name);

		*place_of(job, i) =
			json_is_string(value) ? json_string_value(value) : "";
		if (value && !json_is_string(value) && !json_is_null(value))
		{
			snprintf(complaint, size, "\"%s\" of a job must be a string",
					 members[i].name);
			return false;
		}
	}
	if (!json_is_integer(number) || json_integer_value(number) < 0)
	{
		snprintf(complaint, size, "\"id\" of a job must be a whole number");
		return false;
	}
	job->id = (uint64_t) json_integer_value(number);
	job->expires_in_s =
		(int64_t) json_number_value(json_object_get(root, "expires_in_s"));
	return has_provider(job, complaint, size);
}

void
ga_job_free(GaCourierJob *job)
{
	json_decref(job->root);
	job->root = NULL;
}

static bool
has_form(const StringMember *member, const char *value)
{
	switch (member->form)
	{
		case HEADER:
			return ga_text_is_header_safe(value);
		case TOKEN:
			return ga_text_is_printable_ascii(value);
		case KEY:
			return strspn(value, key_characters) == strlen(value);
		case PROSE:
			return ga_text_is_utf8(value);
		case NAME:
			break;
	}
	return true;
}

/* ITU-T E.164: a plus sign and at most 15 digits, none leading zero. */
static bool
is_phone_number(const char *to)
{
	size_t digits = to[0] == '+' ? strspn(to + 1, "0123456789") : 0;

	return digits >= 7 && digits <= 15 && to[1 + digits] == '\0' &&
		   to[1] != '0';
}

/*
 * The database has checked the contact when it came.  It is checked once more where it
 * is about to become a command or a header: rows can be written by hand.
 */
static const char *
judge_channel(const GaCourierJob *job, GaChannel channel)
{
	GaMailbox mailbox;

	/* An event has no recipient but the webhook itself. */
	if (channel == GA_CHANNEL_NONE)
		return *job->text == '\0' ? "the event has no text" : NULL;
	if (channel == GA_CHANNEL_MOBILE)
	{
		if (!is_phone_number(job->to))
			return "the recipient is not a phone number in E.164 form";
		if (*job->text == '\0')
			return "the message has no text";
		return NULL;
	}
	if (!ga_mailbox_is_recipient(job->to, strlen(job->to)))
		return "the recipient is not an e-mail address";
	if (*job->reply_to && !ga_mailbox_split(job->reply_to, &mailbox))
		return "reply_to is not an e-mail address";
	if (*job->text == '\0' && *job->html == '\0')
		return "the message has neither text nor html";
	return NULL;
}

bool
ga_job_check(const GaCourierJob *job, GaChannel channel, char *complaint,
			 size_t size)
{
	const char *problem;
	size_t total = strlen(job->text) + strlen(job->html);

	for (size_t i = 0; i < MEMBER_COUNT; i++)
	{
		const char *value = value_of(job, &members[i]);

		if (strlen(value) > members[i].max)
		{
			snprintf(complaint, size, "%s is longer than %zu bytes",
					 members[i].name, members[i].max);
			return false;
		}
		if (!has_form(&members[i], value))
		{
			snprintf(complaint, size,
					 "%s holds characters that are not allowed there",
					 members[i].name);
			return false;
		}
	}
	if (total > GA_JOB_BODY_MAX)
	{
		snprintf(complaint, size, "the message is %zu bytes, more than %d",
				 total, GA_JOB_BODY_MAX);
		return false;
	}
	if (*job->poll)
		return true;
	problem = judge_channel(job, channel);
	if (problem == NULL && *job->message_key == '\0')
		problem = "the message has no message_key";
	if (problem)
		snprintf(complaint, size, "%s", problem);
	return problem == NULL;
}
