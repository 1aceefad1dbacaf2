/*
 * picture.h
 *		Pictures that come along with a group of contract B.
 */
#ifndef GA_API_LINK_PICTURE_H
#define GA_API_LINK_PICTURE_H

#include "request/contract_body.h"
#include "store/group/group_store.h"
#include "store/group/picture_store.h"

/* What was uploaded; without data: nothing was. */
typedef struct GaUploads
{
	GaStoredPicture image;
	GaStoredPicture emotional_image;
} GaUploads;

/* Puts the pictures of the request into the group; `given` as in the request. */
extern void ga_pictures_take(GaGroup *group, const GaGroupRequestV2 *request,
							 uint32 given, GaUploads *uploads);

/*
 * Writes what was uploaded; after the group's row was written, inside
 * ga_owner_enter()/leave().
 */
extern void ga_pictures_keep(const GaGroup *group, const GaUploads *uploads);

/* How much there is to be kept. */
extern int64 ga_picture_uploads_bytes(const GaUploads *uploads);

#endif /* GA_API_LINK_PICTURE_H */
