/*
 * email.c
 *		The addresses a relay will take: a dot-atom, an @, a domain.
 *
 * RFC 5321 allows more than the world delivers.  Quoted local parts and address
 * literals are refused, because people write them by mistake only; a local part
 * beyond ASCII is refused, because it needs SMTPUTF8 at every hop.  The local
 * part is never changed: only its owner knows whether case or "+tag" matter.
 */
#include "request/contact/email.h"

#include <stdbool.h>
#include <string.h>

/* RFC 5322 3.2.3 atext */
static bool
is_atom_character(unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL;
}

static GaEmailFault
check_local(const char *local, size_t length)
{
	char before = '.';

	if (length == 0)
		return GA_EMAIL_LOCAL_EMPTY;
	if (local[0] == '"')
		return GA_EMAIL_LOCAL_QUOTED;
	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) local[i];

		if (c >= 0x80)
			return GA_EMAIL_LOCAL_NOT_ASCII;
		if (c == '.' ? before == '.' : !is_atom_character(c))
			return c == '.' ? GA_EMAIL_LOCAL_DOT : GA_EMAIL_LOCAL_CHARACTER;
		before = (char) c;
	}
	if (before == '.')
		return GA_EMAIL_LOCAL_DOT;
	return length > GA_EMAIL_LOCAL_MAX ? GA_EMAIL_LOCAL_LENGTH : GA_EMAIL_OK;
}

GaEmailFault
ga_email_normalize(const char *text, size_t length, char *out,
				   GaDomainFault *domain_fault)
{
	const char *at = memchr(text, '@', length);
	size_t local_length = at ? (size_t) (at - text) : 0;
	const char *domain = at ? at + 1 : NULL;
	size_t domain_length = at ? length - local_length - 1 : 0;
	char ascii[GA_DOMAIN_MAX + 1];
	GaEmailFault fault;

	*domain_fault = GA_DOMAIN_OK;
	if (length > 0 && text[length - 1] == '>' && memchr(text, '<', length))
		return GA_EMAIL_DISPLAY_NAME;
	if (at == NULL)
		return GA_EMAIL_NO_AT;
	if (local_length > 0 && text[0] == '"')
		return GA_EMAIL_LOCAL_QUOTED;
	if (memchr(domain, '@', domain_length) != NULL)
		return GA_EMAIL_MANY_AT;
	fault = check_local(text, local_length);
	if (fault != GA_EMAIL_OK)
		return fault;
	if (domain_length > 0 && domain[0] == '[')
		return GA_EMAIL_DOMAIN_LITERAL;
	*domain_fault =
		ga_domain_normalize(domain, domain_length, GA_DOMAIN_FOR_MAIL, ascii);
	if (*domain_fault != GA_DOMAIN_OK)
		return GA_EMAIL_DOMAIN;
	if (local_length + 1 + strlen(ascii) > GA_EMAIL_MAX)
		return GA_EMAIL_LENGTH;
	memcpy(out, text, local_length + 1);
	memcpy(out + local_length + 1, ascii, strlen(ascii) + 1);
	return GA_EMAIL_OK;
}

const char *
ga_email_fault_text(GaEmailFault fault)
{
	switch (fault)
	{
		case GA_EMAIL_OK:
			break;
		case GA_EMAIL_NO_AT:
			return "it has no @";
		case GA_EMAIL_MANY_AT:
			return "it has more than one @";
		case GA_EMAIL_DISPLAY_NAME:
			return "it has a display name";
		case GA_EMAIL_LOCAL_EMPTY:
			return "nothing stands before the @";
		case GA_EMAIL_LOCAL_LENGTH:
			return "more than 64 characters stand before the @";
		case GA_EMAIL_LOCAL_DOT:
			return "the part before the @ has a dot too many";
		case GA_EMAIL_LOCAL_QUOTED:
			return "the part before the @ is quoted, which few servers take";
		case GA_EMAIL_LOCAL_CHARACTER:
			return "the part before the @ has a character no address may have";
		case GA_EMAIL_LOCAL_NOT_ASCII:
			return "the part before the @ has non-ASCII characters, which few "
				   "servers take";
		case GA_EMAIL_DOMAIN_LITERAL:
			return "it names a machine by its number instead of a domain";
		case GA_EMAIL_DOMAIN:
			return "its domain is not valid";
		case GA_EMAIL_LENGTH:
			return "it has more than 254 characters";
	}
	return "it is valid";
}
