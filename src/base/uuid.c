/*
 * uuid.c
 *		UUIDs version 7: milliseconds since 1970 in front of random bits, so that
 *		rows of one time stand together in an index.
 */
#include "postgres.h"

#include "base/uuid.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/timestamp.h"

/* Of a UUID, behind the milliseconds. */
#define RANDOM_LENGTH (UUID_LEN - 6)

/*
 * Random bytes for some UUIDs at once: to be asked costs the generator as much as an
 * index entry, and how many bytes it gives hardly anything.  Each process has its own.
 */
static void
take_random(uint8 taken[RANDOM_LENGTH])
{
	static uint8 kept[32 * RANDOM_LENGTH];
	static size_t left = 0;
	static int owner = 0;

	if (left == 0 || owner != MyProcPid)
	{
		if (!pg_strong_random(kept, sizeof(kept)))
			ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
							errmsg("could not generate a UUID")));
		left = sizeof(kept);
		owner = MyProcPid;
	}
	left -= RANDOM_LENGTH;
	memcpy(taken, kept + left, RANDOM_LENGTH);
}

pg_uuid_t
ga_uuid_v7(TimestampTz moment)
{
	pg_uuid_t uuid;
	uint64 unix_ms = (uint64) (moment / 1000) +
					 UINT64CONST(1000) * SECS_PER_DAY *
						 (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE);
	uint64 network = pg_hton64(unix_ms << 16);

	memcpy(uuid.data, &network, 6);
	take_random(uuid.data + 6);
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
