/*
 * link_timeline.c
 *		The version of an invitation's first link, by the server's timeline.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "base/link_token.h"
#include "store/link_timeline.h"

/* Timelines are counted from 1; after 255 of them the versions begin anew. */
int16
ga_link_timeline_first_version(void)
{
	const uint32 ranges = GA_LINK_VERSION_MAX / GA_LINK_VERSIONS_PER_TIMELINE;
	const TimeLineID timeline =
		RecoveryInProgress() ? 1 : GetWALInsertionTimeLine();

	return (int16) (1 +
					(timeline - 1) % ranges * GA_LINK_VERSIONS_PER_TIMELINE);
}
