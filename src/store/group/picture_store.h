/*
 * picture_store.h
 *		Pictures that were uploaded with a group.
 */
#ifndef GA_STORE_GROUP_PICTURE_STORE_H
#define GA_STORE_GROUP_PICTURE_STORE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

struct GaOwnerScope;

typedef struct GaStoredPicture
{
	pg_uuid_t id;
	const char *media_type;
	const char *data;
	size_t length;
	TimestampTz created_at; /* when read */
} GaStoredPicture;

/* All run inside ga_owner_enter()/leave(). */

/* An id that nobody guesses: whoever knows it may see the picture. */
extern pg_uuid_t ga_picture_new_id(void);
extern void ga_picture_insert(pg_uuid_t group_id,
							  const GaStoredPicture *picture);
/* Removes those that the group shows no more. */
extern void ga_pictures_tidy(pg_uuid_t group_id);
/* False: there is none.  What it has is in the caller's context. */
extern bool ga_picture_find(const struct GaOwnerScope *scope, pg_uuid_t id,
							GaStoredPicture *picture);

#endif /* GA_STORE_GROUP_PICTURE_STORE_H */
