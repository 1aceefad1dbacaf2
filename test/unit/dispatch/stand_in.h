/*
 * stand_in.h
 *		What stands in for a server, so that the dispatcher's decisions can be tried
 *		without one: two clocks that stand still, chance, and providers as
 *		CREATE SERVER would have written them.
 *
 * To be included first.
 */
#ifndef TEST_DISPATCH_STAND_IN_H
#define TEST_DISPATCH_STAND_IN_H

#include "postgres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../in_range.h"
#include "base/guc.h"
#include "dispatch/courier/jobs.h"
#include "dispatch/provider/providers.h"

#define SECOND INT64CONST(1000000)

/* The moment at which every test begins, by both clocks. */
#define BEGIN (1000 * SECOND)
#define BEGIN_DATE (INT64CONST(800000000) * SECOND)

extern GaMonotonic the_time;
extern TimestampTz the_date;
/* What pg_prng_double() gives: in [0, 1) */
extern double the_chance;
/* What the clock says of rests that are not on the record yet. */
extern bool clock_is_unfollowed;
/* Where the fair queue was told that a channel is; -1: it is empty. */
extern int64 told_position[GA_CHANNEL_COUNT];

/* What ga_row_text_array() was given, behind the Datum it returns. */
typedef struct Texts
{
	int count;
	const char *list[16];
} Texts;

extern const Texts *texts_of(Datum array);

/* Both clocks go on. */
extern void pass_ms(int64 ms);

/* Before each test: no providers, the settings' defaults, both clocks at BEGIN. */
extern int begin_anew(void **state);

/* A provider as it is read; pairs of name and value, and NULL. */
extern GaProviderRow row_of(const char *server, const char *kind, ...);
/* They are all there are. */
extern void load(int count, ...); /* of GaProviderRow */
/* One alone, for SMS; pairs as above. */
#define load_one(...)                                                          \
	(load(1, row_of("p", "twilio", __VA_ARGS__)), ga_provider_named("p"))

/* As the dispatcher does it: claimed and handed over. */
extern void claim(GaProvider *provider, int count, int limit);
/* An outcome comes back. */
extern void finish(GaProvider *provider, GaOutcomeClass outcome, uint32 flags);
/* The same with a code. */
extern void finish_with(GaProvider *provider, GaOutcomeClass outcome,
						uint32 flags, const char *code, int64 retry_after_ms);

#endif /* TEST_DISPATCH_STAND_IN_H */
