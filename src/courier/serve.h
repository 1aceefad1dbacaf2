/*
 * serve.h
 *		Serving a dispatcher over a socketpair.
 */
#ifndef GA_COURIER_SERVE_H
#define GA_COURIER_SERVE_H

/* Never returns: 0 when the dispatcher is gone, 2 when it talks nonsense. */
extern void ga_serve(int fd) __attribute__((noreturn));

#endif /* GA_COURIER_SERVE_H */
