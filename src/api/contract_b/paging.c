/*
 * paging.c
 *		Contract B's pages: which rows, and the links to the next and the last.
 *
 * A gateway such as PostgREST keeps limit and offset for itself, so what the
 * client asked for comes in a header.  It is a stranger's text: it may only end
 * up in a link, escaped.
 */
#include "postgres.h"

#include "api/contract_b/paging.h"
#include "base/percent.h"
#include "mb/pg_wchar.h"
#include "request/form_fields.h"

#define NUMBER_MAX 1000000000
#define REPLACEMENT_CHARACTER "\xEF\xBF\xBD"

static const char *
request_uri(const GaCaller *caller)
{
	return ga_caller_header(caller, "x-request-uri");
}

static const char *
query_of(const char *uri)
{
	const char *mark = uri ? strchr(uri, '?') : NULL;

	return mark ? mark + 1 : "";
}

static GaFormFields
fields_of(const char *uri)
{
	return ga_form_read(ga_bytes(query_of(uri)));
}

/* NULL: left out or empty. */
static const char *
text_of(const GaFormFields *fields, const char *name)
{
	const GaFormField *field = ga_form_find(fields, name);

	if (field == NULL || field->value.length == 0)
		return NULL;
	/* Given all the same: not left out, but found nowhere and no number. */
	if (memchr(field->value.data, '\0', field->value.length) != NULL ||
		!pg_verify_mbstr(PG_UTF8, field->value.data, (int) field->value.length,
						 true))
		return REPLACEMENT_CHARACTER;
	return field->value.data;
}

bool
ga_paging_query_has(const GaCaller *caller, const char *name)
{
	GaFormFields fields = fields_of(request_uri(caller));

	return ga_form_find(&fields, name) != NULL;
}

const char *
ga_paging_query_field(const GaCaller *caller, const char *name)
{
	GaFormFields fields = fields_of(request_uri(caller));

	return text_of(&fields, name);
}

/* -1: none */
static int64
number_of(const char *text)
{
	int64 number = 0;

	if (text == NULL || text[0] == '\0')
		return -1;
	for (; *text; text++)
	{
		if (*text < '0' || *text > '9')
			return -1;
		number = Min(number * 10 + (*text - '0'), NUMBER_MAX);
	}
	return number;
}

static int64
number_asked(const GaFormFields *fields, const char *name,
			 FunctionCallInfo fcinfo, int at)
{
	int64 number = number_of(text_of(fields, name));

	if (number < 0 && !PG_ARGISNULL(at))
		number = PG_GETARG_INT32(at);
	return number;
}

/* What is quoted of a parameter's name; bytes. */
#define NAME_SHOWN 64

static const char *
shown_name(const GaFormField *field)
{
	const char *name = field->name.data;
	int length = (int) field->name.length;

	if (length == 0)
		return "(unprintable)";
	if (memchr(name, '\0', length) != NULL ||
		!pg_verify_mbstr(PG_UTF8, name, length, true))
		return REPLACEMENT_CHARACTER;
	return pnstrdup(name, pg_mbcliplen(name, length, NAME_SHOWN));
}

static const struct
{
	const char *name;
	int flag; /* of the calls that know it */
} parameters[] = {{"limit", GA_QUERY_PAGE},
				  {"offset", GA_QUERY_PAGE},
				  {"search", GA_QUERY_SEARCH},
				  {"ordering", GA_QUERY_ORDERING},
				  {"user", GA_QUERY_USER}};

static bool
is_known(const GaFormField *field, int accepted)
{
	for (int i = 0; i < (int) lengthof(parameters); i++)
		if ((parameters[i].flag & accepted) &&
			ga_bytes_are(field->name, parameters[i].name))
			return true;
	return false;
}

static const char *
known_names(int accepted)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < (int) lengthof(parameters); i++)
		if (parameters[i].flag & accepted)
			appendStringInfo(&out, "%s%s",
							 out.len ? ", " : "Known: ", parameters[i].name);
	appendStringInfoChar(&out, '.');
	return out.data;
}

/* Names of fields, "-" in front of those that descend: nothing else is an order. */
static bool
is_ordering(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz_-,") == strlen(text);
}

