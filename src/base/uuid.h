/*
 * uuid.h
 *		UUIDs that sort by when they were made.
 */
#ifndef GA_BASE_UUID_H
#define GA_BASE_UUID_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

/* A new UUID version 7 (RFC 9562, 5.7) for a moment; throws (XX000). */
extern pg_uuid_t ga_uuid_v7(TimestampTz moment);

#endif /* GA_BASE_UUID_H */
