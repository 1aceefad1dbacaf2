/*
 * picture.h
 *		Where a group has its picture: at a URL, or in the request itself.
 */
#ifndef GA_REQUEST_PICTURE_H
#define GA_REQUEST_PICTURE_H

#include "postgres.h"

#include "base/digest.h"
#include "request/json_reader.h"

/* Contract B's documents: an image has at most 5 MB. */
#define GA_PICTURE_MAX (5 * 1024 * 1024)
/* As text: base64, the head of a data URL (RFC 2397), line ends. */
#define GA_PICTURE_TEXT_MAX (GA_PICTURE_MAX / 3 * 4 + 200 * 1024)

typedef struct GaPicture
{
	const char *url;		/* NULL: none, or uploaded */
	const char *media_type; /* of what was uploaded; NULL: nothing */
	GaBytes bytes;
} GaPicture;

/*
 * The media type that the first bytes tell: PNG, JPEG, GIF or WebP; NULL: none of
 * these.  What somebody says of the bytes counts for nothing.
 */
extern const char *ga_picture_media_type(GaBytes bytes);

/* A file as a text that fields of pictures take (GA_JSON_FILE). */
extern GaBytes ga_picture_to_text(GaBytes file);

/* into GaPicture: an http or https URL, or a data URL with a picture in it */
extern void ga_picture_check(GaJsonReader *reader, const GaJsonPath *path,
							 const char *text, void *target);

#endif /* GA_REQUEST_PICTURE_H */