void
ga_paging_check_query(const GaCaller *caller, int accepted,
					  GaViolations *violations)
{
	GaFormFields fields = fields_of(request_uri(caller));
	const char *ordering = text_of(&fields, "ordering");

	if (ga_caller_header_is_unreadable(caller, "x-request-uri"))
		ga_violation_add(
			violations, "", GA_VIOLATION_INVALID_CHARACTERS,
			"Percent-encode what is in the address.",
			"the address has characters that cannot be shown, or too many");
	for (int i = 0; i < fields.count; i++)
		if (!is_known(&fields.list[i], accepted))
		{
			const char *name = shown_name(&fields.list[i]);

			ga_violation_add(violations, name, GA_VIOLATION_UNKNOWN_FIELD,
							 known_names(accepted),
							 "%s is not a known parameter", name);
		}
	if (ordering != NULL && !is_ordering(ordering) &&
		(accepted & GA_QUERY_ORDERING))
		ga_violation_add(violations, "ordering", GA_VIOLATION_INVALID_CHOICE,
						 NULL, "ordering must be the names of fields");
}

bool
ga_paging_is_refused(const GaCaller *caller, GaContract contract, int accepted,
					 Datum *answer)
{
	GaViolations violations = {NIL};

	ga_paging_check_query(caller, accepted, &violations);
	if (!ga_violations_any(&violations))
		return false;
	*answer = ga_answer_violations(caller, contract, &violations);
	return true;
}

/* Of a host's name or address and a port; nothing else gets into links. */
static bool
is_host(const char *text)
{
	return text[0] != '\0' &&
		   strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
						"0123456789.-_:[]") == strlen(text);
}

static const char *
address_of(const GaCaller *caller, const char *uri)
{
	const char *host = ga_caller_header(caller, "x-forwarded-host");
	const char *scheme = ga_caller_header(caller, "x-forwarded-proto");
	const char *path;

	/* Two slashes begin another host's address, here they are one. */
	while (uri != NULL && uri[0] == '/' && uri[1] == '/')
		uri++;
	path =
		uri != NULL && uri[0] == '/' ? pnstrdup(uri, strcspn(uri, "?#")) : "";
	if (uri == NULL || host == NULL || !is_host(host))
		return path;
	if (scheme == NULL || strcmp(scheme, "http") != 0)
		scheme = "https";
	return psprintf("%s://%s%s", scheme, host, path);
}

static bool
is_field(const char *piece, int length, const char *name)
{
	int name_length = (int) strlen(name);

	return length >= name_length && strncmp(piece, name, name_length) == 0 &&
		   (length == name_length || piece[name_length] == '=');
}

static const char *
kept_query(const char *query, const char *search)
{
	StringInfoData out;

	initStringInfo(&out);
	for (const char *at = query; *at;)
	{
		int length = (int) strcspn(at, "&");

		if (length > 0 && !is_field(at, length, "limit") &&
			!is_field(at, length, "offset"))
			appendStringInfo(&out, "%.*s&", length, at);
		at += length + (at[length] == '&');
	}
	if (query[0] != '\0' || search == NULL)
		return out.data;
	appendStringInfoString(&out, "search=");
	ga_percent_put(&out, ga_bytes(search), "");
	appendStringInfoChar(&out, '&');
	return out.data;
}

void
ga_paging_read(const GaCaller *caller, FunctionCallInfo fcinfo, int at,
			   const char *search, GaPaging *paging)
{
	const char *uri = request_uri(caller);
	GaFormFields fields = fields_of(uri);
	const char *searched = text_of(&fields, "search");
	int64 limit = number_asked(&fields, "limit", fcinfo, at);
	int64 offset = number_asked(&fields, "offset", fcinfo, at + 1);

	memset(paging, 0, sizeof(*paging));
	paging->bounds.limit =
		limit < 1 ? GA_PAGE_DEFAULT : (int32) Min(limit, GA_PAGE_MAX);
	paging->bounds.offset = Max(offset, 0);
	paging->bounds.search = searched ? searched : search;
	if (paging->bounds.search != NULL && paging->bounds.search[0] == '\0')
		paging->bounds.search = NULL;
	paging->address = address_of(caller, uri);
	paging->query = kept_query(query_of(uri), paging->bounds.search);
}

static const char *
link_to(const GaPaging *paging, int64 offset)
{
	if (offset == 0)
		return psprintf("%s?%slimit=%d", paging->address, paging->query,
						paging->bounds.limit);
	return psprintf("%s?%slimit=%d&offset=" INT64_FORMAT, paging->address,
					paging->query, paging->bounds.limit, offset);
}

const char *
ga_paging_next(const GaPaging *paging)
{
	int64 offset = paging->bounds.offset + paging->bounds.limit;

	return offset < paging->bounds.total ? link_to(paging, offset) : NULL;
}

const char *
ga_paging_previous(const GaPaging *paging)
{
	if (paging->bounds.offset == 0)
		return NULL;
	return link_to(paging,
				   Max(paging->bounds.offset - paging->bounds.limit, 0));
}
