/*
 * faults.c
 *		Faults in the caller's dialect.
 *
 * All faults of a request are told at once, as the contract of the call has them:
 * A's numbers, B's names by field, or an ERROR whose detail lists them.
 */
#include "postgres.h"

#include "api/answer/answer.h"
#include "api/answer/json_pieces.h"
#include "api/quota.h"

/* [{"path", "code", "message"}], the code as a name or as A's number. */
static void
put_violations(StringInfo out, const GaViolations *violations, bool numbers)
{
	ListCell *cell;
	const char *comma = "";

	appendStringInfoChar(out, '[');
	foreach (cell, violations->list)
	{
		const GaViolation *violation = lfirst(cell);
		const GaViolationInfo *info = &ga_violation_info[violation->code];

		appendStringInfo(out, "%s{", comma);
		ga_json_put_member(out, "path", violation->path);
		if (numbers)
			appendStringInfo(out, ",\"code\":%d,\"name\":\"%s\",", info->number,
							 info->name);
		else
			appendStringInfo(out, ",\"code\":\"%s\",", info->name);
		ga_json_put_member(out, "message", violation->message);
		if (violation->hint != NULL)
		{
			appendStringInfoChar(out, ',');
			ga_json_put_member(out, "hint", violation->hint);
		}
		appendStringInfoChar(out, '}');
		comma = ",";
	}
	appendStringInfoChar(out, ']');
}

static const char *
sql_hint(const GaViolations *violations)
{
	const GaViolation *first = linitial(violations->list);
	int count = ga_violations_count(violations);

	if (count == 1)
		return first->hint;
	return psprintf("%s%sThe request has %d faults; the detail lists %s.",
					first->hint ? first->hint : "", first->hint ? " " : "",
					count,
					count > GA_VIOLATIONS_LISTED
						? "the first " CppAsString2(GA_VIOLATIONS_LISTED)
						: "all of them");
}

static void
throw_violations(const GaViolations *violations)
{
	const GaViolation *first = linitial(violations->list);
	const char *hint = sql_hint(violations);
	StringInfoData detail;

	initStringInfo(&detail);
	put_violations(&detail, violations, false);
	ereport(ERROR, (errcode(ga_violation_info[first->code].sqlstate),
					errmsg("%s", first->message),
					errdetail_internal("%s", detail.data),
					hint ? errhint("%s", hint) : 0));
}

static Datum
fault_document_a(const GaViolations *violations, const char *object)
{
	const GaViolation *first = linitial(violations->list);
	StringInfoData out;

	ga_json_begin(&out);
	appendStringInfo(&out, "{\"error\":{\"code\":%d,",
					 ga_violation_info[first->code].number);
	ga_json_put_member(&out, "message", first->message);
	appendStringInfoString(&out, ",\"details\":");
	put_violations(&out, violations, true);
	appendStringInfo(&out, "},\"%s\":{}}", object);
	return ga_json_finish(&out);
}

/* "members[1].contact" is a fault of the field members. */
static const char *
field_of(const char *path)
{
	size_t length = strcspn(path, ".[");

	/* An unknown field may begin with one. */
	return length == 0 ? path : pnstrdup(path, length);
}

/* The contract knows a code and a message: the hint is told in the latter. */
static void
put_v2_message(StringInfo out, const GaViolation *violation)
{
	const char *words =
		violation->hint == NULL
			? violation->message
			: psprintf("%s. %s", violation->message, violation->hint);

	appendStringInfo(out, "{\"code\":\"%s\",",
					 ga_violation_info[violation->code].v2_name);
	ga_json_put_member(out, "message", words);
	appendStringInfoChar(out, '}');
}

/* One entry for each field, its messages in the order they were found. */
static void
put_v2_field(StringInfo out, const GaViolations *violations, int at)
{
	const GaViolation *first = list_nth(violations->list, at);
	const char *field = field_of(first->path);

	appendStringInfoChar(out, '{');
	ga_json_put_member(out, "field", field);
	appendStringInfoString(out, ",\"messages\":[");
	for (int i = at; i < list_length(violations->list); i++)
	{
		const GaViolation *other = list_nth(violations->list, i);

		if (strcmp(field_of(other->path), field) != 0)
			continue;
		if (i > at)
			appendStringInfoChar(out, ',');
		put_v2_message(out, other);
	}
	appendStringInfoString(out, "]}");
}

static bool
field_came_before(const GaViolations *violations, int at)
{
	const GaViolation *violation = list_nth(violations->list, at);

	for (int i = 0; i < at; i++)
	{
		const GaViolation *earlier = list_nth(violations->list, i);

		if (strcmp(field_of(earlier->path), field_of(violation->path)) == 0)
			return true;
	}
	return false;
}

static Datum
fault_document_b(const GaViolations *violations)
{
	StringInfoData out;
	const char *comma = "";

	ga_json_begin(&out);
	appendStringInfoString(&out, "{\"errors\":[");
	for (int i = 0; i < list_length(violations->list); i++)
	{
		const GaViolation *violation = list_nth(violations->list, i);

		if (violation->path[0] != '\0' && field_came_before(violations, i))
			continue;
		appendStringInfoString(&out, comma);
		if (violation->path[0] == '\0')
			put_v2_message(&out, violation);
		else
			put_v2_field(&out, violations, i);
		comma = ",";
	}
	appendStringInfoString(&out, "]}");
	return ga_json_finish(&out);
}

Datum
ga_answer_violations(const GaCaller *caller, GaContract contract,
					 const GaViolations *violations)
{
	const GaViolation *first = linitial(violations->list);
	const GaViolationInfo *info = &ga_violation_info[first->code];
	int status =
		contract == GA_CONTRACT_B ? info->v2_http_status : info->http_status;

	if (!caller->is_http || contract == GA_CONTRACT_SQL)
		throw_violations(violations);
	ga_answer_status(caller, status);
	/* RFC 9110, 15.5.2: a 401 must say how to authenticate. */
	if (status == 401)
		ga_answer_set("response.headers",
					  "[{\"WWW-Authenticate\":\"Bearer\"}]");
	if (first->code == GA_VIOLATION_QUOTA)
		ga_answer_retry_after(caller, ga_quota_wait_s());
	switch (contract)
	{
		case GA_CONTRACT_A:
			return fault_document_a(violations, "group");
		case GA_CONTRACT_A_INVITATION:
			return fault_document_a(violations, "invitation");
		case GA_CONTRACT_A_PREVIEW:
			return fault_document_a(violations, "preview");
		case GA_CONTRACT_B:
			return fault_document_b(violations);
		case GA_CONTRACT_SQL:
			break;
	}
	return (Datum) 0;
}

Datum
ga_answer_fault(const GaCaller *caller, GaContract contract, const char *path,
				GaViolationCode code, const char *hint, const char *format, ...)
{
	GaViolations violations = {NIL};
	StringInfoData message;
	va_list args;
	int needed;

	initStringInfo(&message);
	do
	{
		va_start(args, format);
		needed = appendStringInfoVA(&message, format, args);
		va_end(args);
		if (needed > 0)
			enlargeStringInfo(&message, needed);
	} while (needed > 0);
	ga_violation_add(&violations, path, code, hint, "%s", message.data);
	return ga_answer_violations(caller, contract, &violations);
}

Datum
ga_answer_not_authenticated(const GaCaller *caller, GaContract contract)
{
	return ga_answer_fault(caller, contract, "", GA_VIOLATION_NOT_AUTHENTICATED,
						   "Send a token whose claims have a subject (sub).",
						   "authentication is required");
}
