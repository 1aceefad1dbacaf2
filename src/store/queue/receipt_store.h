/*
 * receipt_store.h
 *		What a provider or a mail server said later about a message.
 *
 * States only move forward: sent, then failed or delivered; delivered after
 * failed is believed, failed after delivered is not.  The same event again, or
 * an old one late, changes nothing.
 */
#ifndef GA_STORE_QUEUE_RECEIPT_STORE_H
#define GA_STORE_QUEUE_RECEIPT_STORE_H

#include "postgres.h"

#include "base/link_token.h"
#include "base/shared/receipt_table.h"
#include "utils/uuid.h"

typedef struct GaReceipt
{
	const char *way;	/* callback, poll or bounce */
	const char *server; /* the provider; NULL: not known (a bounce) */
	/* Which message: the token of our link, or group, number and version. */
	bool by_group_id; /* group_id instead of ref.group_number */
	pg_uuid_t group_id;
	GaLinkToken ref;		/* version 0: any */
	const char *message_id; /* the provider's; NULL: not told */
	GaReceiptStatus status;
	const char *code;	/* the provider's; NULL: none */
	const char *reason; /* for people; NULL: nothing to tell */
	/* a label of group_api.suppression: the contact gets nothing more */
	const char *suppress;
	bool is_ignored;	  /* about the message, and no news of it */
	const char *evidence; /* what that rests on; no contact in it; or NULL */
	const uint8 *digest;  /* SHA-256 of the event, 32 bytes */
	/* another id may be that of another part of the same message */
	bool may_be_part;
	bool counts_once; /* to be kept even when it changes nothing */
	const char *raw;  /* the event as it came; NULL: not kept */
	size_t raw_length;
} GaReceipt;

typedef enum GaReceiptResult
{
	GA_RECEIPT_MOVED,	 /* the delivery changed */
	GA_RECEIPT_KNOWN,	 /* nothing new */
	GA_RECEIPT_STALE,	 /* about an older message of the invitation */
	GA_RECEIPT_UNKNOWN,	 /* no such invitation */
	GA_RECEIPT_IGNORED,	 /* no word of a provider: a person's automatic reply */
	GA_RECEIPT_REPLAYED, /* this very event was here before */
	GA_RECEIPT_REFUSED	 /* never returned: forged ones do not get this far */
} GaReceiptResult;

/* All run inside ga_owner_enter()/leave(). */

/*
 * Applies events of one provider, keeps them and counts them; fills `results`.
 * True when one of the invitations was waiting in the queue: then the dispatcher
 * passed it by and must look again at the end (dispatch/wake.h, ga_wake_at_end).
 * Several belong into one call, or transactions deadlock.
 */
extern bool ga_receipts_apply(const GaReceipt *receipts, int number,
							  GaReceiptResult *results);

/* The same for one. */
extern GaReceiptResult ga_receipt_apply(const GaReceipt *receipt);

/*
 * For the dispatcher, which waits for nobody: false while somebody's open
 * transaction holds the invitation; nothing is done then.  Needs by_group_id.
 * Does not count, since others may hold the counters.
 */
extern bool ga_receipt_try(const GaReceipt *receipt);

extern const char *ga_receipt_result_name(GaReceiptResult result);

#endif /* GA_STORE_QUEUE_RECEIPT_STORE_H */
