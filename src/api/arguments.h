/*
 * arguments.h
 *		Arguments of SQL functions as C has them.
 */
#ifndef GA_API_ARGUMENTS_H
#define GA_API_ARGUMENTS_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "fmgr.h"

/*
 * The type an argument is declared with.  The calling expression would not do:
 * libpq's PQfn calls without one.
 */
extern Oid ga_argument_type(FunctionCallInfo fcinfo, int at);

/* NULL for null. */
extern char *ga_argument_text(FunctionCallInfo fcinfo, int at);
/* Of the enum group_api.channel; GA_CHANNEL_NONE for null. */
extern GaChannel ga_argument_channel(FunctionCallInfo fcinfo, int at);

#endif /* GA_API_ARGUMENTS_H */
