/*
 * error_hint.h
 *		Hints for errors that PostgreSQL itself raises about what is the extension's.
 */
#ifndef GA_API_ERROR_HINT_H
#define GA_API_ERROR_HINT_H

/* To be called once, when the library is loaded. */
extern void ga_error_hint_init(void);

#endif /* GA_API_ERROR_HINT_H */
