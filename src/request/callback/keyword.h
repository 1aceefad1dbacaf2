/*
 * keyword.h
 *		The opt-out and opt-in keywords that a person answers an SMS with.
 */
#ifndef GA_REQUEST_CALLBACK_KEYWORD_H
#define GA_REQUEST_CALLBACK_KEYWORD_H

typedef enum GaKeyword
{
	GA_KEYWORD_NONE,  /* something else was said */
	GA_KEYWORD_STOP,  /* no more messages */
	GA_KEYWORD_START, /* messages again */
} GaKeyword;

/* Of a whole message: "Stop it later" is none. */
extern GaKeyword ga_keyword_read(const char *text);

#endif /* GA_REQUEST_CALLBACK_KEYWORD_H */
