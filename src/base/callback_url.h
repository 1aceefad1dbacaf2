/*
 * callback_url.h
 *		The address a provider sends its receipts to: the option callback_url,
 *		and what tells us the server and the message.
 */
#ifndef GA_BASE_CALLBACK_URL_H
#define GA_BASE_CALLBACK_URL_H

#include "postgres.h"

#include "base/link_token.h"

/* The fields of the query that are ours. */
#define GA_CALLBACK_SERVER "server"
#define GA_CALLBACK_RECEIPT "receipt"

/* `base` with ?server=<server>&receipt=<token>; palloc'ed. */
extern char *ga_callback_url_make(const char *base, const char *server,
								  const uint8 *secret, GaLinkToken message);

/*
 * Names no message but every one of the server, for webhooks that are entered
 * at the provider by hand.
 */
extern GaLinkToken ga_callback_account(const char *server);

/*
 * The address a callback was sent to: `base` with the query that came, however
 * much the provider put into it; palloc'ed.
 */
extern char *ga_callback_url_received(const char *base, const char *query);

#endif /* GA_BASE_CALLBACK_URL_H */
