/*
 * contract_a.h
 *		Contract A's envelopes.
 */
#ifndef GA_API_ANSWER_CONTRACT_A_H
#define GA_API_ANSWER_CONTRACT_A_H

#include "postgres.h"

#include "api/caller.h"
#include "api/contract_b/paging.h"
#include "api/preview.h"
#include "store/group/contract_a_store.h"
#include "store/group/group_store.h"
#include "store/invitation_store.h"

/* A done deed with nothing to show: contract A's envelope of no group. */
extern Datum ga_answer_done(void);

/* Contract A's envelope, limited to what the caller may be told. */
extern Datum ga_answer_group(const GaCaller *caller, GaGroup *group);
/* The same and what would be sent; NULL: the plain envelope. */
extern Datum ga_answer_group_preview(const GaCaller *caller, GaGroup *group,
									 const GaPreview *preview);
/*
 * {error, count, next, previous, groups}: a page of groups, each with the number of
 * its members and of them the leader and the caller.
 */
extern Datum ga_answer_groups(const GaCaller *caller, const GaPaging *paging,
							  GaGroupOutline *groups, int count);
/* {error, preview} */
extern Datum ga_answer_preview(const GaPreview *preview);
/* {error, invitation} */
extern Datum ga_answer_invitation(const GaInvitationView *view,
								  TimestampTz now);
#endif /* GA_API_ANSWER_CONTRACT_A_H */
