/*
 * uuid.c
 *		UUIDs version 7: milliseconds since 1970 in front of random bits, so that
 *		rows of one time stand together in an index.
 */
#include "postgres.h"

#include "base/uuid.h"
#include "port/pg_bswap.h"
#include "utils/timestamp.h"

pg_uuid_t
ga_uuid_v7(TimestampTz moment)
{
	pg_uuid_t uuid;
	uint64 unix_ms = (uint64) (moment / 1000) +
					 UINT64CONST(1000) * SECS_PER_DAY *
						 (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE);
	uint64 network = pg_hton64(unix_ms << 16);

	if (!pg_strong_random(uuid.data, UUID_LEN))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate a UUID")));
	memcpy(uuid.data, &network, 6);
	uuid.data[6] = (uuid.data[6] & 0x0F) | 0x70; /* version 7 */
	uuid.data[8] = (uuid.data[8] & 0x3F) | 0x80; /* variant of RFC 9562 */
	return uuid;
}

void
ga_uuid_write(const pg_uuid_t *uuid, char text[GA_UUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *end = text;

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*end++ = '-';
		*end++ = digits[uuid->data[i] >> 4];
		*end++ = digits[uuid->data[i] & 15];
	}
	*end = '\0';
}
