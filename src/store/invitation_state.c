/*
 * invitation_state.c
 *		The states of an invitation: their words, and what C asks the table of
 *		events.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "store/invitation_events.h"
#include "store/invitation_state.h"

static const char *const delivery_words[] = {
	[GA_DELIVERY_HELD] = "held",
	[GA_DELIVERY_QUEUED] = "queued",
	[GA_DELIVERY_SENDING] = "sending",
	[GA_DELIVERY_SENT] = "sent",
	[GA_DELIVERY_DELIVERED] = "delivered",
	[GA_DELIVERY_FAILED] = "failed",
	[GA_DELIVERY_SUPPRESSED] = "suppressed",
	[GA_DELIVERY_CANCELED] = "canceled",
	[GA_DELIVERY_UNCERTAIN] = "uncertain",
};

static const char *const response_words[] = {
	[GA_RESPONSE_PENDING] = "pending",	 [GA_RESPONSE_ACCEPTED] = "accepted",
	[GA_RESPONSE_DECLINED] = "declined", [GA_RESPONSE_REVOKED] = "revoked",
	[GA_RESPONSE_EXPIRED] = "expired",
};

const char *
ga_state_delivery_word(GaDelivery delivery)
{
	return delivery_words[delivery];
}

const char *
ga_state_response_word(GaResponse response)
{
	return response_words[response];
}

/* The place of a column's word among those of its type; 0: it is null. */
static int
read_word(uint64 row, int column, const char *const *words, int count)
{
	char *word =
		SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
	int state = 0;

	if (word == NULL)
		return 0;
	for (int i = 1; i < count && state == 0; i++)
		if (strcmp(word, words[i]) == 0)
			state = i;
	/* Somebody added a label to the type by hand. */
	if (state == 0)
		elog(ERROR, "unknown state of an invitation: \"%s\"", word);
	pfree(word);
	return state;
}

GaDelivery
ga_state_row_delivery(uint64 row, int column)
{
	return (GaDelivery) read_word(row, column, delivery_words,
								  lengthof(delivery_words));
}

GaResponse
ga_state_row_response(uint64 row, int column)
{
	return (GaResponse) read_word(row, column, response_words,
								  lengthof(response_words));
}

#define CASE(from, to, when)                                                   \
	case GA_DELIVERY_##from:                                                   \
		return GA_DELIVERY_##to;

static GaDelivery
after_sent(GaDelivery before)
{
	switch (before)
	{
		GA_DELIVERY_ON_RECEIPT_SENT(CASE)
		default:
			return before;
	}
}

static GaDelivery
after_delivered(GaDelivery before)
{
	switch (before)
	{
		GA_DELIVERY_ON_RECEIPT_DELIVERED(CASE)
		default:
			return before;
	}
}

static GaDelivery
after_failed(GaDelivery before)
{
	switch (before)
	{
		GA_DELIVERY_ON_RECEIPT_FAILED(CASE)
		default:
			return before;
	}
}

GaDelivery
ga_state_after_receipt(GaDelivery before, GaReceiptStatus said)
{
	switch (said)
	{
		case GA_RECEIPT_SENT:
			return after_sent(before);
		case GA_RECEIPT_DELIVERED:
			return after_delivered(before);
		case GA_RECEIPT_FAILED:
			return after_failed(before);
		case GA_RECEIPT_NOTHING:
			break;
	}
	return before;
}

#define IS_AFTER(from, to, when) || after == GA_DELIVERY_##to

bool
ga_state_may_record(GaDelivery after)
{
	return false GA_DELIVERY_ON_RECORD(IS_AFTER);
}
