/*
 * http_plan.h
 *		A row of the provider table and a provider's options, compiled.
 */
#ifndef GA_COURIER_HTTP_HTTP_PLAN_H
#define GA_COURIER_HTTP_HTTP_PLAN_H

#include "courier/provider.h"
#include "base/shared/provider_table.h"
#include "courier/http/request_template.h"

typedef struct GaHttpHeader
{
	GaRequestTemplate template; /* the whole line: "Name: value" */
	size_t value_offset;		/* where the value begins */
} GaHttpHeader;

typedef struct GaHttpPlan
{
	const GaHttpRow *row;
	char *method;
	GaRequestTemplate url;
	GaBodyKind body_kind;
	GaRequestField *fields;
	GaHttpHeader *headers;
	int header_count;
	char *success; /* "2xx a.b=c" */
	char *id_path; /* "" = none, likewise below */
	char *code_path;
	char *text_path;
	char *username;		 /* for basic and AWS, else NULL */
	char *bearer;		 /* for bearer, else NULL */
	char *signer;		 /* for AWS: "aws:amz:REGION:SERVICE", else NULL */
	bool holds_password; /* a template of the operator's: no basic then */
	GaRequestTemplate poll_url; /* empty when this kind cannot be asked */
	GaValueRules rules;
} GaHttpPlan;

/* Sets provider->plan.  false: `complaint`. */
extern bool ga_http_plan_prepare(GaCourierProvider *provider, char *complaint,
								 size_t size);
extern void ga_http_plan_release(void *plan);

typedef enum GaHttpVerdict
{
	GA_HTTP_SUCCESS,
	GA_HTTP_FAILURE,
	GA_HTTP_PARTLY, /* a condition holds for some values and not for others */
	GA_HTTP_UNREADABLE /* the status fits, the conditions find no value */
} GaHttpVerdict;

/* Whether an answer fulfils the rule; `document` may be NULL (not JSON). */
extern GaHttpVerdict ga_http_plan_judge(const char *success, int status,
										json_t *document);
/* false: the rule cannot be read. */
extern bool ga_http_plan_success_is_valid(const char *success);

/*
 * Puts scheme, host and path prefix of `base` in place of those of `url`.
 * Appends to `out`.
 */
extern void ga_http_plan_rebase(const char *url, const char *base, GaText *out);

#endif /* GA_COURIER_HTTP_HTTP_PLAN_H */
