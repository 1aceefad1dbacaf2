/*
 * mailbox.c
 *		Reads e-mail addresses as options and messages name them.
 */
#include "base/shared/mailbox.h"

#include "base/shared/utf8.h"

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

/*
 * Lengths of RFC 5321: 64 for the local part (4.5.3.1.1), and 254 in all, which is the
 * path of 256 (4.5.3.1.3) without its angle brackets.
 */
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
ga_mailbox_is_ascii(const char *address)
{
	for (; *address; address++)
		if ((unsigned char) *address >= 0x80)
			return false;
	return true;
}

/* Reads one character; false: none that may stand in an address. */
static bool
take_character(const char **at, const char *end, int32_t *character)
{
	*character = ga_utf8_next(at, end);
	return *character >= ' ' && !ga_utf8_is_control(*character) &&
		   !ga_utf8_is_bidi(*character);
}

/* RFC 5321 4.1.2 Quoted-string, without the quotes around it. */
static bool
is_quoted_content(const char *at, const char *end)
{
	int32_t character;

	while (at < end)
	{
		if (!take_character(&at, end, &character) || character == '"')
			return false;
		if (character == '\\' &&
			(at == end || !take_character(&at, end, &character) ||
			 character >= 0x80))
			return false;
	}
	return true;
}

/* RFC 6531 3.3: atoms of which letters beyond ASCII are a part. */
static bool
is_dotted_utf8(const char *at, const char *end)
{
	int32_t character = '.';

	while (at < end)
	{
		bool after_dot = character == '.';

		if (!take_character(&at, end, &character))
			return false;
		if (character == '.'
				? after_dot
				: character < 0x80 && !is_atom_text((char) character))
			return false;
	}
	return character != '.';
}

bool
ga_mailbox_is_local_part(const char *local, size_t length)
{
	if (length == 0 || length > 64)
		return false;
	if (local[0] != '"')
		return is_dotted_utf8(local, local + length);
	return length > 2 && local[length - 1] == '"' &&
		   is_quoted_content(local + 1, local + length - 1);
}

size_t
ga_mailbox_local_length(const char *address, size_t length)
{
	bool is_quoted = length > 0 && address[0] == '"';

	for (size_t i = is_quoted ? 1 : 0; i < length; i++)
	{
		if (is_quoted && address[i] == '\\')
			i++;
		else if (is_quoted && address[i] == '"')
			is_quoted = false;
		else if (!is_quoted && address[i] == '@')
			return i;
	}
	return 0;
}

bool
ga_mailbox_is_recipient(const char *address, size_t length)
{
	size_t local = ga_mailbox_local_length(address, length);

	return local > 0 && length <= 254 &&
		   ga_mailbox_is_local_part(address, local) &&
		   is_dotted(address + local + 1, length - local - 1, true);
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
