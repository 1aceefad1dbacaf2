/*
 * field_checks.c
 *		GUIDs and URLs, and what to say about bad ones.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/uuid.h"

#include "base/shared/hex.h"
#include "request/field_checks.h"
#include "request/contact/url.h"

/* ---- GUID ---- */

#define GUID_GROUPS 5

static const int guid_groups[GUID_GROUPS] = {8, 4, 4, 4, 12};

static const char *const guid_ordinals[GUID_GROUPS] = {
	"first", "second", "third", "fourth", "fifth"};

static bool
parse_guid(const char *text, pg_uuid_t *guid)
{
	pg_uuid_t read;
	int digits = 0;

	for (int group = 0; group < GUID_GROUPS; group++)
	{
		for (int i = 0; i < guid_groups[group]; i++, digits++)
		{
			int value = ga_hex_value(*text++);

			if (value < 0)
				return false;
			if (digits % 2 == 0)
				read.data[digits / 2] = value << 4;
			else
				read.data[digits / 2] |= value;
		}
		if (*text++ != (group == GUID_GROUPS - 1 ? '\0' : '-'))
			return false;
	}
	*guid = read;
	return true;
}

static void
fault_guid(GaJsonReader *reader, const GaJsonPath *path, const char *what)
{
	ga_json_fault(reader, path, GA_VIOLATION_INVALID_GUID,
				  "Write it as 123e4567-e89b-42d3-a456-426614174000.",
				  "is no GUID: %s", what);
}

/* Says precisely what keeps the text from being a GUID. */
static void
explain_guid(GaJsonReader *reader, const GaJsonPath *path, const char *text)
{
	int groups = 1;
	int group = 0;
	int in_group = 0;

	if (text[strspn(text, "0123456789abcdefABCDEF-")] != '\0')
	{
		fault_guid(reader, path,
				   "it has a character other than hexadecimal digits and "
				   "hyphens");
		return;
	}
	for (const char *c = text; *c != '\0'; c++)
		groups += *c == '-';
	if (groups != GUID_GROUPS)
	{
		fault_guid(reader, path,
				   psprintf("it has %d group%s of digits, a GUID has 5 "
							"(8-4-4-4-12)",
							groups, groups == 1 ? "" : "s"));
		return;
	}
	for (const char *c = text;; c++)
	{
		if (*c != '-' && *c != '\0')
		{
			in_group++;
			continue;
		}
		if (in_group != guid_groups[group])
			break;
		group++;
		in_group = 0;
	}
	fault_guid(reader, path,
			   psprintf("its %s group has %d digit%s instead of %d",
						guid_ordinals[group], in_group,
						in_group == 1 ? "" : "s", guid_groups[group]));
}

void
ga_check_guid(GaJsonReader *reader, const GaJsonPath *path, const char *text,
			  void *target)
{
	if (!parse_guid(text, target))
		explain_guid(reader, path, text);
}

/* ---- URL ---- */

void
ga_check_url(GaJsonReader *reader, const GaJsonPath *path, const char *text,
			 void *target)
{
	const char *utf8 = pg_server_to_any(text, strlen(text), PG_UTF8);
	int position;
	GaUrlFault fault = ga_url_check(utf8, strlen(utf8), &position);

	if (fault == GA_URL_OK)
		*(const char **) target = text;
	else if (fault == GA_URL_SYNTAX)
		ga_json_fault(reader, path, GA_VIOLATION_INVALID_URL,
					  "Percent-encode it: a space is %20.",
					  "is no web address: character %d cannot stand in a URL",
					  position);
	else
		ga_json_fault(reader, path, GA_VIOLATION_INVALID_URL,
					  fault == GA_URL_SCHEME
						  ? "Write it as https://example.com/picture.jpg."
						  : NULL,
					  "is no web address: %s", ga_url_fault_text(fault));
}
