/*
 * busy.h
 *		The error of a call that waited too long for somebody else's lock.
 */
#ifndef GA_API_BUSY_H
#define GA_API_BUSY_H

/* Once, when the library is loaded. */
extern void ga_busy_init(void);

#endif /* GA_API_BUSY_H */
