/*
 * sms_segments.c
 *		How many segments a text takes as an SMS.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/shared/sms_text.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(group_api_sms_segments);

Datum
group_api_sms_segments(PG_FUNCTION_ARGS)
{
	text *message = PG_GETARG_TEXT_PP(0);
	GaSmsCount count = {0};

	if (!ga_sms_count(VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message), &count))
		ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
						errmsg("the text is not valid UTF-8")));
	PG_RETURN_INT32((int32) count.segments);
}
