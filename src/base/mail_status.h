/*
 * mail_status.h
 *		What the enhanced status codes of mail (RFC 3463) mean, as data.
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_MAIL_STATUS_H
#define GA_BASE_MAIL_STATUS_H

#include <stdbool.h>

/* "the mailbox does not exist"; NULL: not listed.  `status` is "5.1.1". */
extern const char *ga_mail_status_words(const char *status);

/* Whether the mailbox or its domain is gone for good: nothing more is sent. */
extern bool ga_mail_status_is_dead(const char *status);

#endif /* GA_BASE_MAIL_STATUS_H */
