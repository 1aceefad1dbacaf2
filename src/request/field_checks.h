/*
 * field_checks.h
 *		What both contracts ask of a text: checks for tables of fields.
 */
#ifndef GA_REQUEST_FIELD_CHECKS_H
#define GA_REQUEST_FIELD_CHECKS_H

#include "request/json_reader.h"

/* into pg_uuid_t: 8-4-4-4-12 hexadecimal digits, any case (RFC 4122 3) */
extern void ga_check_guid(GaJsonReader *reader, const GaJsonPath *path,
						  const char *text, void *target);

/* into const char *: an http or https URL, as it was given */
extern void ga_check_url(GaJsonReader *reader, const GaJsonPath *path,
						 const char *text, void *target);

#endif /* GA_REQUEST_FIELD_CHECKS_H */
