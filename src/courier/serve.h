/*
 * serve.h
 *		Serving a dispatcher over a socketpair.
 */
#ifndef GA_COURIER_SERVE_H
#define GA_COURIER_SERVE_H

#include <stdbool.h>

/*
 * Never returns: 0 when the dispatcher is gone, 2 when it talks nonsense.
 * `tells`: the first frame says how the courier is confined.  `journal_fd`: the memory
 * of a journal (base/shared/journal), or -1.
 */
extern void ga_serve(int fd, bool tells, int journal_fd)
	__attribute__((noreturn));

#endif /* GA_COURIER_SERVE_H */
