/*
 * secrets.c
 *		The secrets of one provider, to be found in what it answers.
 *
 * A gateway that quotes the request quotes "Authorization: Basic ..." as well,
 * a relay the argument of AUTH: base64 of the password with something around it
 * that only the transport knows.  The characters in the middle do not depend on
 * that, but on where in a group of three bytes the password begins: three
 * spellings cover them all.  Immutable once the provider is open.
 */
#include "courier/secrets.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "courier/memory.h"

/* A shorter piece of base64 would be found in innocent words. */
#define PIECE_MIN 8

static void
keep(GaSecrets *secrets, char *secret)
{
	size_t size = (secrets->count + 1) * sizeof(char *);
	char **list = realloc(secrets->list, size);

	if (list == NULL)
		abort();
	list[secrets->count++] = secret;
	secrets->list = list;
}

static char *
of_urls(const char *base64)
{
	char *copy = ga_memory_strdup(base64);

	for (char *c = copy; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	return copy;
}

/* With so many bytes in front of it; without the characters that hold bits of
 * a neighbour. */
static void
keep_base64(GaSecrets *secrets, const char *secret, size_t before)
{
	static const size_t foreign[] = {0, 2, 3};
	size_t length = before + strlen(secret);
	char *bytes = ga_memory_alloc(length + 1);
	size_t whole = length * 8 / 6; /* characters without a later byte */
	gchar *encoded;

	memcpy(bytes + before, secret, length - before);
	encoded = g_base64_encode((const guchar *) bytes, length);
	encoded[whole] = '\0';
	if (whole >= foreign[before] + PIECE_MIN)
	{
		keep(secrets, ga_memory_strdup(encoded + foreign[before]));
		/* RFC 4648 5: the alphabet of URLs and JWTs. */
		if (strpbrk(encoded, "+/"))
			keep(secrets, of_urls(encoded + foreign[before]));
	}
	explicit_bzero(encoded, whole);
	explicit_bzero(bytes, length);
	g_free(encoded);
	free(bytes);
}

void
ga_secrets_add(GaSecrets *secrets, const char *secret)
{
	if (secret == NULL)
		return;
	keep(secrets, ga_memory_strdup(secret));
	for (size_t before = 0; before < 3; before++)
		keep_base64(secrets, secret, before);
}

void
ga_secrets_hide(const GaSecrets *secrets, GaOutcome *outcome)
{
	for (size_t i = 0; i < secrets->count; i++)
		ga_outcome_hide(outcome, secrets->list[i]);
}

void
ga_secrets_hide_in(const GaSecrets *secrets, char *text)
{
	for (size_t i = 0; i < secrets->count; i++)
		ga_outcome_hide_in(text, secrets->list[i]);
}

void
ga_secrets_free(GaSecrets *secrets)
{
	for (size_t i = 0; i < secrets->count; i++)
		ga_memory_wipe(secrets->list[i]);
	free(secrets->list);
	memset(secrets, 0, sizeof(*secrets));
}
