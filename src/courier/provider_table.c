/*
 * provider_table.c
 *		What each HTTP provider is told and how it answers, as data.
 *
 * To add a provider: a row here, its options in base/provider_options.c, and
 * its transport beside the others in http.c.
 */
#include "courier/provider_table.h"

#include <stddef.h>
#include <string.h>

#define FAULT GA_OUTCOME_PROVIDER_FAULT
#define HOUR_MS (60 * 60 * 1000LL)

/*
 * https://www.twilio.com/docs/api/errors.  Codes not listed follow the status
 * of the answer.
 */
static const GaHttpCode twilio_codes[] = {
	/* the recipient */
	{"21211", GA_OUTCOME_REJECTED, 0, -1}, /* not a phone number */
	{"21612", GA_OUTCOME_REJECTED, 0, -1}, /* no route from sender to it */
	{"21614", GA_OUTCOME_REJECTED, 0, -1}, /* cannot receive SMS */
	{"21635", GA_OUTCOME_REJECTED, 0, -1}, /* a landline */
	{"21610", GA_OUTCOME_REJECTED, 0, -1}, /* has answered STOP */
	{"30004", GA_OUTCOME_REJECTED, 0, -1}, /* blocked */
	{"30005", GA_OUTCOME_REJECTED, 0, -1}, /* unknown or out of service */
	{"30006", GA_OUTCOME_REJECTED, 0, -1}, /* landline or no such carrier */
	{"21617", GA_OUTCOME_REJECTED, 0, -1}, /* longer than 1600 characters */
	/* the account */
	{"20003", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* authentication */
	{"20404", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* no such account */
	{"21212", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* From is no number */
	{"21603", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* From is missing */
	{"21606", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* From is not ours */
	{"21408", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* region not enabled */
	{"21608", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* trial account */
	{"30002", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* account suspended */
	{"30007", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* filtered as spam */
	{"30034", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* A2P 10DLC registration */
	/* for now */
	{"20429", GA_OUTCOME_RETRY, FAULT, -1},		 /* too many at once */
	{"21611", GA_OUTCOME_RETRY, FAULT, HOUR_MS}, /* ten hours of backlog */
	{"30001", GA_OUTCOME_RETRY, FAULT, HOUR_MS}, /* queue overflow */
	{"30003", GA_OUTCOME_RETRY, 0, HOUR_MS},	 /* handset unreachable */
	{"30008", GA_OUTCOME_RETRY, 0, -1},			 /* unknown */
	{NULL, GA_OUTCOME_RETRY, 0, -1},
};

static const GaHttpRow rows[] = {
	/* https://www.twilio.com/docs/messaging/api/message-resource */
	{
		.kind = "twilio",
		.method = "POST",
		.url = "https://api.twilio.com/2010-04-01/Accounts/{account_sid}/"
			   "Messages.json",
		.body = "form",
		.fields = "{\"To\":\"{to}\",\"From\":\"{sender}\","
				  "\"MessagingServiceSid\":\"{messaging_service_sid}\","
				  "\"Body\":\"{text}\",\"ValidityPeriod\":\"{validity}\","
				  "\"StatusCallback\":\"{callback_url}\"}",
		.headers = "{\"Accept\":\"application/json\"}",
		.auth = GA_AUTH_BASIC,
		.default_username = "account_sid",
		.idempotency = "",
		.validity_max = 36000,
		.success = "2xx",
		.id_path = "sid",
		.code_path = "code",
		.text_path = "message",
		.codes = twilio_codes,
	},
	/* whatever the operator describes */
	{
		.kind = "http",
		.auth = GA_AUTH_OPTION,
		.idempotency = "Idempotency-Key",
	},
};

const GaHttpRow *
ga_provider_table_find(const char *kind)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].kind, kind) == 0)
			return &rows[i];
	return NULL;
}

const GaHttpCode *
ga_provider_table_code(const GaHttpRow *row, const char *code)
{
	for (const GaHttpCode *known = row->codes; known && known->code; known++)
		if (strcmp(known->code, code) == 0)
			return known;
	return NULL;
}
