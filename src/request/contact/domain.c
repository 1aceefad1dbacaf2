/*
 * domain.c
 *		IDNA 2008 by libidn2, then the rules it does not check.
 *
 * libidn2 takes empty labels and underscores, so the labels are looked at here
 * after the conversion.  Names without a non-ASCII byte or an A-label skip the
 * library.  Flags: not the transitional mapping (it would send "faß.de" to
 * another owner), NFC before the look-up (RFC 5891 5.2).
 */
#include "request/contact/domain.h"

#include <stdbool.h>
#include <string.h>

#include <idn2.h>

/* Four bytes for each of 253 characters is more than any name needs. */
#define DOMAIN_INPUT_MAX (4 * GA_DOMAIN_MAX)

static bool
needs_idna(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		bool at_label = i == 0 || text[i - 1] == '.';

		if ((unsigned char) text[i] >= 0x80)
			return true;
		if (at_label && length - i > 4 && (text[i] | 0x20) == 'x' &&
			(text[i + 1] | 0x20) == 'n' && text[i + 2] == '-' &&
			text[i + 3] == '-')
			return true;
	}
	return false;
}

static GaDomainFault
convert(const char *text, size_t length, char *out)
{
	char input[DOMAIN_INPUT_MAX + 1];
	char *ascii = NULL;
	size_t ascii_length;
	int rc;

	if (length > DOMAIN_INPUT_MAX)
		return GA_DOMAIN_LENGTH;
	memcpy(input, text, length);
	input[length] = '\0';
	rc = idn2_to_ascii_8z(input, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
	if (rc == IDN2_TOO_BIG_LABEL || rc == IDN2_PUNYCODE_BIG_OUTPUT)
		return GA_DOMAIN_LABEL_LENGTH;
	if (rc == IDN2_TOO_BIG_DOMAIN)
		return GA_DOMAIN_LENGTH;
	if (rc != IDN2_OK)
		return GA_DOMAIN_IDNA;
	ascii_length = strlen(ascii);
	if (ascii_length <= GA_DOMAIN_MAX)
		memcpy(out, ascii, ascii_length + 1);
	idn2_free(ascii);
	return ascii_length <= GA_DOMAIN_MAX ? GA_DOMAIN_OK : GA_DOMAIN_LENGTH;
}

/* Letters, digits, hyphens; lower-cases them on the way. */
static GaDomainFault
check_label(char *label, size_t length, GaDomainUse use, bool *is_numeric)
{
	*is_numeric = true;
	if (length == 0)
		return GA_DOMAIN_EMPTY_LABEL;
	if (length > GA_LABEL_MAX)
		return GA_DOMAIN_LABEL_LENGTH;
	for (size_t i = 0; i < length; i++)
	{
		char c = label[i];

		if (c >= 'A' && c <= 'Z')
			c = label[i] = (char) (c | 0x20);
		if (c >= '0' && c <= '9')
			continue;
		*is_numeric = false;
		if (!(c >= 'a' && c <= 'z') && c != '-' &&
			!(c == '_' && use == GA_DOMAIN_FOR_URL))
			return GA_DOMAIN_CHARACTER;
	}
	if (label[0] == '-' || label[length - 1] == '-')
		return GA_DOMAIN_HYPHEN;
	return GA_DOMAIN_OK;
}

static GaDomainFault
check_labels(char *domain, GaDomainUse use)
{
	int labels = 0;
	bool is_numeric = false;

	for (char *label = domain;; label += strcspn(label, ".") + 1)
	{
		size_t length = strcspn(label, ".");
		GaDomainFault fault;

		/* the root's dot */
		if (length == 0 && labels > 0 && label[0] == '\0' &&
			use == GA_DOMAIN_FOR_URL)
			break;
		fault = check_label(label, length, use, &is_numeric);
		if (fault != GA_DOMAIN_OK)
			return fault;
		labels++;
		if (label[length] == '\0')
			break;
	}
	if (is_numeric)
		return GA_DOMAIN_NUMERIC;
	if (labels < 2 && use == GA_DOMAIN_FOR_MAIL)
		return GA_DOMAIN_SINGLE_LABEL;
	return GA_DOMAIN_OK;
}

GaDomainFault
ga_domain_normalize(const char *text, size_t length, GaDomainUse use, char *out)
{
	if (length == 0)
		return GA_DOMAIN_EMPTY;
	if (needs_idna(text, length))
	{
		GaDomainFault fault = convert(text, length, out);

		if (fault != GA_DOMAIN_OK)
			return fault;
		if (out[0] == '\0')
			return GA_DOMAIN_EMPTY_LABEL;
	}
	else
	{
		if (length > GA_DOMAIN_MAX)
			return GA_DOMAIN_LENGTH;
		memcpy(out, text, length);
		out[length] = '\0';
	}
	return check_labels(out, use);
}

const char *
ga_domain_fault_text(GaDomainFault fault)
{
	switch (fault)
	{
		case GA_DOMAIN_OK:
			break;
		case GA_DOMAIN_EMPTY:
			return "is missing";
		case GA_DOMAIN_EMPTY_LABEL:
			return "has a dot too many";
		case GA_DOMAIN_LABEL_LENGTH:
			return "has a part of more than 63 characters";
		case GA_DOMAIN_LENGTH:
			return "has more than 253 characters";
		case GA_DOMAIN_CHARACTER:
			return "has a character no domain may have";
		case GA_DOMAIN_HYPHEN:
			return "has a part that begins or ends with a hyphen";
		case GA_DOMAIN_NUMERIC:
			return "ends in a number";
		case GA_DOMAIN_SINGLE_LABEL:
			return "has no dot";
		case GA_DOMAIN_IDNA:
			return "is no valid internationalised domain name";
	}
	return "is valid";
}
