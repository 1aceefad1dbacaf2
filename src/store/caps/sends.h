/*
 * sends.h
 *		What was sent to whom, and for which leader, in the last two days: the rows
 *		that the caps count.
 *
 * All run inside ga_owner_enter()/leave().
 */
#ifndef GA_STORE_CAPS_SENDS_H
#define GA_STORE_CAPS_SENDS_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct GaSend
{
	int64 key; /* of a contact or of a leader (store/contact_hash) */
	int64 leader;
	int64 message;
	TimestampTz at;
} GaSend;

/* `place` is that of the key in the list. */
typedef void (*GaSendTaker)(void *context, int place, const GaSend *send);

/* Hands over the rows of these keys, each of which is listed once, since a moment. */
extern void ga_sends_find(const Datum *keys, int count, TimestampTz since,
						  GaSendTaker take, void *context);
/* How many rows each key has since a moment, one a key; palloc'ed. */
extern int64 *ga_sends_count(const Datum *keys, int count, TimestampTz since);
/* Adds rows. */
extern void ga_sends_add(const GaSend *sends, int count);
/* Forgets what counts no longer; true: there is more of it. */
extern bool ga_sends_trim(void);

#endif /* GA_STORE_CAPS_SENDS_H */
