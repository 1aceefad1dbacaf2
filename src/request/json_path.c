/*
 * json_path.c
 *		Where a value of a body stands, in words.
 *
 * Paths are linked frames on the stack, turned into text for a violation only.  A key
 * is quoted back only if it is printable, and its beginning where it is long.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "request/json_reader.h"

static void
append_path(StringInfo out, const GaJsonPath *path)
{
	GaTextScan scan;

	if (path == NULL)
		return;
	append_path(out, path->parent);
	if (path->name == NULL)
	{
		appendStringInfo(out, "[%d]", path->index);
		return;
	}
	if (out->len > 0)
		appendStringInfoChar(out, '.');
	ga_text_scan(path->name, path->name_length, GA_TEXT_SINGLE_LINE, &scan);
	if (scan.refused != 0 || !scan.is_visible)
		appendStringInfoString(out, "(unprintable)");
	else if (path->name_length > GA_JSON_KEY_SHOWN)
	{
		appendBinaryStringInfo(
			out, path->name,
			pg_mbcliplen(path->name, path->name_length, GA_JSON_KEY_SHOWN));
		appendStringInfoString(out, "...");
	}
	else
		appendBinaryStringInfo(out, path->name, path->name_length);
}

char *
ga_json_path_text(const GaJsonPath *path)
{
	StringInfoData out;

	initStringInfo(&out);
	append_path(&out, path);
	return out.data;
}
