/*
 * paging.h
 *		Contract B's pages: which rows, and the links to the next and the last.
 */
#ifndef GA_API_CONTRACT_B_PAGING_H
#define GA_API_CONTRACT_B_PAGING_H

#include "postgres.h"

#include "api/answer/answer.h"
#include "api/caller.h"
#include "fmgr.h"
#include "store/group/contract_b_store.h"

#define GA_PAGE_DEFAULT 10
#define GA_PAGE_MAX 100

typedef struct GaPaging
{
	GaPageBounds bounds;
	const char *address; /* in front of the question mark */
	const char *query;	 /* all but limit and offset, ends in "&" or is empty */
} GaPaging;

/*
 * Over HTTP from the header X-Request-Uri, the path and query the client sent;
 * else, and where that says nothing, from the arguments `at` limit and `at` + 1
 * offset, and `search`, which may be NULL.  What is no number counts as not
 * given, a limit too high is the highest.
 */
extern void ga_paging_read(const GaCaller *caller, FunctionCallInfo fcinfo,
						   int at, const char *search, GaPaging *paging);

/* What the query of a call may have: limit and offset, and what its document names. */
#define GA_QUERY_PAGE 0x1
#define GA_QUERY_SEARCH 0x2
#define GA_QUERY_ORDERING 0x4
#define GA_QUERY_USER 0x8

/*
 * Adds a violation for each parameter of the client's query that the call would ignore,
 * and one for an address that cannot be read: what is left out by mistake means
 * something else.
 */
extern void ga_paging_check_query(const GaCaller *caller, int accepted,
								  GaViolations *violations);

/* True with an answer (22023, 400) when there is such a violation. */
extern bool ga_paging_is_refused(const GaCaller *caller, GaContract contract,
								 int accepted, Datum *answer);

/* Absolute where the gateway told its host, else relative; NULL: there is none. */
extern const char *ga_paging_next(const GaPaging *paging);
extern const char *ga_paging_previous(const GaPaging *paging);

/* Whether the query has the field at all, were it empty. */
extern bool ga_paging_query_has(const GaCaller *caller, const char *name);
/* A field of the client's query; NULL: absent or empty. */
extern const char *ga_paging_query_field(const GaCaller *caller,
										 const char *name);

#endif /* GA_API_CONTRACT_B_PAGING_H */
