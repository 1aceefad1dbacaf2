/*
 * link_version.c
 *		The version of links that statements begin with (base/link_token).
 */
#include "postgres.h"

#include "fmgr.h"
#include "store/link_timeline.h"

PG_FUNCTION_INFO_V1(group_api_first_link_version);

Datum
group_api_first_link_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT16(ga_link_timeline_first_version());
}
