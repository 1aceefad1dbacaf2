/*
 * uuid.h
 *		UUIDs that sort by when they were made, and the shard that they and the
 *		numbers of groups bear.
 *
 * A shard is a server that has a part of the groups (docs/scaling.md).  Where
 * there is one server alone it has the number 0, and ids and numbers are what they
 * would be without shards.
 *
 * In a UUID version 7 (RFC 9562, 5.7) the number stands in the first ten bits of
 * rand_b: behind the time, so that ids still sort by it, and behind rand_a, which
 * 6.2 of the RFC gives to finer time.  In the text it is the last ten bits of the
 * first three digits of the fourth group: ...-7xxx-802x-... is of shard 2.  64
 * random bits are left for each millisecond of each shard.
 *
 * In the number it stands above 43 bits that the shard counts by itself.  53 bits in
 * all are what a number of JavaScript, and of JSON's readers, keeps exactly (RFC 8259, 6).
 */
#ifndef GA_BASE_UUID_H
#define GA_BASE_UUID_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

/* A new UUID version 7 (RFC 9562, 5.7) for a moment; throws (XX000). */
extern pg_uuid_t ga_uuid_v7(TimestampTz moment);

/* In its text form, and its characters with the zero behind. */
#define GA_UUID_TEXT_SIZE 37
extern void ga_uuid_write(const pg_uuid_t *uuid, char text[GA_UUID_TEXT_SIZE]);

#define GA_SHARD_MAX 1023
/* Of a group's number, below the shard's. */
#define GA_SHARD_NUMBER_BITS 43

static inline int
ga_shard_of_number(int64 number)
{
	return (int) ((number >> GA_SHARD_NUMBER_BITS) & GA_SHARD_MAX);
}

/* The number before the first one that a shard gives. */
static inline int64
ga_shard_first_number(int shard)
{
	return (int64) shard << GA_SHARD_NUMBER_BITS;
}

static inline int
ga_shard_of_uuid(const pg_uuid_t *id)
{
	return (id->data[8] & 0x3F) << 4 | id->data[9] >> 4;
}

static inline void
ga_shard_put_into_uuid(pg_uuid_t *id, int shard)
{
	id->data[8] = (id->data[8] & 0xC0) | (uint8) (shard >> 4);
	id->data[9] = (id->data[9] & 0x0F) | (uint8) (shard << 4);
}

#endif /* GA_BASE_UUID_H */
