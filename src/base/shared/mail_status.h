/*
 * mail_status.h
 *		What the enhanced status codes of mail (RFC 3463) mean, as data.
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_SHARED_MAIL_STATUS_H
#define GA_BASE_SHARED_MAIL_STATUS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * "the mailbox does not exist", for a code like 5.1.1 and a server's own words;
 * either may be NULL.  Where they disagree the words are believed.  NULL: neither
 * is known.
 */
extern const char *ga_mail_status_words(const char *status, const char *words);

/*
 * Whether the mailbox or its domain is gone for good, so that nothing more is
 * sent: where the code and the server's words agree.  `words` is a reply or a
 * diagnosis, NULL for none; a code quoted in it counts before `status`, which
 * may be NULL, or the basic code 550.
 */
extern bool ga_mail_status_is_dead(const char *status, const char *words);

/* Whether code or words say that the mailbox lives, or blame somebody else. */
extern bool ga_mail_status_is_against_death(const char *status,
											const char *words);

/*
 * The first enhanced code in a text: its length and where it begins; 0: none.
 * One that is part of a longer number or name is none.
 */
extern size_t ga_mail_status_find(const char *text, const char **start);

#endif /* GA_BASE_SHARED_MAIL_STATUS_H */
