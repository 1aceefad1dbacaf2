/*
 * picture_url.h
 *		What groups.image and groups.emotional_image hold: a URL, or the name of a
 *		picture that is kept here.
 */
#ifndef GA_BASE_PICTURE_URL_H
#define GA_BASE_PICTURE_URL_H

#include "postgres.h"

#include "utils/uuid.h"

/* "picture:UUID", which no caller can write: URLs are http or https. */
extern char *ga_picture_name(pg_uuid_t id);

/*
 * The URL of an image as it is stored: of a picture kept here by
 * group_api.picture_url, everything else as it is; NULL of NULL.
 */
extern const char *ga_picture_url(const char *stored);

#endif /* GA_BASE_PICTURE_URL_H */
