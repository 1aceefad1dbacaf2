/*
 * token_issuer.c
 *		Whose tokens are believed: the list group_api.token_issuers.
 *
 * The claim "iss" is compared byte by byte, as RFC 7519, 4.1.1 has it.
 */
#include "postgres.h"

#include "base/token_issuer.h"

#define BETWEEN ", \t"

bool
ga_issuers_any(const char *list)
{
	return list[strspn(list, BETWEEN)] != '\0';
}

int
ga_issuer_place(const char *list, const char *issuer)
{
	size_t length = strlen(issuer);
	int place = 0;

	for (const char *at = list + strspn(list, BETWEEN); *at; place++)
	{
		size_t entry = strcspn(at, BETWEEN);

		if (entry == length && strncmp(at, issuer, length) == 0)
			return place;
		at += entry;
		at += strspn(at, BETWEEN);
	}
	return -1;
}
