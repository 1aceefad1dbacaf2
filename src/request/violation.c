/*
 * violation.c
 *		The published error codes and the list of a request's faults.
 *
 * The table is the only place where a code's names and numbers stand.  Contract
 * A's integers are published: a number is never changed and never used again.
 * They are grouped: 1000-1099 the form of a field, 1100 its content, 1200 what
 * the database knows, 1300 the request as nginx sees it, too (docs/http), 2000
 * who calls, 3000 the state of a thing, 4000 limits.
 * Contract B's codes are those of a Django REST framework product.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "request/violation.h"

/* clang-format off */
const GaViolationInfo ga_violation_info[GA_VIOLATION_COUNT] = {
	[GA_VIOLATION_INVALID_BODY] =
		{"invalid_body", 1000, "parse_error", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_REQUIRED] =
		{"required", 1001, "required", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_NULL] =
		{"null", 1002, "null", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_INVALID_TYPE] =
		{"invalid_type", 1003, "invalid", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_NOT_A_LIST] =
		{"not_a_list", 1004, "not_a_list", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_BLANK] =
		{"blank", 1005, "blank", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_MAX_LENGTH] =
		{"max_length", 1006, "max_length", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_INVALID_CHARACTERS] =
		{"invalid_characters", 1007, "invalid", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_UNKNOWN_FIELD] =
		{"unknown_field", 1008, "unknown_field", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_EMPTY] =
		{"empty", 1009, "empty", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_TOO_MANY] =
		{"too_many", 1010, "max_length", ERRCODE_PROGRAM_LIMIT_EXCEEDED, 400, 400},
	[GA_VIOLATION_TOO_LARGE] =
		{"too_large", 1301, "too_large", ERRCODE_PROGRAM_LIMIT_EXCEEDED, 413, 413},

	[GA_VIOLATION_INVALID_GUID] =
		{"invalid_guid", 1101, "invalid", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_INVALID_URL] =
		{"invalid_url", 1102, "invalid", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_INVALID_EMAIL] =
		{"invalid_email", 1103, "invalid", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_INVALID_PHONE] =
		{"invalid_phone", 1104, "invalid", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_NOT_SMS_CAPABLE] =
		{"not_sms_capable", 1105, "invalid", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_INVALID_CHOICE] =
		{"invalid_choice", 1106, "invalid_choice", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_INVALID_PICTURE] =
		{"invalid_picture", 1108, "invalid_image", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_COUNTRY_NOT_ALLOWED] =
		{"country_not_allowed", 1109, "invalid", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_DUPLICATE] =
		{"duplicate", 1107, "invalid", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},

	[GA_VIOLATION_UNIQUE] =
		{"unique", 1201, "unique", ERRCODE_UNIQUE_VIOLATION, 400, 400},
	[GA_VIOLATION_DOES_NOT_EXIST] =
		{"does_not_exist", 1202, "does_not_exist", ERRCODE_INVALID_PARAMETER_VALUE, 400, 400},
	[GA_VIOLATION_KEY_REUSED] =
		{"key_reused", 1203, "invalid", ERRCODE_INVALID_PARAMETER_VALUE, 422, 422},

	[GA_VIOLATION_NOT_AUTHENTICATED] =
		{"not_authenticated", 2001, "not_authenticated", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, 401, 401},
	[GA_VIOLATION_PERMISSION_DENIED] =
		{"permission_denied", 2002, "permission_denied", ERRCODE_INSUFFICIENT_PRIVILEGE, 403, 403},

	[GA_VIOLATION_NOT_FOUND] =
		{"not_found", 3001, "not_found", ERRCODE_NO_DATA_FOUND, 404, 404},
	[GA_VIOLATION_EXPIRED] =
		{"expired", 3002, "invalid", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, 410, 400},
	[GA_VIOLATION_ALREADY_ANSWERED] =
		{"already_answered", 3003, "invalid", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, 409, 400},
	[GA_VIOLATION_CONFLICT] =
		{"conflict", 3004, "invalid", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, 409, 400},
	[GA_VIOLATION_ALREADY_CLAIMED] =
		{"already_claimed", 3005, "invalid", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, 409, 400},
	[GA_VIOLATION_ALREADY_MEMBER] =
		{"already_member", 3006, "invalid", ERRCODE_UNIQUE_VIOLATION, 409, 400},

	[GA_VIOLATION_THROTTLED] =
		{"throttled", 4001, "throttled", ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, 429, 429},
	[GA_VIOLATION_QUOTA] =
		{"quota_exceeded", 4002, "quota_exceeded", ERRCODE_PROGRAM_LIMIT_EXCEEDED, 429, 429},
};
/* clang-format on */

/* The entry after the last listed one: how many more there are. */
typedef struct UnlistedViolations
{
	GaViolation entry;
	int count;
	char message[64];
} UnlistedViolations;

static void
count_unlisted(GaViolations *violations)
{
	UnlistedViolations *rest;

	if (list_length(violations->list) == GA_VIOLATIONS_LISTED)
	{
		rest = palloc0(sizeof(UnlistedViolations));
		rest->entry.path = "";
		rest->entry.code = GA_VIOLATION_TOO_MANY;
		rest->entry.message = rest->message;
		violations->list = lappend(violations->list, rest);
	}
	else
		rest = llast(violations->list);

	rest->count++;
	snprintf(rest->message, sizeof(rest->message),
			 "the request has %d more fault%s", rest->count,
			 rest->count == 1 ? "" : "s");
}

int
ga_violations_count(const GaViolations *violations)
{
	const UnlistedViolations *rest;

	if (list_length(violations->list) <= GA_VIOLATIONS_LISTED)
		return list_length(violations->list);
	rest = llast(violations->list);
	return GA_VIOLATIONS_LISTED + rest->count;
}

static bool
is_within(const char *path, const char *outer)
{
	size_t length = strlen(outer);

	return strncmp(path, outer, length) == 0 &&
		   (length == 0 || strchr(".[", path[length]) != NULL);
}

/* What was read there is no text of the caller's: another fault of it would mislead. */
static bool
is_of_no_text(const GaViolations *violations, const char *path)
{
	for (int i = 0; i < violations->of_texts; i++)
	{
		const GaViolation *of_text = list_nth(violations->list, i);

		if (is_within(path, of_text->path) || is_within(of_text->path, path))
			return true;
	}
	return false;
}

void
ga_violation_add(GaViolations *violations, const char *path,
				 GaViolationCode code, const char *hint, const char *format,
				 ...)
{
	GaViolation *violation;
	StringInfoData message;

	if (is_of_no_text(violations, path))
		return;
	if (ga_violations_full(violations))
	{
		count_unlisted(violations);
		return;
	}

	initStringInfo(&message);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, format);
		needed = appendStringInfoVA(&message, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&message, needed);
	}

	violation = palloc(sizeof(GaViolation));
	violation->path = pstrdup(path);
	violation->code = code;
	violation->message = message.data;
	violation->hint = hint ? pstrdup(hint) : NULL;
	violations->list = lappend(violations->list, violation);
}
