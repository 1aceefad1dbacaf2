/*
 * picture.c
 *		Pictures of contract B: URLs, data URLs and uploaded files.
 *
 * A file of a form travels as a data URL through the same jsonb as everything
 * else.  Only the kinds of the published client and WebP are taken: none of
 * these holds a script, as SVG does.  Never throws for what a caller can cause.
 */
#include "postgres.h"

#include "common/base64.h"
#include "mb/pg_wchar.h"
#include "request/field_checks.h"
#include "request/picture.h"

#define URL_MAX_CHARS 2048

/* Of a RIFF file: behind "RIFF" and the length. */
#define FORM_AT 8

typedef struct Signature
{
	const char *media_type;
	size_t length;
	const char *bytes;
	const char *form; /* of a RIFF file, which holds many things; NULL: none */
} Signature;

/* The magic numbers of the WHATWG's MIME Sniffing Standard, 6.1. */
static const Signature signatures[] = {
	{"image/png", 8, "\x89PNG\r\n\x1a\n", NULL},
	{"image/jpeg", 3, "\xFF\xD8\xFF", NULL},
	{"image/gif", 6, "GIF87a", NULL},
	{"image/gif", 6, "GIF89a", NULL},
	{"image/webp", 4, "RIFF", "WEBPVP"},
};

static bool
has_at(GaBytes bytes, size_t at, const char *what, size_t length)
{
	return bytes.length >= at + length &&
		   memcmp(bytes.data + at, what, length) == 0;
}

const char *
ga_picture_media_type(GaBytes bytes)
{
	for (int i = 0; i < lengthof(signatures); i++)
	{
		const Signature *one = &signatures[i];

		if (has_at(bytes, 0, one->bytes, one->length) &&
			(one->form == NULL ||
			 has_at(bytes, FORM_AT, one->form, strlen(one->form))))
			return one->media_type;
	}
	return NULL;
}

GaBytes
ga_picture_to_text(GaBytes file)
{
	size_t head = strlen(GA_JSON_FILE_HEAD);
	int room = pg_b64_enc_len((int) file.length);
	char *text = palloc(head + room + 1);
	/* To the server these are char or uint8, by its version. */
	const void *data = file.data;
	int length;

	memcpy(text, GA_JSON_FILE_HEAD, head);
	length = pg_b64_encode(data, (int) file.length, text + head, room);
	Assert(length >= 0);
	return (GaBytes){text, head + length};
}

/* What stands behind "data:...;base64,"; NULL: it is no such URL. */
static const char *
data_of(const char *text)
{
	const char *comma = strchr(text, ',');

	if (comma == NULL || comma - text < 7 ||
		pg_strncasecmp(comma - 7, ";base64", 7) != 0)
		return NULL;
	return comma + 1;
}

/* Of base64, where line ends and blanks say nothing; length -1: it is none. */
static int
decode(const char *data, uint8 *bytes, int room)
{
	char *text = palloc(strlen(data) + 1);
	size_t length = 0;
	int decoded;

	for (; *data; data++)
		if (!strchr(" \t\r\n", *data))
			text[length++] = *data;
	decoded = ga_digest_decode_base64((GaBytes){text, length}, bytes, room);
	pfree(text);
	return decoded;
}

static void
read_data(GaJsonReader *reader, const GaJsonPath *path, const char *text,
		  GaPicture *picture)
{
	const char *data = data_of(text);
	int room = data ? pg_b64_dec_len((int) strlen(data)) : 0;
	uint8 *bytes = palloc(room + 1);
	int length = data ? decode(data, bytes, room) : 0;

	picture->bytes = (GaBytes){(char *) bytes, (size_t) Max(length, 0)};
	picture->media_type = ga_picture_media_type(picture->bytes);
	if (data == NULL || length < 0)
		ga_json_fault(reader, path, GA_VIOLATION_INVALID_PICTURE,
					  "Write it as data:image/png;base64,iVBORw0...",
					  "is a data URL that cannot be read");
	else if (length > GA_PICTURE_MAX)
		ga_json_fault(reader, path, GA_VIOLATION_MAX_LENGTH, NULL,
					  "has %d bytes, at most %d are allowed", length,
					  GA_PICTURE_MAX);
	else if (picture->media_type == NULL)
		ga_json_fault(reader, path, GA_VIOLATION_INVALID_PICTURE,
					  "Send a PNG, JPEG, GIF or WebP.", "is no picture");
}

void
ga_picture_check(GaJsonReader *reader, const GaJsonPath *path, const char *text,
				 void *target)
{
	GaPicture *picture = target;

	if (pg_strncasecmp(text, "data:", 5) == 0)
		read_data(reader, path, text, picture);
	else if (pg_mbstrlen(text) > URL_MAX_CHARS)
		ga_json_fault(reader, path, GA_VIOLATION_MAX_LENGTH, NULL,
					  "has %d characters, at most %d are allowed",
					  pg_mbstrlen(text), URL_MAX_CHARS);
	else
		ga_check_url(reader, path, text, &picture->url);
}
