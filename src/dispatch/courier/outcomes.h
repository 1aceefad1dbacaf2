/*
 * outcomes.h
 *		What the courier says became of a message.
 */
#ifndef GA_DISPATCH_COURIER_OUTCOMES_H
#define GA_DISPATCH_COURIER_OUTCOMES_H

#include "postgres.h"

#include "base/shared/wire.h"
#include "datatype/timestamp.h"

/* Ends the job of the outcome; one that no job waits for is ignored. */
extern void ga_outcomes_take(const GaOutcomeFrame *outcome, TimestampTz now);

#endif /* GA_DISPATCH_COURIER_OUTCOMES_H */
