/*
 * descriptors.h
 *		How many connections the courier's file descriptors are enough for.
 */
#ifndef GA_COURIER_DESCRIPTORS_H
#define GA_COURIER_DESCRIPTORS_H

#include <stdbool.h>

/* Once, when the limits are set. */
extern void ga_descriptors_start(void);

/*
 * Takes room for one connection; false: all is taken.  `anyway`: the first one of a
 * provider, which must not wait for those of others.
 */
extern bool ga_descriptors_take(bool anyway);
extern void ga_descriptors_give_back(void);

/* Whether somebody was refused room lately: who is idle is to end soon. */
extern bool ga_descriptors_are_short(void);

/* After a system call: whether errno says that there are no more descriptors. */
extern bool ga_descriptors_note_errno(void);
/*
 * After a failure whose reason a library keeps to itself: whether there are none,
 * now or a moment ago.
 */
extern bool ga_descriptors_ran_out(void);

/*
 * Fewer connections than were thought are to be used.  Returns how many, and true
 * in *is_news once in a while, when that is worth a line in the log.
 */
extern int ga_descriptors_shrink(bool *is_news);

#endif /* GA_COURIER_DESCRIPTORS_H */
