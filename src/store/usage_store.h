/*
 * usage_store.h
 *		What a caller has made on one day (UTC), counted against the daily caps.
 */
#ifndef GA_STORE_USAGE_STORE_H
#define GA_STORE_USAGE_STORE_H

#include "postgres.h"

typedef struct GaUsage
{
	int64 groups;
	int64 picture_bytes;
} GaUsage;

/* Both run inside ga_owner_enter()/leave(). */

/* Today's, as far as it is committed or of this transaction. */
extern GaUsage ga_usage_read(int64 user_id);
extern void ga_usage_add(int64 user_id, GaUsage more);

#endif /* GA_STORE_USAGE_STORE_H */
