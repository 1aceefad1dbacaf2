/*
 * url.c
 *		uriparser for the grammar, libidn2 for the host, own rules for the rest.
 *
 * The text is never fetched here: it is stored and given back as it came.  A
 * non-ASCII character is legal in an IRI (RFC 3987), so for the check each of
 * its bytes is percent-encoded, and a non-ASCII host becomes A-labels.
 */
#include "request/contact/url.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <uriparser/Uri.h>

#include "base/shared/hex.h"
#include "request/contact/domain.h"

/* Where the host of "scheme://user@host:port/path" stands. */
typedef struct Authority
{
	size_t start;
	size_t end; /* of the whole authority */
	size_t host_start;
	size_t host_end;
	bool has_user;
	bool has_port;
	bool is_literal; /* [::1] */
} Authority;

static size_t
scheme_length(const char *text, size_t length)
{
	if (length >= 7 && strncasecmp(text, "http://", 7) == 0)
		return 7;
	if (length >= 8 && strncasecmp(text, "https://", 8) == 0)
		return 8;
	return 0;
}

static void
find_authority(const char *text, size_t length, Authority *authority)
{
	size_t end = authority->start;
	size_t colon;

	while (end < length && strchr("/?#\\", text[end]) == NULL)
		end++;
	authority->end = end;
	authority->host_start = authority->start;
	for (size_t i = authority->start; i < end; i++)
		if (text[i] == '@')
		{
			authority->has_user = true;
			authority->host_start = i + 1;
		}
	authority->is_literal =
		authority->host_start < end && text[authority->host_start] == '[';
	for (colon = end; colon > authority->host_start; colon--)
		if (text[colon - 1] == ':' || text[colon - 1] == ']')
			break;
	authority->has_port =
		colon > authority->host_start && text[colon - 1] == ':';
	authority->host_end = authority->has_port ? colon - 1 : end;
}

static bool
is_port(const char *digits, size_t length)
{
	uint32_t port = 0;

	if (length == 0 || length > 5)
		return false;
	for (size_t i = 0; i < length; i++)
	{
		if (digits[i] < '0' || digits[i] > '9')
			return false;
		port = port * 10 + (uint32_t) (digits[i] - '0');
	}
	return port >= 1 && port <= 65535;
}

/* Four numbers up to 255; "1.2.3" is neither that nor a name. */
static bool
is_ipv4(const char *text, size_t length)
{
	int parts = 0;
	size_t i = 0;

	while (i < length)
	{
		size_t from = i;
		int value = 0;

		while (i < length && text[i] >= '0' && text[i] <= '9' && i - from < 3)
			value = value * 10 + (text[i++] - '0');
		if (i == from || value > 255 || ++parts > 4)
			return false;
		if (i < length && (text[i++] != '.' || i == length))
			return false;
	}
	return parts == 4;
}

static bool
is_host(const char *host, size_t length)
{
	char ascii[GA_DOMAIN_MAX + 1];

	return is_ipv4(host, length) ||
		   ga_domain_normalize(host, length, GA_DOMAIN_FOR_URL, ascii) ==
			   GA_DOMAIN_OK;
}

/* Appends with each byte beyond ASCII as %XX. */
static char *
append_encoded(char *out, const char *from, const char *to)
{
	for (; from < to; from++)
	{
		unsigned char c = (unsigned char) *from;

		if (c < 0x80)
			*out++ = (char) c;
		else
		{
			ga_hex_put_percent(out, c);
			out += 3;
		}
	}
	return out;
}

/* Which character of the text the parser stopped at, given its place in the
 * encoded copy. */
static int
locate(const char *text, size_t length, size_t encoded)
{
	size_t seen = 0;
	int character = 0;

	for (size_t i = 0; i < length && seen <= encoded; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if ((c & 0xC0) != 0x80)
			character++;
		seen += c < 0x80 ? 1 : 3;
	}
	return character;
}

static GaUrlFault
check_grammar(const char *text, size_t length, int *position)
{
	char encoded[3 * GA_URL_BYTES_MAX + 1];
	char *end = append_encoded(encoded, text, text + length);
	const char *stop = NULL;
	UriUriA uri;
	int rc;

	*end = '\0';
	rc = uriParseSingleUriExA(&uri, encoded, end, &stop);
	if (rc == URI_SUCCESS)
	{
		uriFreeUriMembersA(&uri);
		return GA_URL_OK;
	}
	if (rc != URI_ERROR_SYNTAX)
		return GA_URL_MEMORY;
	*position = locate(text, length, stop ? (size_t) (stop - encoded) : 0);
	return GA_URL_SYNTAX;
}

GaUrlFault
ga_url_check(const char *text, size_t length, int *position)
{
	Authority authority = {.start = scheme_length(text, length)};
	size_t host_length;

	*position = 0;
	if (length > GA_URL_BYTES_MAX)
		return GA_URL_LENGTH;
	if (authority.start == 0)
		return GA_URL_SCHEME;
	find_authority(text, length, &authority);
	if (authority.has_user)
		return GA_URL_USER;
	if (authority.has_port && !is_port(text + authority.host_end + 1,
									   authority.end - authority.host_end - 1))
		return GA_URL_PORT;
	host_length = authority.host_end - authority.host_start;
	/* the grammar below judges [::1] */
	if (!authority.is_literal &&
		!is_host(text + authority.host_start, host_length))
		return GA_URL_HOST;
	return check_grammar(text, length, position);
}

const char *
ga_url_fault_text(GaUrlFault fault)
{
	switch (fault)
	{
		case GA_URL_OK:
			break;
		case GA_URL_SCHEME:
			return "it must begin with http:// or https://";
		case GA_URL_SYNTAX:
			return "it has a character that must be percent-encoded";
		case GA_URL_USER:
			return "it must not have a user name or password";
		case GA_URL_HOST:
			return "its host is missing or not valid";
		case GA_URL_PORT:
			return "its port must be a number from 1 to 65535";
		case GA_URL_LENGTH:
			return "it has more than 2048 characters";
		case GA_URL_MEMORY:
			return "there was no memory to check it";
	}
	return "it is valid";
}
