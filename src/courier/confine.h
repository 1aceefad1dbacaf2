/*
 * confine.h
 *		Giving up what the courier never needs, before it hears from strangers.
 */
#ifndef GA_COURIER_CONFINE_H
#define GA_COURIER_CONFINE_H

#include <stddef.h>

typedef enum GaConfinement
{
	GA_CONFINE_SENDER, /* has the network, and reads files */
	GA_CONFINE_READER  /* has neither, but for the system's libraries */
} GaConfinement;

/*
 * Applies what this kernel has to this thread and all that it starts later; call
 * it before the first one.  Never fails: what cannot be applied is left out.
 * `said` gets what was, as a list in English.
 */
extern void ga_confine(GaConfinement confinement, char *said, size_t size);

#endif /* GA_COURIER_CONFINE_H */
