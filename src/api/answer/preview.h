/*
 * preview.h
 *		What would be sent, as the answers of both contracts tell it.
 */
#ifndef GA_API_ANSWER_PREVIEW_H
#define GA_API_ANSWER_PREVIEW_H

#include "postgres.h"

#include "api/preview.h"
#include "lib/stringinfo.h"

/* "preview":{...}, a member of an object. */
extern void ga_answer_put_preview(StringInfo out, const GaPreview *preview);

#endif /* GA_API_ANSWER_PREVIEW_H */
