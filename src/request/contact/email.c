/*
 * email.c
 *		The addresses a relay will take: a dot-atom, an @, a domain.
 *
 * RFC 5321 allows more than the world delivers.  Quoted local parts and address
 * literals are refused, because people write them by mistake only; a local part
 * beyond ASCII is refused, because it needs SMTPUTF8 at every hop.  Where it is said
 * to, both kinds of local parts are taken.  A mailbox
 * has one spelling: quotes and backslashes that nothing needs are dropped.  The local
 * part is changed in nothing else: only its owner knows whether case or "+tag" matter.
 */
#include "request/contact/email.h"
#include "base/shared/mailbox.h"

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

static GaEmailFault
check_any_local(const char *local, size_t length)
{
	if (length > GA_EMAIL_LOCAL_MAX)
		return GA_EMAIL_LOCAL_LENGTH;
	if (ga_mailbox_is_local_part(local, length))
		return GA_EMAIL_OK;
	/* What is wrong with one of ASCII has a name. */
	return local[0] == '"' ||
				   check_local(local, length) == GA_EMAIL_LOCAL_NOT_ASCII
			   ? GA_EMAIL_LOCAL_CHARACTER
			   : check_local(local, length);
}

/*
 * RFC 5321 4.1.2: "\a" in quotes is "a", and a dot-atom in quotes is the dot-atom.  Writes
 * the spelling without them, of a local part that was checked; how long it is.
 */
static size_t
unquote(const char *local, size_t length, char out[GA_EMAIL_LOCAL_MAX])
{
	size_t written = 0;

	if (local[0] != '"')
	{
		memcpy(out, local, length);
		return length;
	}
	out[written++] = '"';
	for (size_t i = 1; i < length - 1; i++)
	{
		if (local[i] == '\\')
		{
			i++;
			if (local[i] == '"' || local[i] == '\\')
				out[written++] = '\\';
		}
		out[written++] = local[i];
	}
	out[written++] = '"';
	if (!ga_mailbox_is_local_part(out + 1, written - 2))
		return written;
	memmove(out, out + 1, written - 2);
	return written - 2;
}

static GaEmailFault
normalize_domain(const char *local, size_t local_length, const char *domain,
				 size_t domain_length, char *out, GaDomainFault *domain_fault)
{
	char ascii[GA_DOMAIN_MAX + 1];

	if (domain_length > 0 && domain[0] == '[')
		return GA_EMAIL_DOMAIN_LITERAL;
	*domain_fault =
		ga_domain_normalize(domain, domain_length, GA_DOMAIN_FOR_MAIL, ascii);
	if (*domain_fault != GA_DOMAIN_OK)
		return GA_EMAIL_DOMAIN;
	if (local_length + 1 + strlen(ascii) > GA_EMAIL_MAX)
		return GA_EMAIL_LENGTH;
	memcpy(out, local, local_length);
	out[local_length] = '@';
	memcpy(out + local_length + 1, ascii, strlen(ascii) + 1);
	return GA_EMAIL_OK;
}

static GaEmailFault
normalize(const char *text, size_t length, size_t local_length,
		  GaEmailFault (*check)(const char *local, size_t length), char *out,
		  GaDomainFault *domain_fault)
{
	const char *domain = text + local_length + 1;
	size_t domain_length = length - local_length - 1;
	char local[GA_EMAIL_LOCAL_MAX];
	GaEmailFault fault;

	if (memchr(domain, '@', domain_length) != NULL)
		return GA_EMAIL_MANY_AT;
	fault = check(text, local_length);
	if (fault != GA_EMAIL_OK)
		return fault;
	return normalize_domain(local, unquote(text, local_length, local), domain,
							domain_length, out, domain_fault);
}

static bool
has_display_name(const char *text, size_t length)
{
	return length > 0 && text[length - 1] == '>' && memchr(text, '<', length);
}

GaEmailFault
ga_email_normalize(const char *text, size_t length, char *out,
				   GaDomainFault *domain_fault)
{
	const char *at = memchr(text, '@', length);

	*domain_fault = GA_DOMAIN_OK;
	if (has_display_name(text, length))
		return GA_EMAIL_DISPLAY_NAME;
	if (at == NULL)
		return GA_EMAIL_NO_AT;
	if (at > text && text[0] == '"')
		return GA_EMAIL_LOCAL_QUOTED;
	return normalize(text, length, (size_t) (at - text), check_local, out,
					 domain_fault);
}

GaEmailFault
ga_email_normalize_all(const char *text, size_t length, char *out,
					   GaDomainFault *domain_fault)
{
	size_t local_length = ga_mailbox_local_length(text, length);

	*domain_fault = GA_DOMAIN_OK;
	if (has_display_name(text, length))
		return GA_EMAIL_DISPLAY_NAME;
	if (local_length == 0)
		return length > 0 && text[0] == '@' ? GA_EMAIL_LOCAL_EMPTY
											: GA_EMAIL_NO_AT;
	return normalize(text, length, local_length, check_any_local, out,
					 domain_fault);
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
