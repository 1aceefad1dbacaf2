/*
 * bounce_report.h
 *		What the courier program made of a mail that came back.
 */
#ifndef GA_API_INBOUND_BOUNCE_REPORT_H
#define GA_API_INBOUND_BOUNCE_REPORT_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* The first five are actions of RFC 3464, 2.3.3. */
typedef enum GaBounceKind
{
	GA_BOUNCE_FAILED,
	GA_BOUNCE_DELAYED,
	GA_BOUNCE_DELIVERED,
	GA_BOUNCE_RELAYED,
	GA_BOUNCE_EXPANDED,
	GA_BOUNCE_COMPLAINT,
	GA_BOUNCE_OTHER
} GaBounceKind;

typedef struct GaBounceReport
{
	Jsonb *json;
	GaBounceKind kind;
	const char *status;		   /* RFC 3463; NULL: not told */
	const char *diagnostic;	   /* the mail server's words; likewise */
	const char *feedback_type; /* of a complaint, RFC 5965; likewise */
	bool names_another;		   /* the recipient it tells of is not ours */
} GaBounceReport;

/*
 * False: the program could not make sense of the mail.  Error: 53000 when it took
 * too long, which is not the mail's fault.
 */
extern bool ga_bounce_report_read(const char *mail, size_t length,
								  GaBounceReport *report);

/*
 * Of a report about several, keeps what it says of ours, where it names ours.
 * `contact` NULL: whoever it is about.
 */
extern void ga_bounce_report_narrow(GaBounceReport *report,
									const char *contact);

/* Texts that may be a token of ours (char *): from the envelope's recipients, then
 * from the ENVID. */
extern List *ga_bounce_report_tokens(const GaBounceReport *report);

/* Of the mail that came back; NULL: not told. */
extern const char *ga_bounce_report_message_id(const GaBounceReport *report);

/* Whether a mail server wrote it: it is neither a person's answer nor a complaint. */
extern bool ga_bounce_report_is_by_server(const GaBounceReport *report,
										  const char *contact);

/* Whether the invited person wrote what was read as a mail server's prose. */
extern bool ga_bounce_report_is_answer(const GaBounceReport *report,
									   const char *contact);

/* The report without what would let others forge one. */
extern const char *ga_bounce_report_raw(const GaBounceReport *report);

#endif /* GA_API_INBOUND_BOUNCE_REPORT_H */
