/*
 * contract_b.h
 *		Contract B's objects.
 */
#ifndef GA_API_ANSWER_CONTRACT_B_H
#define GA_API_ANSWER_CONTRACT_B_H

#include "postgres.h"

#include "api/contract_b/paging.h"
#include "api/preview.h"
#include "store/group/contract_b_store.h"
#include "store/group/group_store.h"
#include "store/group/user_store.h"

/* Contract B's Group object as the one sees it for whom it was read. */
extern Datum ga_answer_group_v2(const GaGroupV2 *group);
/* The same as its creator sees it, and what would be sent unless NULL. */
extern Datum ga_answer_group_v2_preview(const GaGroup *group,
										const GaUser *creator, int subscribers,
										const GaPreview *preview);
/* Contract B's {count, next, previous, results}. */
extern Datum ga_answer_groups_v2(const GaPaging *paging,
								 const GaGroupV2 *groups, int count);
extern Datum ga_answer_users_v2(const GaPaging *paging, const GaUser *users,
								int count);
/* How large contract B's images are, by the field that has them. */
#define GA_IMAGE_SIZES 4
typedef struct GaImageSize
{
	const char *name;
	int pixels; /* of the square */
} GaImageSize;

extern const GaImageSize ga_answer_image_sizes[GA_IMAGE_SIZES];

/*
 * The URLs of the group's images as it shows them, by group_api.default_image_url
 * and default_emotional_image_url where it has none; empty: none either.
 */
extern const char *ga_answer_image(const GaGroup *group, int pixels);
extern const char *ga_answer_emotional_image(const GaGroup *group);

/* Contract B's User object: as others see one, and as the user does. */
extern Datum ga_answer_user_v2(const GaUser *user);
extern Datum ga_answer_own_user_v2(const GaUser *user, bool may_create);
/* {"create_group": ...} among what the client's types have besides. */
extern Datum ga_answer_permission_v2(bool may_create);
/* {"avatar": ...} */
extern Datum ga_answer_avatar_v2(const GaUser *user);
/* {"status": ...}; NULL: null */
extern Datum ga_answer_status_v2(const char *status);

#endif /* GA_API_ANSWER_CONTRACT_B_H */
