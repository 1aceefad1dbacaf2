/*
 * mailbox.c
 *		Reads e-mail addresses as options and messages name them.
 */
#include "base/shared/mailbox.h"

#include <ctype.h>
#include <string.h>

static bool
is_atom_text(char c)
{
	return isalnum((unsigned char) c) || strchr("!#$%&'*+-/=?^_`{|}~", c);
}

/* Dot-separated atoms; `hyphens` limits them to letters, digits and '-'. */
static bool
is_dotted(const char *text, size_t length, bool hyphens)
{
	bool after_dot = true;

	for (size_t i = 0; i < length; i++)
	{
		char c = text[i];

		if (c == '\0' || (c == '.' && after_dot))
			return false;
		if (c != '.' && !(hyphens ? isalnum((unsigned char) c) || c == '-'
								  : is_atom_text(c)))
			return false;
		after_dot = c == '.';
	}
	return !after_dot;
}

bool
ga_mailbox_is_address(const char *address, size_t length)
{
	const char *at = length ? memchr(address, '@', length) : NULL;
	size_t local;

	if (at == NULL || length > 254)
		return false;
	local = (size_t) (at - address);
	return local >= 1 && local <= 64 && is_dotted(address, local, false) &&
		   is_dotted(at + 1, length - local - 1, true);
}

bool
ga_mailbox_split(const char *value, GaMailbox *mailbox)
{
	size_t length = strlen(value);
	const char *open = strrchr(value, '<');

	mailbox->name = value;
	mailbox->name_length = 0;
	mailbox->name_is_quoted = false;
	mailbox->address = value;
	mailbox->address_length = length;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char) value[i] < 0x20 || value[i] == 0x7F)
			return false;
	if (open)
	{
		if (value[length - 1] != '>')
			return false;
		mailbox->address = open + 1;
		mailbox->address_length = (size_t) (value + length - 1 - open - 1);
		while (open > mailbox->name && open[-1] == ' ')
			open--;
		while (mailbox->name < open && *mailbox->name == ' ')
			mailbox->name++;
		if (open - mailbox->name >= 2 && *mailbox->name == '"' &&
			open[-1] == '"')
		{
			mailbox->name++;
			open--;
			mailbox->name_is_quoted = true;
		}
		mailbox->name_length = (size_t) (open - mailbox->name);
	}
	return ga_mailbox_is_address(mailbox->address, mailbox->address_length);
}
