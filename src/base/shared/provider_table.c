/*
 * provider_table.c
 *		The kinds of providers, what an HTTP provider is told and how it answers, as
 *		data.
 *
 * To add a provider: a row here and one in the list of sql/group_api.sql; what else
 * it may need stands in CONTRIBUTING.md.  Codes that are not listed follow the status of the
 * answer and whom its words blame.  A code marked UNSURE is said of one recipient
 * and of a whole account alike.
 */
#include "base/shared/provider_table.h"

#include <stddef.h>
#include <string.h>

#define FAULT GA_OUTCOME_PROVIDER_FAULT
#define DEAD GA_OUTCOME_DEAD_CONTACT
#define STOP GA_OUTCOME_OPTED_OUT
#define UNSURE GA_OUTCOME_UNSURE
#define HOUR_MS (60 * 60 * 1000LL)

#define END_OF_CODES                                                           \
	{                                                                          \
		NULL, GA_OUTCOME_RETRY, 0, -1                                          \
	}

/* --- SMS ------------------------------------------------------------------ */

/* https://www.twilio.com/docs/api/errors */
static const GaHttpCode twilio_codes[] = {
	/* the recipient */
	{"21211", GA_OUTCOME_REJECTED, DEAD, -1},	/* not a phone number */
	{"21214", GA_OUTCOME_REJECTED, 0, -1},		/* cannot be reached */
	{"21217", GA_OUTCOME_REJECTED, 0, -1},		/* does not look like one */
	{"21265", GA_OUTCOME_REJECTED, 0, -1},		/* a short code */
	{"21612", GA_OUTCOME_REJECTED, UNSURE, -1}, /* no route from the sender */
	{"21614", GA_OUTCOME_REJECTED, DEAD, -1},	/* cannot receive SMS */
	{"21635", GA_OUTCOME_REJECTED, DEAD, -1},	/* a landline */
	{"21610", GA_OUTCOME_REJECTED, STOP, -1},	/* has answered STOP */
	{"30004", GA_OUTCOME_REJECTED, 0, -1},		/* blocked */
	{"30005", GA_OUTCOME_REJECTED, DEAD, -1},	/* unknown, out of service */
	{"30006", GA_OUTCOME_REJECTED, DEAD, -1},	/* landline, no such carrier */
	{"30450", GA_OUTCOME_REJECTED, UNSURE, -1}, /* SMS pumping protection */
	{"30453", GA_OUTCOME_REJECTED, UNSURE, -1}, /* likewise */
	{"60410", GA_OUTCOME_REJECTED, UNSURE, -1}, /* the prefix is blocked */
	{"21604", GA_OUTCOME_REJECTED, 0, -1},		/* no To */
	{"30014", GA_OUTCOME_REJECTED, 0, -1},		/* To is not valid */
	/* its country or carrier, which the account may have to be allowed */
	{"21408", GA_OUTCOME_REJECTED, UNSURE, -1},		 /* region not enabled */
	{"21608", GA_OUTCOME_REJECTED, UNSURE, -1},		 /* trial: not verified */
	{"21219", GA_OUTCOME_REJECTED, UNSURE, -1},		 /* likewise */
	{"21606", GA_OUTCOME_MISCONFIGURED, UNSURE, -1}, /* From, for this To */
	{"30007", GA_OUTCOME_MISCONFIGURED, UNSURE, -1}, /* filtered */
	{"30018", GA_OUTCOME_REJECTED, UNSURE, -1}, /* sender to be registered */
	{"30024", GA_OUTCOME_REJECTED, UNSURE, -1}, /* numeric sender, likewise */
	{"30040", GA_OUTCOME_REJECTED, UNSURE, -1}, /* likewise */
	{"21657", GA_OUTCOME_MISCONFIGURED, UNSURE,
	 -1}, /* sender, in this country */
	/* the message */
	{"21605", GA_OUTCOME_REJECTED, 0, -1}, /* too long */
	{"21617", GA_OUTCOME_REJECTED, 0, -1}, /* longer than 1600 characters */
	{"30044", GA_OUTCOME_REJECTED, 0, -1}, /* too long for a trial account */
	{"30038", GA_OUTCOME_REJECTED, UNSURE, -1}, /* its words are filtered */
	{"20413", GA_OUTCOME_REJECTED, 0, -1},		/* too large */
	{"21602", GA_OUTCOME_REJECTED, 0, -1},		/* empty */
	{"21618", GA_OUTCOME_REJECTED, UNSURE, -1}, /* cannot be sent */
	{"21658", GA_OUTCOME_REJECTED, 0, -1},		/* a parameter is too long */
	{"30009", GA_OUTCOME_REJECTED, 0, -1},		/* a part got lost */
	{"30010", GA_OUTCOME_REJECTED, 0, -1},		/* costs more than allowed */
	{"30019", GA_OUTCOME_REJECTED, 0, -1},		/* too long for the carrier */
	{"30039", GA_OUTCOME_REJECTED, 0, -1},		/* went in circles */
	{"20422", GA_OUTCOME_REJECTED, UNSURE, -1}, /* a parameter is wrong */
	{"30400", GA_OUTCOME_REJECTED, UNSURE, -1}, /* likewise */
	{"63016", GA_OUTCOME_REJECTED, 0, -1},		/* only templates by now */
	/* the account */
	{"20003", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* authentication */
	{"20005", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* not active */
	{"20006", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* access denied */
	{"20008", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* test credentials */
	{"20404", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* no such account */
	{"21609", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* StatusCallback */
	{"30002", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* suspended */
	{"30037", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* may not send */
	{"90010", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* not active */
	{"20001", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* unknown parameters */
	{"20004", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* method */
	{"20010", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* action disabled */
	{"20011", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* TLS version */
	{"20012", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* TLS cipher */
	{"20403", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* forbidden */
	{"20410", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* gone */
	{"20423", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* SID */
	{"20426", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* upgrade required */
	{"21624", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* ValidityPeriod */
	{"30012", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* likewise, too small */
	{"30013", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* likewise, too large */
	/* the sender */
	{"21212", GA_OUTCOME_MISCONFIGURED, 0, -1},		 /* no number */
	{"21266", GA_OUTCOME_MISCONFIGURED, UNSURE, -1}, /* same as To */
	{"21603", GA_OUTCOME_MISCONFIGURED, 0, -1},		 /* missing */
	{"21607", GA_OUTCOME_MISCONFIGURED, 0, -1},		 /* no number of Twilio's */
	{"21659", GA_OUTCOME_MISCONFIGURED, 0, -1},		 /* likewise */
	{"21660", GA_OUTCOME_MISCONFIGURED, 0, -1},		 /* another account's */
	{"21661", GA_OUTCOME_MISCONFIGURED, 0, -1},		 /* cannot send SMS */
	{"21210", GA_OUTCOME_MISCONFIGURED, 0, -1},		 /* not verified */
	{"21213", GA_OUTCOME_MISCONFIGURED, 0, -1},		 /* missing */
	{"21601", GA_OUTCOME_MISCONFIGURED, 0, -1},		 /* cannot send SMS */
	{"21616", GA_OUTCOME_MISCONFIGURED, 0, -1},		 /* several numbers */
	{"21708", GA_OUTCOME_MISCONFIGURED, 0, -1},		 /* name missing */
	{"21709", GA_OUTCOME_MISCONFIGURED, UNSURE,
	 -1},										/* name, for this country */
	{"21711", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* not of the service */
	{"21712", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* of another service */
	{"21715", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* cannot send SMS */
	{"30015", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* its channel */
	{"30016", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* likewise */
	{"30033", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* A2P 10DLC, suspended */
	{"21701", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* no such service */
	{"21702", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* likewise */
	{"21703", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* it has no number */
	{"21704", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* likewise */
	{"21705", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* it is not valid */
	{"30032", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* toll-free, unverified */
	{"30034", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* A2P 10DLC registration */
	{"30035", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* A2P 10DLC, in progress */
	/* for now */
	{"20162", GA_OUTCOME_RETRY, 0, -1},		/* another change is under way */
	{"20409", GA_OUTCOME_RETRY, 0, -1},		/* likewise */
	{"21619", GA_OUTCOME_RETRY, 0, -1},		/* no record could be made */
	{"21730", GA_OUTCOME_RETRY, FAULT, -1}, /* maintenance */
	{"30020", GA_OUTCOME_RETRY, FAULT, -1}, /* internal error */
	{"30021", GA_OUTCOME_RETRY, FAULT, -1}, /* likewise */
	{"30410", GA_OUTCOME_RETRY, 0, -1},		/* the carrier did not answer */
	{"14107", GA_OUTCOME_RETRY, FAULT, -1}, /* too many at once */
	{"20429", GA_OUTCOME_RETRY, FAULT, -1}, /* likewise */
	{"20500", GA_OUTCOME_RETRY, FAULT, -1}, /* internal error */
	{"20503", GA_OUTCOME_RETRY, FAULT, -1}, /* out of service */
	{"21611", GA_OUTCOME_RETRY, FAULT, HOUR_MS}, /* ten hours of backlog */
	{"30001", GA_OUTCOME_RETRY, FAULT, HOUR_MS}, /* queue overflow */
	{"30003", GA_OUTCOME_RETRY, 0, HOUR_MS},	 /* handset unreachable */
	{"30008", GA_OUTCOME_RETRY, 0, -1},			 /* unknown */
	{"30017", GA_OUTCOME_RETRY, 0, -1},			 /* the carrier is busy */
	{"30022", GA_OUTCOME_RETRY, FAULT, -1},		 /* A2P 10DLC, per second */
	{"30023", GA_OUTCOME_RETRY, FAULT, HOUR_MS}, /* A2P 10DLC, per day */
	{"30027", GA_OUTCOME_RETRY, FAULT, HOUR_MS}, /* likewise, T-Mobile */
	{"30500", GA_OUTCOME_RETRY, FAULT, -1},		 /* internal error */
	{"63038", GA_OUTCOME_RETRY, FAULT, HOUR_MS}, /* the account's day */
	END_OF_CODES,
};

/* https://developer.vonage.com/en/api-errors/sms */
static const GaHttpCode vonage_codes[] = {
	{"7", GA_OUTCOME_REJECTED, 0, -1},		 /* number barred */
	{"33", GA_OUTCOME_REJECTED, DEAD, -1},	 /* number deactivated */
	{"6", GA_OUTCOME_REJECTED, UNSURE, -1},	 /* no such prefix */
	{"3", GA_OUTCOME_REJECTED, UNSURE, -1},	 /* a parameter is wrong */
	{"12", GA_OUTCOME_REJECTED, 0, -1},		 /* too long */
	{"2", GA_OUTCOME_MISCONFIGURED, 0, -1},	 /* a parameter is missing */
	{"4", GA_OUTCOME_MISCONFIGURED, 0, -1},	 /* credentials */
	{"8", GA_OUTCOME_MISCONFIGURED, 0, -1},	 /* account barred */
	{"9", GA_OUTCOME_MISCONFIGURED, 0, -1},	 /* no credit left */
	{"11", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* account is for SMPP */
	{"14", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* signature */
	{"15", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* sender not allowed */
	{"22", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* network code */
	{"23", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* callback URL */
	{"29", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* trial account */
	{"32", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* signature and secret */
	{"1", GA_OUTCOME_RETRY, FAULT, -1},		 /* throttled */
	{"5", GA_OUTCOME_RETRY, FAULT, -1},		 /* internal error */
	{"10", GA_OUTCOME_RETRY, FAULT, -1},	 /* too many binds */
	END_OF_CODES,
};

/* https://developer.vonage.com/en/api-errors/messages */
static const GaHttpCode vonage_messages_codes[] = {
	{"1040", GA_OUTCOME_REJECTED, 0, -1},	   /* no such prefix */
	{"1050", GA_OUTCOME_REJECTED, 0, -1},	   /* number barred */
	{"1090", GA_OUTCOME_REJECTED, 0, -1},	   /* too long */
	{"1060", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* account barred */
	{"1070", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* no credit left */
	{"1080", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* account is for SMPP */
	{"1120", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* sender not allowed */
	{"1130", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* ttl */
	{"1140", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* facility not enabled */
	{"1160", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* trial account */
	{"1000", GA_OUTCOME_RETRY, FAULT, -1},	   /* throttled */
	{"1030", GA_OUTCOME_RETRY, FAULT, -1},	   /* internal error */
	{"1100", GA_OUTCOME_RETRY, FAULT, -1},	   /* could not be submitted */
	END_OF_CODES,
};

/* https://developers.messagebird.com/api/#errors; 9, 10 and 21 say only that a
 * parameter is wrong, which one is in errors[0].parameter. */
static const GaHttpCode messagebird_codes[] = {
	{"2", GA_OUTCOME_MISCONFIGURED, 0, -1},	 /* access key */
	{"25", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* no balance left */
	{"98", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* no such API */
	{"99", GA_OUTCOME_RETRY, FAULT, -1},	 /* internal error */
	{"originator", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"reportUrl", GA_OUTCOME_MISCONFIGURED, 0, -1},
	END_OF_CODES,
};

/* https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
static const GaHttpCode sns_codes[] = {
	{"OptedOut", GA_OUTCOME_REJECTED, STOP, -1},
	{"AuthorizationError", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"InvalidSecurity", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"NotFound", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"InternalError", GA_OUTCOME_RETRY, FAULT, -1},
	{"Throttled", GA_OUTCOME_RETRY, FAULT, -1},
	{"Throttling", GA_OUTCOME_RETRY, FAULT, -1},
	{"ThrottlingException", GA_OUTCOME_RETRY, FAULT, -1},
	{"RequestLimitExceeded", GA_OUTCOME_RETRY, FAULT, -1},
	{"IncompleteSignature", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"InvalidAction", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"RequestExpired", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* our clock */
	END_OF_CODES,
};

/* --- e-mail --------------------------------------------------------------- */

/* https://www.twilio.com/docs/sendgrid/api-reference: no codes, only the field
 * at fault. */
static const GaHttpCode sendgrid_codes[] = {
	{"from", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"from.email", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"from.name", GA_OUTCOME_MISCONFIGURED, 0, -1},
	END_OF_CODES,
};

/* https://postmarkapp.com/developer/api/overview#error-codes */
static const GaHttpCode postmark_codes[] = {
	{"406", GA_OUTCOME_REJECTED, DEAD, -1},	   /* inactive: bounced before */
	{"10", GA_OUTCOME_MISCONFIGURED, 0, -1},   /* token */
	{"400", GA_OUTCOME_MISCONFIGURED, 0, -1},  /* sender unknown */
	{"401", GA_OUTCOME_MISCONFIGURED, 0, -1},  /* sender not confirmed */
	{"405", GA_OUTCOME_MISCONFIGURED, 0, -1},  /* no credit left */
	{"411", GA_OUTCOME_REJECTED, UNSURE, -1},  /* pending: own domain only */
	{"412", GA_OUTCOME_MISCONFIGURED, 0, -1},  /* account pending */
	{"413", GA_OUTCOME_MISCONFIGURED, 0, -1},  /* account may not send */
	{"1235", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* no such message stream */
	{"100", GA_OUTCOME_RETRY, FAULT, -1},	   /* maintenance */
	{"429", GA_OUTCOME_RETRY, FAULT, -1},	   /* too fast */
	END_OF_CODES,
};

/* https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html */
static const GaHttpCode ses_codes[] = {
	/* mostly an identity that is not verified */
	{"MessageRejected", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"MailFromDomainNotVerifiedException", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"AccountSuspendedException", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"SendingPausedException", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"NotFoundException", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"IncompleteSignature", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"RequestExpired", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* our clock */
	{"LimitExceededException", GA_OUTCOME_RETRY, FAULT, HOUR_MS},
	{"TooManyRequestsException", GA_OUTCOME_RETRY, FAULT, -1},
	{"ThrottlingException", GA_OUTCOME_RETRY, FAULT, -1},
	END_OF_CODES,
};

/* https://resend.com/docs/api-reference/errors */
static const GaHttpCode resend_codes[] = {
	{"invalid_from_address", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"missing_api_key", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"restricted_api_key", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"invalid_api_key", GA_OUTCOME_MISCONFIGURED, 0, -1},
	/* as Resend writes it in its own package */
	{"invalid_api_Key", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"invalid_access", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"invalid_region", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"rate_limit_exceeded", GA_OUTCOME_RETRY, FAULT, -1},
	{"daily_quota_exceeded", GA_OUTCOME_RETRY, FAULT, HOUR_MS},
	{"monthly_quota_exceeded", GA_OUTCOME_RETRY, FAULT, HOUR_MS},
	/* the same message is being taken over just now */
	{"concurrent_idempotent_requests", GA_OUTCOME_RETRY, 0, -1},
	END_OF_CODES,
};

#define ACCEPTS_JSON "{\"Accept\":\"application/json\"}"

static const GaHttpRow rows[] = {
	/* https://www.twilio.com/docs/messaging/api/message-resource */
	{
		.kind = "twilio",
		.takes = "sms request optional_sender base_url poll username "
				 "signature_secret",
		.method = "POST",
		.url = "https://api.twilio.com/2010-04-01/Accounts/{account_sid}/"
			   "Messages.json",
		.body = "form",
		.fields = "{\"To\":\"{to}\",\"From\":\"{sender}\","
				  "\"MessagingServiceSid\":\"{messaging_service_sid}\","
				  "\"Body\":\"{text}\",\"ValidityPeriod\":\"{validity}\","
				  "\"StatusCallback\":\"{callback_url}\"}",
		.headers = ACCEPTS_JSON,
		.auth = GA_AUTH_BASIC,
		.default_username = "account_sid",
		.idempotency = "",
		.validity_max = 36000,
		.success = "2xx",
		.id_path = "sid",
		.code_path = "code",
		.text_path = "message",
		.codes = twilio_codes,
		.poll = {"https://api.twilio.com/2010-04-01/Accounts/{account_sid}/"
				 "Messages/{message_id}.json",
				 "status", "error_code", "error_message"},
	},
	/* https://developer.vonage.com/en/api/sms: always 200, and a status for
	 * each part of the message */
	{
		.kind = "vonage",
		.takes = "sms request sender base_url username signature_secret",
		.method = "POST",
		.url = "https://rest.nexmo.com/sms/json",
		.body = "json",
		.fields = "{\"from\":\"{sender}\",\"to\":\"{to_digits}\","
				  "\"text\":\"{text}\",\"type\":\"{?unicode}unicode\","
				  "\"ttl\":\"{#validity_ms}\",\"client-ref\":\"{key}\","
				  "\"status-report-req\":true,"
				  "\"callback\":\"{callback_url}\"}",
		.headers = ACCEPTS_JSON,
		.auth = GA_AUTH_BASIC,
		.idempotency = "",
		.validity_min = 20,
		.validity_max = 604800,
		.success = "200 messages[*].status=0",
		.id_path = "messages[0].message-id",
		.code_path = "messages[*].status",
		.text_path = "messages[*].error-text",
		.codes = vonage_codes,
		.code_good = "0",
	},
	/* https://developer.vonage.com/en/api/messages; errors are RFC 7807 with
	 * the code as the fragment of `type` */
	{
		.kind = "vonage_messages",
		.takes = "sms request sender base_url username signature_secret",
		.method = "POST",
		.url = "https://api.nexmo.com/v1/messages",
		.body = "json",
		.fields = "{\"message_type\":\"text\",\"channel\":\"sms\","
				  "\"to\":\"{to_digits}\",\"from\":\"{sender}\","
				  "\"text\":\"{text}\",\"ttl\":\"{#validity}\","
				  "\"client_ref\":\"{key}\","
				  "\"webhook_url\":\"{callback_url}\","
				  "\"webhook_version\":\"{?callback_url}v1\"}",
		.headers = ACCEPTS_JSON,
		.auth = GA_AUTH_BASIC,
		.idempotency = "",
		.validity_min = 20,
		.validity_max = 604800,
		.success = "202",
		.id_path = "message_uuid",
		.code_path = "type",
		.text_path = "detail",
		.codes = vonage_messages_codes,
		.code_after = '#',
	},
	/* https://developers.messagebird.com/api/sms-messaging: without a
	 * reference there are no reports */
	{
		.kind = "messagebird",
		.takes = "sms request sender base_url poll signature_secret",
		.method = "POST",
		.url = "https://rest.messagebird.com/messages",
		.body = "json",
		.fields = "{\"originator\":\"{sender}\","
				  "\"recipients\":\"{to_digits}\",\"body\":\"{text}\","
				  "\"datacoding\":\"auto\",\"validity\":\"{#validity}\","
				  "\"reference\":\"{key}\",\"reportUrl\":\"{callback_url}\"}",
		.headers = "{\"Accept\":\"application/json\","
				   "\"Authorization\":\"AccessKey {password}\"}",
		.auth = GA_AUTH_TEMPLATE,
		.idempotency = "",
		.success = "2xx",
		.id_path = "id",
		.code_path = "errors[0].code",
		.text_path = "errors[0].description",
		.codes = messagebird_codes,
		.about_path = "errors[0].parameter",
		.poll = {"https://rest.messagebird.com/messages/{message_id}",
				 "recipients.items[0].status",
				 "recipients.items[0].statusErrorCode",
				 "recipients.items[0].statusReason"},
	},
	/* https://www.plivo.com/docs/messaging/api/message */
	{
		.kind = "plivo",
		.takes = "sms request sender base_url poll username signature_secret",
		.method = "POST",
		.url = "https://api.plivo.com/v1/Account/{auth_id}/Message/",
		.body = "json",
		.fields = "{\"src\":\"{sender}\",\"dst\":\"{to}\","
				  "\"text\":\"{text}\",\"url\":\"{callback_url}\","
				  "\"method\":\"{?callback_url}POST\","
				  "\"message_expiry\":\"{#validity}\"}",
		.headers = ACCEPTS_JSON,
		.auth = GA_AUTH_BASIC,
		.default_username = "auth_id",
		.idempotency = "",
		.validity_min = 5,
		.validity_max = 10800,
		.success = "2xx",
		.id_path = "message_uuid[0]",
		.code_path = "",
		.text_path = "error",
		.poll = {"https://api.plivo.com/v1/Account/{auth_id}/Message/"
				 "{message_id}/",
				 "message_state", "error_code", "error_message"},
	},
	/* https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
	{
		.kind = "sns",
		.takes = "sms request optional_sender base_url username",
		.method = "POST",
		.url = "https://sns.{region}.amazonaws.com/",
		.body = "form",
		.fields = "{\"Action\":\"Publish\",\"Version\":\"2010-03-31\","
				  "\"PhoneNumber\":\"{to}\",\"Message\":\"{text}\","
				  "\"MessageAttributes.entry.1.Name\":\"AWS.SNS.SMS.SMSType\","
				  "\"MessageAttributes.entry.1.Value.DataType\":\"String\","
				  "\"MessageAttributes.entry.1.Value.StringValue\":"
				  "\"Transactional\","
				  "\"MessageAttributes.entry.2.Name\":"
				  "\"{?sender}{sender_attribute}\","
				  "\"MessageAttributes.entry.2.Value.DataType\":"
				  "\"{?sender}String\","
				  "\"MessageAttributes.entry.2.Value.StringValue\":"
				  "\"{sender}\"}",
		.headers = "{}",
		.auth = GA_AUTH_AWS,
		.aws_service = "sns",
		.idempotency = "",
		.success = "2xx",
		.id_path = "MessageId",
		.code_path = "Code",
		.text_path = "Message",
		.codes = sns_codes,
		.answers_xml = true,
	},
	/* https://www.kannel.org/download/1.4.5/userguide-1.4.5: the answer has no
	 * id, so the report's URL must tell the message */
	{
		.kind = "kannel",
		.takes = "sms request optional_sender username",
		.method = "GET",
		.body = "query",
		.fields = "{\"username\":\"{username}\",\"password\":\"{password}\","
				  "\"from\":\"{sender}\",\"to\":\"{to}\",\"text\":\"{text}\","
				  "\"charset\":\"UTF-8\",\"coding\":\"{coding}\","
				  "\"validity\":\"{validity_minutes}\","
				  "\"dlr-mask\":\"{?callback_url}31\","
				  "\"dlr-url\":\"{?callback_url}{callback_pattern}"
				  "status=%d&id=%F&answer=%A\"}",
		.headers = "{}",
		.auth = GA_AUTH_TEMPLATE,
		.idempotency = "",
		.success = "2xx",
		.id_path = "",
		.code_path = "",
		.text_path = "",
	},

	/* https://www.twilio.com/docs/sendgrid/api-reference/mail-send */
	{
		.kind = "sendgrid",
		.takes = "email request base_url",
		.method = "POST",
		.url = "https://api.sendgrid.com/v3/mail/send",
		.body = "json",
		.fields = "{\"personalizations\":[{\"to\":[{\"email\":\"{to}\","
				  "\"name\":\"{to_name}\"}],"
				  "\"headers\":{\"List-Unsubscribe\":"
				  "\"{?unsubscribe_url}<{unsubscribe_url}>\","
				  "\"List-Unsubscribe-Post\":"
				  "\"{?unsubscribe_url}List-Unsubscribe=One-Click\"},"
				  "\"custom_args\":{\"inv\":\"{key}\"}}],"
				  "\"from\":{\"email\":\"{sender_address}\","
				  "\"name\":\"{sender_name}\"},"
				  "\"reply_to\":{\"email\":\"{reply_to_address}\","
				  "\"name\":\"{reply_to_name}\"},"
				  "\"subject\":\"{subject}\","
				  "\"content\":[{\"type\":\"{?text}text/plain\","
				  "\"value\":\"{text}\"},"
				  "{\"type\":\"{?html}text/html\",\"value\":\"{html}\"}]}",
		.headers = "{\"Accept\":\"application/json\","
				   "\"Authorization\":\"Bearer {password}\"}",
		.auth = GA_AUTH_TEMPLATE,
		.idempotency = "",
		.success = "2xx",
		.id_path = "",
		.code_path = "",
		.text_path = "errors[0].message",
		.codes = sendgrid_codes,
		.id_header = "X-Message-Id",
		.about_path = "errors[0].field",
	},
	/* https://postmarkapp.com/developer/api/email-api */
	{
		.kind = "postmark",
		.takes = "email request base_url",
		.method = "POST",
		.url = "https://api.postmarkapp.com/email",
		.body = "json",
		.fields =
			"{\"From\":\"{sender_mailbox}\",\"To\":\"{to_mailbox}\","
			"\"ReplyTo\":\"{reply_to}\",\"Subject\":\"{subject}\","
			"\"TextBody\":\"{text}\",\"HtmlBody\":\"{html}\","
			"\"Headers\":[{\"Name\":\"{?unsubscribe_url}List-Unsubscribe\","
			"\"Value\":\"{?unsubscribe_url}<{unsubscribe_url}>\"},"
			"{\"Name\":\"{?unsubscribe_url}List-Unsubscribe-Post\","
			"\"Value\":\"{?unsubscribe_url}List-Unsubscribe=One-Click\"}],"
			"\"Metadata\":{\"inv\":\"{key}\"},"
			"\"MessageStream\":\"{message_stream}\"}",
		.headers = "{\"Accept\":\"application/json\","
				   "\"X-Postmark-Server-Token\":\"{password}\"}",
		.auth = GA_AUTH_TEMPLATE,
		.idempotency = "",
		.success = "200 ErrorCode=0",
		.id_path = "MessageID",
		.code_path = "ErrorCode",
		.text_path = "Message",
		.codes = postmark_codes,
	},
	/* https://documentation.mailgun.com/docs/mailgun/api-reference/send */
	{
		.kind = "mailgun",
		.takes = "email request base_url signature_secret",
		.method = "POST",
		.url = "https://api.mailgun.net/v3/{domain}/messages",
		.body = "form",
		.fields = "{\"from\":\"{sender_mailbox}\",\"to\":\"{to_mailbox}\","
				  "\"h:Reply-To\":\"{reply_to}\",\"subject\":\"{subject}\","
				  "\"text\":\"{text}\",\"html\":\"{html}\","
				  "\"h:List-Unsubscribe\":"
				  "\"{?unsubscribe_url}<{unsubscribe_url}>\","
				  "\"h:List-Unsubscribe-Post\":"
				  "\"{?unsubscribe_url}List-Unsubscribe=One-Click\","
				  "\"v:inv\":\"{key}\"}",
		.headers = ACCEPTS_JSON,
		.auth = GA_AUTH_BASIC,
		.username = "api",
		.idempotency = "",
		.success = "200",
		.id_path = "id",
		.code_path = "",
		.text_path = "message",
	},
	/* https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html;
	 * names beyond ASCII must be encoded, and a tag may hold no dot */
	{
		.kind = "ses",
		.takes = "email request base_url username",
		.method = "POST",
		.url = "https://email.{region}.amazonaws.com/v2/email/outbound-emails",
		.body = "json",
		.fields =
			"{\"FromEmailAddress\":\"{sender_encoded}\","
			"\"Destination\":{\"ToAddresses\":[\"{to_encoded}\"]},"
			"\"ReplyToAddresses\":[\"{reply_to_encoded}\"],"
			"\"Content\":{\"Simple\":{"
			"\"Subject\":{\"Data\":\"{subject}\","
			"\"Charset\":\"{?subject}UTF-8\"},"
			"\"Body\":{"
			"\"Text\":{\"Data\":\"{text}\",\"Charset\":\"{?text}UTF-8\"},"
			"\"Html\":{\"Data\":\"{html}\",\"Charset\":\"{?html}UTF-8\"}},"
			"\"Headers\":[{\"Name\":\"{?unsubscribe_url}List-Unsubscribe\","
			"\"Value\":\"{?unsubscribe_url}<{unsubscribe_url}>\"},"
			"{\"Name\":\"{?unsubscribe_url}List-Unsubscribe-Post\","
			"\"Value\":\"{?unsubscribe_url}List-Unsubscribe=One-Click\"}]}},"
			"\"EmailTags\":[{\"Name\":\"inv\",\"Value\":\"{key_token}\"}],"
			"\"ConfigurationSetName\":\"{configuration_set}\"}",
		.headers = "{}",
		.auth = GA_AUTH_AWS,
		.aws_service = "ses",
		.idempotency = "",
		.success = "2xx",
		.id_path = "MessageId",
		.code_path = "",
		.text_path = "message",
		.codes = ses_codes,
		.code_header = "X-Amzn-ErrorType",
		.code_before = ':',
	},
	/* https://resend.com/docs/api-reference/emails/send-email */
	{
		.kind = "resend",
		.takes = "email request base_url signature_secret",
		.method = "POST",
		.url = "https://api.resend.com/emails",
		.body = "json",
		.fields = "{\"from\":\"{sender_mailbox}\",\"to\":[\"{to_mailbox}\"],"
				  "\"reply_to\":\"{reply_to}\",\"subject\":\"{subject}\","
				  "\"text\":\"{text}\",\"html\":\"{html}\","
				  "\"headers\":{\"List-Unsubscribe\":"
				  "\"{?unsubscribe_url}<{unsubscribe_url}>\","
				  "\"List-Unsubscribe-Post\":"
				  "\"{?unsubscribe_url}List-Unsubscribe=One-Click\"},"
				  "\"tags\":[{\"name\":\"inv\",\"value\":\"{key_token}\"}]}",
		.headers = "{\"Accept\":\"application/json\","
				   "\"Authorization\":\"Bearer {password}\"}",
		.auth = GA_AUTH_TEMPLATE,
		.idempotency = "Idempotency-Key",
		.success = "2xx",
		.id_path = "id",
		.code_path = "name",
		.text_path = "message",
		.codes = resend_codes,
	},

	/* whatever the operator describes */
	{
		.kind = "http",
		.takes = "request any_channel base_url username",
		.auth = GA_AUTH_OPTION,
		.idempotency = "Idempotency-Key",
	},

	/* --- not by HTTP ---------------------------------------------------------- */

	{
		.kind = "smtp",
		.takes = "email username",
	},
	{
		.kind = "capture",
		.takes = "any_channel",
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

const GaHttpRow *
ga_provider_table_at(size_t at)
{
	return at < sizeof(rows) / sizeof(rows[0]) ? &rows[at] : NULL;
}

const GaHttpCode *
ga_provider_table_code(const GaHttpRow *row, const char *code)
{
	for (const GaHttpCode *known = row->codes; known && known->code; known++)
		if (strcmp(known->code, code) == 0)
			return known;
	return NULL;
}
