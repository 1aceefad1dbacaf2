/*
 * stop_words.h
 *		What a person who answers an SMS wants.
 */
#ifndef GA_REQUEST_CALLBACK_STOP_WORDS_H
#define GA_REQUEST_CALLBACK_STOP_WORDS_H

typedef enum GaWish
{
	GA_WISH_NONE,  /* something else was said */
	GA_WISH_STOP,  /* no more messages */
	GA_WISH_START, /* messages again */
} GaWish;

/* Of a whole message: "Stop it later" is none. */
extern GaWish ga_wish_read(const char *text);

#endif /* GA_REQUEST_CALLBACK_STOP_WORDS_H */
