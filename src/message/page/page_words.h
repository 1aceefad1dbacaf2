/*
 * page_words.h
 *		The pages' words in every language, and which language to take.
 */
#ifndef GA_MESSAGE_PAGE_PAGE_WORDS_H
#define GA_MESSAGE_PAGE_PAGE_WORDS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

/* What is said; {group}, {inviter}, {member} and {date} are filled in. */
typedef enum GaPageWord
{
	GA_WORD_NONE,
	GA_WORD_TITLE,
	GA_WORD_FOR_MEMBER,
	GA_WORD_INVITES,
	GA_WORD_INVITED, /* by nobody who is named */
	GA_WORD_ACCEPT,
	GA_WORD_DECLINE,
	GA_WORD_IF_ACCEPTED,
	GA_WORD_UNTIL,
	GA_WORD_STRANGER,
	GA_WORD_CHOOSE,
	GA_WORD_ACCEPTED_TITLE,
	GA_WORD_ACCEPTED,
	GA_WORD_ACCEPTED_STANDS,
	GA_WORD_DECLINED_TITLE,
	GA_WORD_DECLINED,
	GA_WORD_DECLINED_STANDS,
	GA_WORD_CHANGED_MIND,
	GA_WORD_CLOSE_PAGE,
	GA_WORD_CONTINUE,
	GA_WORD_REVOKED_TITLE,
	GA_WORD_REVOKED,
	GA_WORD_ARCHIVED_TITLE,
	GA_WORD_ARCHIVED,
	GA_WORD_EXPIRED_TITLE,
	GA_WORD_EXPIRED,
	GA_WORD_ASK_AGAIN,
	GA_WORD_UNKNOWN_TITLE,
	GA_WORD_UNKNOWN,
	GA_WORD_STOP_TITLE,
	GA_WORD_STOP,
	GA_WORD_STOP_BUTTON,
	GA_WORD_STOP_NOTHING_YET,
	GA_WORD_STOPPED_TITLE,
	GA_WORD_STOPPED,
	GA_WORD_COUNT
} GaPageWord;

/* The language of "pt-BR", "pt_BR.UTF-8" or "PT" is "pt"; -1: none of ours. */
extern int ga_message_language_find(const char *locale);
/* The same, English for none of ours and for NULL. */
extern int ga_message_language(const char *locale);
/* The one a request's Accept-Language likes best; -1: none of ours. */
extern int ga_message_language_accepted(const char *header);

/* "pt"; safe in a header and in HTML. */
extern const char *ga_message_language_tag(int language);
/* "ltr" or "rtl" */
extern const char *ga_message_language_direction(int language);

extern const char *ga_page_word(int language, GaPageWord word);

/* "29 November 2026 at 05:01 UTC": whoever reads it may live anywhere. */
extern void ga_page_put_moment(StringInfo out, int language,
							   TimestampTz moment);

#endif /* GA_MESSAGE_PAGE_PAGE_WORDS_H */
