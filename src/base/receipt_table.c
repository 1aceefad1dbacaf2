/*
 * receipt_table.c
 *		The providers' words and codes in receipts.
 *
 * Words that are not listed change nothing; codes that are not listed leave the
 * provider's own text as the reason.
 */
#include "base/receipt_table.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

typedef struct StatusRow
{
	const char *kind;
	const char *word;
	GaReceiptStatus status;
} StatusRow;

static const StatusRow statuses[] = {
	/* https://www.twilio.com/docs/messaging/api/message-resource */
	{"twilio", "accepted", GA_RECEIPT_NOTHING},
	{"twilio", "scheduled", GA_RECEIPT_NOTHING},
	{"twilio", "queued", GA_RECEIPT_NOTHING},
	{"twilio", "sending", GA_RECEIPT_NOTHING},
	{"twilio", "sent", GA_RECEIPT_SENT},
	{"twilio", "delivered", GA_RECEIPT_DELIVERED},
	{"twilio", "read", GA_RECEIPT_DELIVERED},
	{"twilio", "undelivered", GA_RECEIPT_FAILED},
	{"twilio", "failed", GA_RECEIPT_FAILED},
	{"twilio", "canceled", GA_RECEIPT_FAILED},
};

static const GaReceiptCode codes[] = {
	/* https://www.twilio.com/docs/api/errors */
	{"twilio", "21610", "the person answered STOP", "opted_out"},
	{"twilio", "30003", "the handset could not be reached", NULL},
	{"twilio", "30004", "the number does not take messages", NULL},
	{"twilio", "30005", "the number is unknown or no longer in service",
	 "bounced"},
	{"twilio", "30006", "a landline, or a carrier that cannot be reached",
	 "bounced"},
	{"twilio", "30007", "the carrier filtered the message as unwanted", NULL},
	{"twilio", "30008", "the carrier gave no reason", NULL},
};

bool
ga_receipt_status_find(const char *kind, const char *word,
					   GaReceiptStatus *status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (strcmp(statuses[i].kind, kind) == 0 &&
			strcasecmp(statuses[i].word, word) == 0)
		{
			*status = statuses[i].status;
			return true;
		}
	return false;
}

const GaReceiptCode *
ga_receipt_code_find(const char *kind, const char *code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].kind, kind) == 0 &&
			strcmp(codes[i].code, code) == 0)
			return &codes[i];
	return NULL;
}
