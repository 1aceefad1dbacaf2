/*
 * answer.h
 *		Answers and errors in the caller's dialect.
 *
 * In SQL a fault is an ERROR; over HTTP it is a returned document and a status
 * in the setting response.status.  A returned error commits: nothing may have
 * been written before.
 */
#ifndef GA_API_ANSWER_ANSWER_H
#define GA_API_ANSWER_ANSWER_H

#include "postgres.h"

#include "api/caller.h"
#include "lib/stringinfo.h"
#include "request/violation.h"

typedef enum GaContract
{
	GA_CONTRACT_A,			  /* {error, group} */
	GA_CONTRACT_A_INVITATION, /* {error, invitation} */
	GA_CONTRACT_A_PREVIEW,	  /* {error, preview} */
	GA_CONTRACT_B,			  /* the object, or {errors} */
	GA_CONTRACT_SQL			  /* no document: always an ERROR */
} GaContract;

/* ERROR in SQL; over HTTP the document. */
extern Datum ga_answer_violations(const GaCaller *caller, GaContract contract,
								  const GaViolations *violations);
/* The same for a single fault. */
extern Datum ga_answer_fault(const GaCaller *caller, GaContract contract,
							 const char *path, GaViolationCode code,
							 const char *hint, const char *format, ...)
	pg_attribute_printf(6, 7);

extern Datum ga_answer_not_authenticated(const GaCaller *caller,
										 GaContract contract);

/* Sets the HTTP status of a success, when the caller speaks HTTP. */
extern void ga_answer_status(const GaCaller *caller, int status);

/* Says when to come back; after the fault was answered. */
extern void ga_answer_retry_after(const GaCaller *caller, int seconds);

/*
 * A document of a media type of its own, as text or bytea.  The headers, `count`
 * pairs of name and value, are set when the caller speaks HTTP.
 */
extern Datum ga_answer_media(const GaCaller *caller, int status,
							 const StringInfoData *document,
							 const char *const (*headers)[2], int count);

/* A setting that the gateway reads; lasts as long as the transaction. */
extern void ga_answer_set(const char *name, const char *value);

#endif /* GA_API_ANSWER_ANSWER_H */
