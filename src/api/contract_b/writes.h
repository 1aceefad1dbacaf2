/*
 * writes.h
 *		Contract B's writes, and the forms in which SQL calls them.
 */
#ifndef GA_API_CONTRACT_B_WRITES_H
#define GA_API_CONTRACT_B_WRITES_H

#include "postgres.h"

#include "api/caller.h"
#include "fmgr.h"
#include "request/violation.h"
#include "utils/array.h"
#include "utils/jsonb.h"

/* What a write is given besides the group's number: either, or neither. */
typedef struct GaWriteInput
{
	Jsonb *body;			 /* NULL: none */
	ArrayType *users;		 /* bigint[], what SQL gives for a body {"users"} */
	GaViolations violations; /* of the body's text */
} GaWriteInput;

/*
 * A write: the number of the group (0: none) and what it is given.  It knows
 * nothing of the call, whose arguments are PostgreSQL's: they are the same memory
 * at the next row.  The answer; 0 stands for null.
 */
typedef Datum (*GaWriteV2)(GaCaller *caller, int64 number,
						   const GaWriteInput *input);

extern Datum ga_write_put_group(GaCaller *caller, int64 number,
								const GaWriteInput *input);
extern Datum ga_write_patch_group(GaCaller *caller, int64 number,
								  const GaWriteInput *input);
/* There is nothing to read in its body. */
extern Datum ga_write_delete_group(GaCaller *caller, int64 number,
								   const GaWriteInput *input);
extern Datum ga_write_invite_users(GaCaller *caller, int64 number,
								   const GaWriteInput *input);
extern Datum ga_write_withdraw_invitations(GaCaller *caller, int64 number,
										   const GaWriteInput *input);
extern Datum ga_write_subscribe(GaCaller *caller, int64 number,
								const GaWriteInput *input);
extern Datum ga_write_unsubscribe(GaCaller *caller, int64 number,
								  const GaWriteInput *input);

/*
 * Carries out a write that SQL calls as (), (body), (number) or (number, body).
 * A body is jsonb, or text or bytea as it came, or the array of its users;
 * without a number the header X-Group-Id names the group.
 */
extern Datum ga_write_v2(FunctionCallInfo fcinfo, GaWriteV2 write);
/* What a write answered as the function's result. */
extern Datum ga_write_v2_result(FunctionCallInfo fcinfo, Datum answer);

#endif /* GA_API_CONTRACT_B_WRITES_H */
