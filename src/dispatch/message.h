/*
 * message.h
 *		What an invitation says: the words of its e-mail and its SMS.
 */
#ifndef GA_DISPATCH_MESSAGE_H
#define GA_DISPATCH_MESSAGE_H

#include "postgres.h"

#include "base/channel.h"
#include "lib/stringinfo.h"
#include "store/queue_store.h"

typedef struct GaMessage
{
	const char *subject; /* NULL for SMS */
	const char *text;
	const char *html;			 /* NULL for SMS */
	int segments;				 /* of an SMS; 0 for e-mail */
	const char *unsubscribe_url; /* of an e-mail; NULL: none */
} GaMessage;

/* Composes in the current memory context; `link` opens the invitation. */
extern void ga_message_compose(const GaClaim *claim, GaChannel channel,
							   const char *link, GaMessage *message);

/* group_api.invitation_url with the token in its place. */
extern const char *ga_message_link(const uint8 *secret, const GaClaim *claim);

/* group_api.unsubscribe_url likewise; NULL while it is empty. */
extern const char *ga_message_unsubscribe_link(const uint8 *secret,
											   const GaClaim *claim);

/* Appends the job for the courier as JSON. */
extern void ga_message_job(StringInfo json, uint64 job_id, const char *server,
						   const char *callback_url, const GaClaim *claim,
						   GaChannel channel, const GaMessage *message);

#endif /* GA_DISPATCH_MESSAGE_H */
