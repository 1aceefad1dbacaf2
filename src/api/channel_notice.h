/*
 * channel_notice.h
 *		Telling who creates a group that nobody takes its messages.
 */
#ifndef GA_API_CHANNEL_NOTICE_H
#define GA_API_CHANNEL_NOTICE_H

#include "postgres.h"

#include "store/group/group_store.h"
#include "store/plan_cache.h"

/* A NOTICE for each channel of queued members without a provider.  Inside ga_owner_enter(). */
extern void ga_channel_notice_tell(const GaOwnerScope *scope,
								   const GaGroup *group);

#endif /* GA_API_CHANNEL_NOTICE_H */
