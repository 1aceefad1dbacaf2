/*
 * link_timeline.h
 *		The version of an invitation's first link.
 */
#ifndef GA_STORE_LINK_TIMELINE_H
#define GA_STORE_LINK_TIMELINE_H

#include "postgres.h"

/*
 * A server that takes over without the last transactions of the lost one, or is recovered to
 * an earlier time, gives the numbers of groups and members out once more; since it
 * does so on a timeline of its own, the links that were sent for the lost ones have
 * other versions and open nothing.  A standby, which writes none, answers as on the
 * first timeline.
 */
extern int16 ga_link_timeline_first_version(void);

#endif /* GA_STORE_LINK_TIMELINE_H */
