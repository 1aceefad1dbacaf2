/*
 * invitation_state.h
 *		The states of an invitation: its message's (delivery) and its person's
 *		(response), and their words in the database.
 *
 * Which event leads from which state to which: invitation_events.h.
 */
#ifndef GA_STORE_INVITATION_STATE_H
#define GA_STORE_INVITATION_STATE_H

#include "postgres.h"

#include "base/shared/receipt_table.h"

/* What happened to the message; the labels of the type group_api.delivery. */
typedef enum GaDelivery
{
	GA_DELIVERY_NONE, /* null: no message is sent */
	GA_DELIVERY_HELD, /* waits for send_invitations() */
	GA_DELIVERY_QUEUED,
	GA_DELIVERY_SENDING, /* claimed, committed before the first byte */
	GA_DELIVERY_SENT,	 /* the provider took it over */
	GA_DELIVERY_DELIVERED,
	GA_DELIVERY_FAILED,
	GA_DELIVERY_SUPPRESSED, /* the contact is on the list */
	GA_DELIVERY_CANCELED,
	GA_DELIVERY_UNCERTAIN /* nobody knows whether it was taken over */
} GaDelivery;

/* What the invited person decided; the labels of the type group_api.response. */
typedef enum GaResponse
{
	GA_RESPONSE_NONE, /* no row: was not invited */
	GA_RESPONSE_PENDING,
	GA_RESPONSE_ACCEPTED,
	GA_RESPONSE_DECLINED,
	GA_RESPONSE_REVOKED,
	GA_RESPONSE_EXPIRED
} GaResponse;

/* The same in statements. */
#define GA_SQL_NONE "NULL"
#define GA_SQL_HELD "'held'::group_api.delivery"
#define GA_SQL_QUEUED "'queued'::group_api.delivery"
#define GA_SQL_SENDING "'sending'::group_api.delivery"
#define GA_SQL_SENT "'sent'::group_api.delivery"
#define GA_SQL_DELIVERED "'delivered'::group_api.delivery"
#define GA_SQL_FAILED "'failed'::group_api.delivery"
#define GA_SQL_SUPPRESSED "'suppressed'::group_api.delivery"
#define GA_SQL_CANCELED "'canceled'::group_api.delivery"
#define GA_SQL_UNCERTAIN "'uncertain'::group_api.delivery"
#define GA_SQL_PENDING "'pending'::group_api.response"
#define GA_SQL_ACCEPTED "'accepted'::group_api.response"
#define GA_SQL_DECLINED "'declined'::group_api.response"
#define GA_SQL_REVOKED "'revoked'::group_api.response"
#define GA_SQL_EXPIRED "'expired'::group_api.response"

/* Their words; NULL for none. */
extern const char *ga_state_delivery_word(GaDelivery delivery);
extern const char *ga_state_response_word(GaResponse response);

/* A column of SPI_tuptable, 1-based, of one of the two types. */
extern GaDelivery ga_state_row_delivery(uint64 row, int column);
extern GaResponse ga_state_row_response(uint64 row, int column);

/* The delivery after a provider said this of the message. */
extern GaDelivery ga_state_after_receipt(GaDelivery before,
										 GaReceiptStatus said);

/* Whether the dispatcher may record this for a message that is being sent. */
extern bool ga_state_may_record(GaDelivery after);

#endif /* GA_STORE_INVITATION_STATE_H */
