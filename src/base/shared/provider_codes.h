/*
 * provider_codes.h
 *		What the codes mean that HTTP providers answer with: a table for each kind
 *		that has codes.
 *
 * For provider_table.c, whose rows point to them; others ask
 * ga_provider_table_code().
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_SHARED_PROVIDER_CODES_H
#define GA_BASE_SHARED_PROVIDER_CODES_H

#include <stdint.h>

#include "base/shared/wire.h"

/* One error code of a provider; flags and retry as in GaVerdict. */
typedef struct GaHttpCode
{
	const char *code; /* the provider's, what it is about, or "http 413" */
	GaOutcomeClass outcome;
	uint32_t flags;
	int64_t retry_after_ms; /* -1 = none */
} GaHttpCode;

/* Each ends with a NULL code. */
extern const GaHttpCode ga_provider_codes_twilio[];
extern const GaHttpCode ga_provider_codes_vonage[];
extern const GaHttpCode ga_provider_codes_vonage_messages[];
extern const GaHttpCode ga_provider_codes_messagebird[];
extern const GaHttpCode ga_provider_codes_sns[];
extern const GaHttpCode ga_provider_codes_sendgrid[];
extern const GaHttpCode ga_provider_codes_postmark[];
extern const GaHttpCode ga_provider_codes_ses[];
extern const GaHttpCode ga_provider_codes_resend[];

#endif /* GA_BASE_SHARED_PROVIDER_CODES_H */
