/*
 * violation.h
 *		What is wrong with a request: all faults are collected before the first
 *		write, then told by the caller's dialect (src/api/answer).
 *
 * Knows no SQL and no dialect.  Lives in the caller's memory context.
 */
#ifndef GA_REQUEST_VIOLATION_H
#define GA_REQUEST_VIOLATION_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * The published codes.  The name, contract A's integer, contract B's code and
 * the SQLSTATE of each stand in one table in violation.c; docs/errors.md
 * prints the same table and a test compares the two.
 */
typedef enum GaViolationCode
{
	GA_VIOLATION_INVALID_BODY, /* the body is no JSON object */
	GA_VIOLATION_REQUIRED,	   /* field missing */
	GA_VIOLATION_NULL,
	GA_VIOLATION_INVALID_TYPE,
	GA_VIOLATION_BLANK, /* empty or white space only */
	GA_VIOLATION_MAX_LENGTH,
	GA_VIOLATION_INVALID_CHARACTERS, /* control characters, bidi overrides */
	GA_VIOLATION_INVALID_GUID,
	GA_VIOLATION_INVALID_URL,
	GA_VIOLATION_INVALID_EMAIL,
	GA_VIOLATION_INVALID_PHONE,	  /* impossible number */
	GA_VIOLATION_NOT_SMS_CAPABLE, /* a kind of number that gets no SMS */
	GA_VIOLATION_INVALID_CHOICE,
	GA_VIOLATION_INVALID_PICTURE, /* bytes of no known kind of picture */
	GA_VIOLATION_DUPLICATE,		  /* the same contact or user twice */
	GA_VIOLATION_UNKNOWN_FIELD,
	GA_VIOLATION_EMPTY,			 /* an empty list where one is needed */
	GA_VIOLATION_TOO_MANY,		 /* more members than group_api.max_members */
	GA_VIOLATION_TOO_LARGE,		 /* a body of more bytes than are read */
	GA_VIOLATION_UNIQUE,		 /* the name is taken */
	GA_VIOLATION_KEY_REUSED,	 /* an idempotency key with another body */
	GA_VIOLATION_DOES_NOT_EXIST, /* an invited user is unknown */
	GA_VIOLATION_NOT_AUTHENTICATED,
	GA_VIOLATION_PERMISSION_DENIED,
	GA_VIOLATION_NOT_FOUND,		   /* group, invitation */
	GA_VIOLATION_EXPIRED,		   /* the invitation is past its expiry */
	GA_VIOLATION_ALREADY_ANSWERED, /* the other answer was given before */
	GA_VIOLATION_CONFLICT,		   /* the state forbids it: archived, revoked */
	GA_VIOLATION_ALREADY_CLAIMED,  /* another user has the place */
	GA_VIOLATION_ALREADY_MEMBER,   /* the user has another place in the group */
	GA_VIOLATION_THROTTLED,		   /* too soon, too many */
	GA_VIOLATION_NOT_A_LIST,	   /* something else where a list belongs */
	GA_VIOLATION_QUOTA,			   /* over a daily cap of the caller */
	GA_VIOLATION_COUNTRY_NOT_ALLOWED, /* group_api.mobile_countries */
	GA_VIOLATION_COUNT
} GaViolationCode;

typedef struct GaViolation
{
	const char *path; /* "members[1].contact.value"; "" = the whole */
	GaViolationCode code;
	const char *message; /* lower case, no full stop, for a person */
	const char *hint;	 /* what to do, a sentence; NULL = none */
} GaViolation;

typedef struct GaViolationInfo
{
	const char *name;	 /* "max_length": the code in SQL DETAIL */
	int number;			 /* contract A's error.code */
	const char *v2_name; /* contract B's messages[].code */
	int sqlstate;		 /* MAKE_SQLSTATE */
	int http_status;	 /* contract A */
	int v2_http_status;	 /* contract B: 400, 401, 403, 404, 413, 422, 429 */
} GaViolationInfo;

typedef struct GaViolations
{
	List *list; /* of GaViolation */
	/* So many of the first are of texts that are none: of their places nothing more is told. */
	int of_texts;
} GaViolations;

extern const GaViolationInfo ga_violation_info[GA_VIOLATION_COUNT];

/*
 * As many are listed; one more entry then says how many were left out.  A body
 * of ten thousand bad members must not answer with ten thousand sentences.
 */
#define GA_VIOLATIONS_LISTED 100

/*
 * Copies path, hint and the formatted message into the current memory context.
 */
extern void ga_violation_add(GaViolations *violations, const char *path,
							 GaViolationCode code, const char *hint,
							 const char *format, ...) pg_attribute_printf(5, 6);

/* All of them, those that are not listed, too. */
extern int ga_violations_count(const GaViolations *violations);

/* Whether a further violation would only be counted: spares its wording. */
static inline bool
ga_violations_full(const GaViolations *violations)
{
	return list_length(violations->list) >= GA_VIOLATIONS_LISTED;
}

static inline bool
ga_violations_any(const GaViolations *violations)
{
	return violations->list != NIL;
}

#endif /* GA_REQUEST_VIOLATION_H */
