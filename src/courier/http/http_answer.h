/*
 * http_answer.h
 *		What an HTTP answer means, as a row of the provider table tells.
 */
#ifndef GA_COURIER_HTTP_HTTP_ANSWER_H
#define GA_COURIER_HTTP_HTTP_ANSWER_H

#include <curl/curl.h>
#include <stddef.h>

#include "courier/http/http_plan.h"
#include "courier/outcome.h"

typedef struct GaHttpAnswer
{
	CURL *curl; /* where its headers are */
	int status;
	const char *text;
	size_t length;
} GaHttpAnswer;

/* Of a message that was sent. */
extern void ga_http_answer_judge(const GaHttpPlan *plan,
								 const GaHttpAnswer *answer,
								 GaOutcome *outcome);

/* Of the question how a message fares. */
extern void ga_http_answer_judge_state(const GaHttpPlan *plan,
									   const GaHttpAnswer *answer,
									   GaOutcome *outcome);

#endif /* GA_COURIER_HTTP_HTTP_ANSWER_H */
