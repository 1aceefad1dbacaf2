/*
 * answer.h
 *		Answers and errors in the caller's dialect.
 *
 * In SQL a fault is an ERROR; over HTTP it is a returned document and a status
 * in the setting response.status.  A returned error commits: nothing may have
 * been written before.
 */
#ifndef GA_API_ANSWER_H
#define GA_API_ANSWER_H

#include "postgres.h"

#include "api/caller.h"
#include "api/contract_b/paging.h"
#include "api/preview.h"
#include "lib/stringinfo.h"
#include "request/violation.h"
#include "store/group/group_store.h"
#include "store/group/contract_b_store.h"
#include "store/invitation_store.h"

typedef enum GaContract
{
	GA_CONTRACT_A,			  /* {error, group} */
	GA_CONTRACT_A_INVITATION, /* {error, invitation} */
	GA_CONTRACT_A_PREVIEW,	  /* {error, preview} */
	GA_CONTRACT_B,			  /* the object, or {errors} */
	GA_CONTRACT_SQL			  /* no document: always an ERROR */
} GaContract;

/* ERROR in SQL; over HTTP the document. */
extern Datum ga_answer_violations(const GaCaller *caller, GaContract contract,
								  const GaViolations *violations);
/* The same for a single fault. */
extern Datum ga_answer_fault(const GaCaller *caller, GaContract contract,
							 const char *path, GaViolationCode code,
							 const char *hint, const char *format, ...)
	pg_attribute_printf(6, 7);

extern Datum ga_answer_not_authenticated(const GaCaller *caller,
										 GaContract contract);

/* Sets the HTTP status of a success, when the caller speaks HTTP. */
extern void ga_answer_status(const GaCaller *caller, int status);

/* Says when to come back; after the fault was answered. */
extern void ga_answer_retry_after(const GaCaller *caller, int seconds);

/* A done deed with nothing to show: contract A's envelope of no group. */
extern Datum ga_answer_done(void);
/*
 * A document of a media type of its own, as text or bytea.  The headers, `count`
 * pairs of name and value, are set when the caller speaks HTTP.
 */
extern Datum ga_answer_media(const GaCaller *caller, int status,
							 const StringInfoData *document,
							 const char *const (*headers)[2], int count);

/* Contract A's envelope, limited to what the caller may be told. */
extern Datum ga_answer_group(const GaCaller *caller, GaGroupView *group);
/* The same and what would be sent; NULL: the plain envelope. */
extern Datum ga_answer_group_preview(const GaCaller *caller, GaGroupView *group,
									 const GaPreview *preview);
/* {error, preview} */
extern Datum ga_answer_preview(const GaPreview *preview);
/* {error, invitation} */
extern Datum ga_answer_invitation(const GaInvitationView *view,
								  TimestampTz now);
/* Contract B's Group object as the one sees it for whom it was read. */
extern Datum ga_answer_group_v2(const GaGroupV2 *group);
/* The same as its creator sees it, and what would be sent unless NULL. */
extern Datum ga_answer_group_v2_preview(const GaGroupView *group,
										const GaUser *creator, int subscribers,
										const GaPreview *preview);
/* Contract B's {count, next, previous, results}. */
extern Datum ga_answer_groups_v2(const GaPaging *paging,
								 const GaGroupV2 *groups, int count);
extern Datum ga_answer_users_v2(const GaPaging *paging, const GaUser *users,
								int count);
/* {"status": ...}; NULL: null */
extern Datum ga_answer_status_v2(const char *status);

#endif /* GA_API_ANSWER_H */
