/*
 * backoff.h
 *		How long to wait before the next try.  Pure.
 */
#ifndef GA_DISPATCH_PROVIDER_BACKOFF_H
#define GA_DISPATCH_PROVIDER_BACKOFF_H

#include "postgres.h"

/*
 * Exponential back-off with full jitter: random in [0, min(cap, base * 2^n)],
 * n being the tries made so far (AWS Architecture Blog, "Exponential Backoff And
 * Jitter").  `floor_ms` is what the provider asked for (Retry-After); it is
 * kept even above the cap, up to one day.  -1: it asked for nothing.
 */
extern int64 ga_backoff_ms(int tries, int base_s, int cap_s, int64 floor_ms,
						   double random);

#endif /* GA_DISPATCH_PROVIDER_BACKOFF_H */
