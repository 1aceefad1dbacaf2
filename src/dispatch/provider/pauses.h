/*
 * pauses.h
 *		Providers that are left alone, on the record: paused until somebody resumes
 *		them, or told to rest until a time.
 */
#ifndef GA_DISPATCH_PROVIDER_PAUSES_H
#define GA_DISPATCH_PROVIDER_PAUSES_H

#include "postgres.h"

#include "dispatch/provider/providers.h"

/* Paused from now on; the log tells, and the record follows. */
extern void ga_pauses_begin(GaProvider *provider, const char *reason);
/*
 * After ga_provider_finished() of an answer that asked for a rest: tells of one
 * that began with it and is long.  `rested_until` is how long the provider was to
 * rest before the answer.
 */
extern void ga_pauses_hear_rest(GaProvider *provider, GaMonotonic rested_until,
								GaMonotonic now, const char *reason);

/*
 * Ends the pauses and rests that the dispatcher began before the provider's
 * settings changed; in a transaction that reads the providers.
 */
extern void ga_pauses_end_outdated(GaProviderRow *rows, int count);

/*
 * Records what began, in a transaction of its own, and waits for nobody.  True
 * when the providers are to be read again.  While the providers are `outdated`, since
 * they could not be read, nothing is recorded: one of them may have been resumed.
 */
extern bool ga_pauses_record(GaMonotonic now, bool outdated);
/* When to do so; DT_NOEND: there is nothing to record. */
extern GaMonotonic ga_pauses_next_turn(void);
/* Whether something is known here alone. */
extern bool ga_pauses_are_waiting(void);

#endif /* GA_DISPATCH_PROVIDER_PAUSES_H */
