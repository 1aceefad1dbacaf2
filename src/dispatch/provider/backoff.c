/*
 * backoff.c
 *		The arithmetic of retries.
 */
#include "postgres.h"

#include <math.h>

#include "dispatch/provider/backoff.h"

#define LONGEST_FLOOR_MS (INT64CONST(24) * 3600 * 1000)

int64
ga_backoff_ms(int tries, int base_s, int cap_s, int64 floor_ms, double random)
{
	double longest = Min((double) cap_s, base_s * pow(2.0, Min(tries, 40)));
	int64 wait = (int64) (longest * 1000.0 * random);

	return Max(wait, Min(floor_ms, LONGEST_FLOOR_MS));
}
