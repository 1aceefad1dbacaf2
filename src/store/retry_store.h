/*
 * retry_store.h
 *		Failed and uncertain invitations, queued again by an operator.
 */
#ifndef GA_STORE_RETRY_STORE_H
#define GA_STORE_RETRY_STORE_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Which; NULL, GA_CHANNEL_NONE and 0 mean any. */
typedef struct GaRetryChoice
{
	const pg_uuid_t *group_id;
	GaChannel channel;
	const char *server;
	const char *reason;		 /* a pattern of LIKE */
	const Interval *max_age; /* since it failed */
	TimestampTz before;		 /* when it had failed; 0: whenever */
	int32 max_rows;
} GaRetryChoice;

/* Queues them, with fresh tries and an expiry counted anew; how many. */
extern uint64 ga_retry_failed(const GaRetryChoice *choice);

#endif /* GA_STORE_RETRY_STORE_H */
