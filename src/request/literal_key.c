/*
 * literal_key.c
 *		Telling a gateway's key from other texts of a template.
 *
 * A name that says so is enough for most; where the name means other things as
 * well, the value has to look like one.  Whatever fetches {password} is fine, and
 * so is what consists of templates alone.
 */
#include "postgres.h"

#include "request/literal_key.h"
#include "request/soft_json.h"

#include <ctype.h>

#include "utils/builtins.h"
#include "utils/jsonb.h"

/* Without case and punctuation; a name that ends in one of the first. */
static const char *const endings[] = {
	"apikey",	   "apitoken",	   "apisecret",
	"authtoken",   "accesstoken",  "accesskey",
	"secretkey",   "clientsecret", "password",
	"bearertoken", "functionskey", "subscriptionkey",
	"authkey",	   "privatekey",   NULL};
static const char *const names[] = {"authorization",
									"proxyauthorization",
									"secret",
									"passwd",
									"pwd",
									"cookie",
									NULL};
static const char *const vague[] = {"key",	 "auth",   "pass",
									"token", "xtoken", NULL};
/* https://www.iana.org/assignments/http-authschemes, and what gateways made up */
static const char *const schemes[] = {"basic",	"bearer", "token", "key",
									  "apikey", "app",	  NULL};

#define VAGUE_MIN 8

static bool
is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

static bool
ends_in(const char *word, const char *const *list)
{
	size_t length = strlen(word);

	for (; *list; list++)
		if (length >= strlen(*list) &&
			strcmp(word + length - strlen(*list), *list) == 0)
			return true;
	return false;
}

/* "X-Api-Key", "x_api_key" and "xApiKey" are one name. */
static char *
plain_name(const char *name)
{
	char *plain = palloc(strlen(name) + 1);
	char *to = plain;

	for (; *name; name++)
		if (isalnum((unsigned char) *name))
			*to++ = (char) tolower((unsigned char) *name);
	*to = '\0';
	return plain;
}

/* What stands in a value besides {templates}. */
static char *
literal_part(const char *value)
{
	char *literal = palloc(strlen(value) + 1);
	char *to = literal;

	while (*value)
	{
		if (value[0] == '{' && value[1] != '{' && strchr(value, '}'))
			value = strchr(value, '}');
		else
			*to++ = *value;
		value++;
	}
	*to = '\0';
	return literal;
}

/* Steps over the name of a scheme and blanks. */
static const char *
without_scheme(const char *literal, bool *has_scheme)
{
	size_t length;
	char *word;

	literal += strspn(literal, " ");
	length = strcspn(literal, " ");
	word = plain_name(pnstrdup(literal, length));
	*has_scheme = is_one_of(word, schemes);
	if (*has_scheme)
		literal += length;
	return literal + strspn(literal, " ");
}

static bool
looks_like_key(const char *name, const char *value)
{
	const char *plain = plain_name(name);
	const char *literal;
	bool has_scheme;

	if (strstr(value, "{password}") || strstr(value, "{username}"))
		return false;
	literal = without_scheme(literal_part(value), &has_scheme);
	if (*literal == '\0')
		return false;
	if (is_one_of(plain, names) || ends_in(plain, endings))
		return true;
	/* "Bearer" and what follows is a key under any name. */
	if (!has_scheme && !is_one_of(plain, vague))
		return false;
	return strlen(literal) >= VAGUE_MIN && strchr(literal, ' ') == NULL &&
		   strpbrk(literal, "0123456789") != NULL;
}

const char *
ga_literal_key_in_json(const char *json)
{
	Jsonb *document =
		DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
	JsonbIterator *iterator = JsonbIteratorInit(&document->root);
	JsonbIteratorToken token;
	JsonbValue value;
	const char *name = "";

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		else if ((token == WJB_VALUE || token == WJB_ELEM) &&
				 value.type == jbvString &&
				 looks_like_key(name, pnstrdup(value.val.string.val,
											   value.val.string.len)))
			return name;
		else if ((token == WJB_VALUE || token == WJB_ELEM) &&
				 value.type == jbvNumeric &&
				 looks_like_key(name, ga_soft_json_number(value.val.numeric)))
			return name;
	}
	return NULL;
}

const char *
ga_literal_key_in_url(const char *url)
{
	const char *next = strchr(url, '?');

	while (next)
	{
		const char *start = next + 1;
		size_t length = strcspn(start, "&#");
		const char *equals = memchr(start, '=', length);

		if (equals)
		{
			const char *name = pnstrdup(start, equals - start);

			if (looks_like_key(
					name, pnstrdup(equals + 1, start + length - equals - 1)))
				return name;
		}
		next = start[length] == '&' ? start + length : NULL;
	}
	return NULL;
}
