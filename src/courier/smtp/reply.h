/*
 * reply.h
 *		What an answer means for the message: reply classes of SMTP, HTTP and
 *		libcurl.
 *
 * Pure: judges values, touches nothing.
 */
#ifndef GA_COURIER_SMTP_REPLY_H
#define GA_COURIER_SMTP_REPLY_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "courier/outcome.h"
#include "courier/text.h"

/* Which command of the mail dialogue a reply answers. */
typedef enum GaSmtpStage
{
	GA_SMTP_CONNECT, /* greeting, EHLO, STARTTLS, AUTH */
	GA_SMTP_MAIL,
	GA_SMTP_RCPT,
	GA_SMTP_DATA,
	GA_SMTP_FINAL /* after the final dot */
} GaSmtpStage;

/* The code of one line, whether it is the last of its reply or not; -1: the line is of no
 * reply.  Only 4xx and 5xx refuse (RFC 5321 4.2.1). */
extern int ga_reply_code(const char *line, size_t length);
extern bool ga_reply_is_refusal(int code);

/*
 * Judges a refusal.  `text` is the reply without its code, beginning with the
 * enhanced code (RFC 3463) when there is one.
 */
extern GaVerdict ga_reply_judge_smtp(GaSmtpStage stage, int code,
									 const char *text);

/* Judges a status without any knowledge of the provider's own codes. */
extern GaVerdict ga_reply_judge_http(int status);

/*
 * Judges a transfer that ended without a usable answer.  `handed_over`: the
 * peer may have the whole message.  `os_errno` is CURLINFO_OS_ERRNO.
 */
extern GaVerdict ga_reply_judge_curl(CURLcode result, long os_errno,
									 bool handed_over);

/*
 * Retry-After of RFC 9110 10.2.3, seconds or HTTP-date, as milliseconds from
 * `now`; a past date is 0, anything beyond a day is a day.  -1: unreadable.
 */
extern int64_t ga_reply_retry_after(const char *value, time_t now);

/*
 * Copies the enhanced status code at the start of `text` ("5.1.1").  false:
 * there is none; `code` is then "".
 */
extern bool ga_reply_enhanced(const char *text, char *code, size_t size);

/* Adds a line's text, without its code, to those before it; later lines do not repeat
 * the enhanced code. */
extern void ga_reply_add_text(GaText *text, const char *line, size_t length);

#endif /* GA_COURIER_SMTP_REPLY_H */
