/*
 * secrets.h
 *		What a provider may not send back to us: its own secrets, in whatever
 *		spelling they went out.
 */
#ifndef GA_COURIER_SECRETS_H
#define GA_COURIER_SECRETS_H

#include <stddef.h>

#include "courier/outcome.h"

typedef struct GaSecrets
{
	char **list; /* owned */
	size_t count;
} GaSecrets;

/* The secret, and what of it stands in base64 of anything around it; NULL is
 * fine. */
extern void ga_secrets_add(GaSecrets *secrets, const char *secret);
extern void ga_secrets_hide(const GaSecrets *secrets, GaOutcome *outcome);
/* Likewise in a text of ours, which becomes no longer. */
extern void ga_secrets_hide_in(const GaSecrets *secrets, char *text);
/* Overwrites them. */
extern void ga_secrets_free(GaSecrets *secrets);

#endif /* GA_COURIER_SECRETS_H */
