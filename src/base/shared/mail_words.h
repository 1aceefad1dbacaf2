/*
 * mail_words.h
 *		Whom the words of a mail server blame, in replies and in bounces.
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_SHARED_MAIL_WORDS_H
#define GA_BASE_SHARED_MAIL_WORDS_H

typedef enum GaMailBlame
{
	GA_BLAME_NOBODY,	/* the words do not tell */
	GA_BLAME_OUR_QUOTA, /* our account has sent enough for this hour or day */
	GA_BLAME_SENDER,	/* our account, sender, host or its address */
	GA_BLAME_FULL,		/* the mailbox has no room */
	GA_BLAME_RATE,		/* the mailbox gets too much mail just now */
	GA_BLAME_CONTENT,	/* this message: its size, a filter, a policy */
	GA_BLAME_RECIPIENT	/* the mailbox or its domain does not exist */
} GaMailBlame;

/*
 * Reads a reply or a diagnosis.  Addresses, host names and links in it are
 * passed over: what somebody is called blames nobody.
 */
extern GaMailBlame ga_mail_words_read(const char *text);

#endif /* GA_BASE_SHARED_MAIL_WORDS_H */
