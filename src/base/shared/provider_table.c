/*
 * provider_table.c
 *		The kinds of providers, and what an HTTP provider is told, as data.
 *
 * To add a provider: a row here and one in the list of sql/group_api.sql; what else
 * it may need stands in CONTRIBUTING.md.  What the codes of its answers mean is in
 * provider_codes.c.  Must never hold a secret of anybody's account: a row names the
 * place where one is filled in.
 */
#include "base/shared/provider_table.h"

#include <stddef.h>
#include <string.h>

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
		.codes = ga_provider_codes_twilio,
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
				  "\"text\":\"{text}\",\"type\":\"{?unicode}unicode{/}\","
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
		.codes = ga_provider_codes_vonage,
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
				  "\"webhook_version\":\"{?callback_url}v1{/}\"}",
		.headers = ACCEPTS_JSON,
		.auth = GA_AUTH_BASIC,
		.idempotency = "",
		.validity_min = 20,
		.validity_max = 604800,
		.success = "202",
		.id_path = "message_uuid",
		.code_path = "type",
		.text_path = "detail",
		.codes = ga_provider_codes_vonage_messages,
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
		.codes = ga_provider_codes_messagebird,
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
				  "\"method\":\"{?callback_url}POST{/}\","
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
				  "\"{?sender}{sender_attribute}{/}\","
				  "\"MessageAttributes.entry.2.Value.DataType\":"
				  "\"{?sender}String{/}\","
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
		.codes = ga_provider_codes_sns,
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
				  "\"dlr-mask\":\"{?callback_url}31{/}\","
				  "\"dlr-url\":\"{?callback_url}{callback_pattern}"
				  "status=%d&id=%F&answer=%A{/}\"}",
		.headers = "{}",
		.auth = GA_AUTH_TEMPLATE,
		.idempotency = "",
		.success = "2xx",
		.id_path = "",
		.code_path = "",
		.text_path = "",
	},

	/* https://www.twilio.com/docs/sendgrid/api-reference/mail-send; a recipient's
	 * name "cannot include commas or semicolons" unless it is quoted: the address is
	 * read out of the name then, and the mail is lost after a 202
	 * (https://github.com/sendgrid/docs/issues/2452) */
	{
		.kind = "sendgrid",
		.takes = "email request base_url",
		.method = "POST",
		.url = "https://api.sendgrid.com/v3/mail/send",
		.body = "json",
		.fields = "{\"personalizations\":[{\"to\":[{\"email\":\"{to}\","
				  "\"name\":\"{to_phrase}\"}],"
				  "\"headers\":{\"List-Unsubscribe\":"
				  "\"{?unsubscribe_url}<{unsubscribe_url}>{/}\","
				  "\"List-Unsubscribe-Post\":"
				  "\"{?unsubscribe_url}List-Unsubscribe=One-Click{/}\"},"
				  "\"custom_args\":{\"inv\":\"{key}\"}}],"
				  "\"from\":{\"email\":\"{sender_address}\","
				  "\"name\":\"{sender_name}\"},"
				  "\"reply_to\":{\"email\":\"{reply_to_address}\","
				  "\"name\":\"{reply_to_name}\"},"
				  "\"subject\":\"{subject}\","
				  "\"content\":[{\"type\":\"{?text}text/plain{/}\","
				  "\"value\":\"{text}\"},"
				  "{\"type\":\"{?html}text/html{/}\",\"value\":\"{html}\"}]}",
		.headers = "{\"Accept\":\"application/json\","
				   "\"Authorization\":\"Bearer {password}\"}",
		.auth = GA_AUTH_TEMPLATE,
		.idempotency = "",
		.success = "2xx",
		.id_path = "",
		.code_path = "",
		.text_path = "errors[0].message",
		.codes = ga_provider_codes_sendgrid,
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
			"\"Headers\":[{\"Name\":\"{?unsubscribe_url}List-Unsubscribe{/}\","
			"\"Value\":\"{?unsubscribe_url}<{unsubscribe_url}>{/}\"},"
			"{\"Name\":\"{?unsubscribe_url}List-Unsubscribe-Post{/}\","
			"\"Value\":\"{?unsubscribe_url}List-Unsubscribe=One-Click{/}\"}],"
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
		.codes = ga_provider_codes_postmark,
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
				  "\"{?unsubscribe_url}<{unsubscribe_url}>{/}\","
				  "\"h:List-Unsubscribe-Post\":"
				  "\"{?unsubscribe_url}List-Unsubscribe=One-Click{/}\","
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
			"\"Charset\":\"{?subject}UTF-8{/}\"},"
			"\"Body\":{"
			"\"Text\":{\"Data\":\"{text}\",\"Charset\":\"{?text}UTF-8{/}\"},"
			"\"Html\":{\"Data\":\"{html}\",\"Charset\":\"{?html}UTF-8{/}\"}},"
			"\"Headers\":[{\"Name\":\"{?unsubscribe_url}List-Unsubscribe{/}\","
			"\"Value\":\"{?unsubscribe_url}<{unsubscribe_url}>{/}\"},"
			"{\"Name\":\"{?unsubscribe_url}List-Unsubscribe-Post{/}\","
			"\"Value\":\"{?unsubscribe_url}List-Unsubscribe=One-Click{/}\"}]}},"
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
		.codes = ga_provider_codes_ses,
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
				  "\"{?unsubscribe_url}<{unsubscribe_url}>{/}\","
				  "\"List-Unsubscribe-Post\":"
				  "\"{?unsubscribe_url}List-Unsubscribe=One-Click{/}\"},"
				  "\"tags\":[{\"name\":\"inv\",\"value\":\"{key_token}\"}]}",
		.headers = "{\"Accept\":\"application/json\","
				   "\"Authorization\":\"Bearer {password}\"}",
		.auth = GA_AUTH_TEMPLATE,
		.idempotency = "Idempotency-Key",
		.success = "2xx",
		.id_path = "id",
		.code_path = "name",
		.text_path = "message",
		.codes = ga_provider_codes_resend,
	},

	/* whatever the operator describes */
	{
		.kind = "http",
		.takes = "request any_channel base_url username",
		.auth = GA_AUTH_OPTION,
		.idempotency = "Idempotency-Key",
	},

	/* Hears of events instead of carrying messages: https://www.standardwebhooks.com
	 * (the specification of version 1.0 names the headers) */
	{
		.kind = "webhook",
		.takes = "",
		.method = "POST",
		.body = "raw",
		.fields = "{}",
		.headers = "{\"Content-Type\":\"application/json\","
				   "\"webhook-id\":\"{key}\","
				   "\"webhook-timestamp\":\"{timestamp}\","
				   "\"webhook-signature\":\"{signature}\"}",
		.auth = GA_AUTH_SIGNATURE,
		.idempotency = "",
		.success = "2xx",
		.id_path = "",
		.code_path = "",
		.text_path = "",
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
