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
/* {"status": ...}; NULL: null */
extern Datum ga_answer_status_v2(const char *status);

#endif /* GA_API_ANSWER_CONTRACT_B_H */
