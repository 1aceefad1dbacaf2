/*
 * smtp_plan.h
 *		What is the same for all mails of a relay, computed once.
 */
#ifndef GA_COURIER_SMTP_SMTP_PLAN_H
#define GA_COURIER_SMTP_SMTP_PLAN_H

#include "courier/provider.h"
#include "courier/smtp/mail.h"

typedef struct GaSmtpPlan
{
	GaMailSettings mail;
	char *url; /* with the EHLO name as its path */
	char *envelope_sender;
	char *bounce_address; /* NULL: bounces are not told apart */
	bool tls;
	bool is_wrapped;	   /* TLS from the first byte: smtps */
	long greeting_timeout; /* seconds */
} GaSmtpPlan;

/* Replies a message waits for: MAIL, RCPT, DATA, the final dot, one spare. */
#define GA_SMTP_REPLIES 5

/* The transport's prepare and release; the plan is provider->plan. */
extern bool ga_smtp_plan_prepare(GaCourierProvider *provider, char *complaint,
								 size_t size);
extern void ga_smtp_plan_release(void *plan);

/* Tells a handle where to connect, how to log in, and how long that may take. */
extern void ga_smtp_plan_set_connecting(const GaCourierProvider *provider,
										CURL *curl);

#endif /* GA_COURIER_SMTP_SMTP_PLAN_H */
