/*
 * json_values.h
 *		Values of JSON, put behind what is there.
 */
#ifndef GA_BASE_JSON_JSON_VALUES_H
#define GA_BASE_JSON_JSON_VALUES_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/uuid.h"

/* A string, escaped; NULL: null. */
extern void ga_json_put_text(StringInfo out, const char *text);
/* A constant, as it is to stand there. */
#define ga_json_put(out, constant)                                             \
	appendBinaryStringInfo(out, "" constant, sizeof(constant) - 1)
extern void ga_json_put_uuid(StringInfo out, pg_uuid_t uuid);

#endif /* GA_BASE_JSON_JSON_VALUES_H */
