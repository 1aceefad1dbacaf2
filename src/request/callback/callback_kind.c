/*
 * callback_kind.c
 *		Each kind of provider that calls back, as a row of a table.
 *
 * To add one: a row here, its words in base/shared/receipt_table.c and, when it
 * signs in a way of its own, a function that signature.h declares.  A kind whose
 * name is missing here sends no receipts.
 */
#include "postgres.h"

#include "request/callback/callback_kind.h"
#include "request/callback/carrier_answer.h"
#include "request/callback/signature.h"
#include "request/soft_json.h"

/* An Amazon topic wraps the event as a text into its own message. */
static Jsonb *
unwrap_topic(Jsonb *json)
{
	JsonbValue message;
	const char *text = JB_ROOT_IS_OBJECT(json) &&
							   getKeyJsonValueFromContainer(
								   &json->root, "Message", 7, &message) != NULL
						   ? ga_soft_json_text(&message)
						   : NULL;
	Jsonb *inner = text ? ga_soft_json(text, strlen(text)) : NULL;

	return inner != NULL && JB_ROOT_IS_OBJECT(inner) ? inner : json;
}

static const GaCallbackKind kinds[] = {
	{
		.kind = "twilio",
		.check = ga_signature_check_twilio,
		.is_signed_with_password = true,
		.message_id = "MessageSid|SmsSid",
		.word = "MessageStatus|SmsStatus",
		.code = "ErrorCode",
		.text = "ErrorMessage",
		.time = "RawDlrDate",
		.sender = "From",
		.said = "OptOutType|Body",
	},
	{
		.kind = "vonage",
		.check = ga_signature_check_vonage,
		.reference = "client-ref",
		.message_id = "messageId|message-id",
		.word = "status",
		.code = "err-code",
		.time = "message-timestamp",
		.tells_each_part = true,
		.sender = "msisdn",
		.said = "text",
	},
	{
		.kind = "vonage_messages",
		.check = ga_signature_check_vonage_messages,
		.reference = "client_ref",
		.message_id = "message_uuid",
		.word = "status",
		.code = "error/title|error/code",
		.text = "error/detail|error/reason",
		.time = "timestamp",
		.sender = "from",
		.said = "text",
	},
	{
		.kind = "messagebird",
		.check = ga_signature_check_messagebird,
		.reference = "reference",
		.message_id = "id",
		.word = "status",
		.code = "statusErrorCode",
		.text = "statusReason",
		.time = "statusDatetime",
		.sender = "originator",
		.said = "body|payload",
	},
	{
		.kind = "plivo",
		.check = ga_signature_check_plivo,
		.is_signed_with_password = true,
		.message_id = "MessageUUID",
		.word = "Status",
		.code = "ErrorCode",
		.time = "DeliveryReportTime|SentTime",
		.sender = "From",
		.said = "Text",
	},
	{
		.kind = "kannel",
		.message_id = "id",
		.word = "status|type",
		.text = "answer",
		.time = "time",
		.read_text = ga_carrier_answer_read,
		.sender = "from",
		.said = "said",
	},
	{
		.kind = "sendgrid",
		.check = ga_signature_check_sendgrid,
		.is_mail = true,
		.reference = "inv",
		.message_id = "sg_message_id",
		.word = "event",
		.detail = "type",
		.code = "status",
		.text = "reason|response",
		.time = "timestamp",
		.nonce = "sg_event_id",
	},
	{
		.kind = "postmark",
		.is_mail = true,
		.reference = "Metadata/inv",
		.message_id = "MessageID",
		.word = "RecordType",
		.detail = "Type|SuppressionReason",
		.text = "Details|Description",
		.time = "DeliveredAt|BouncedAt|ReceivedAt",
	},
	{
		.kind = "mailgun",
		.check = ga_signature_check_mailgun,
		.is_signed_without_event = true,
		.is_mail = true,
		.reference = "event-data/user-variables/inv",
		.message_id = "event-data/message/headers/message-id",
		.word = "event-data/event",
		.detail = "event-data/severity",
		.code = "event-data/delivery-status/enhanced-code|"
				"event-data/delivery-status/code",
		.text = "event-data/delivery-status/message|"
				"event-data/delivery-status/description|event-data/reason",
		.time = "event-data/timestamp",
		.nonce = "signature/token",
	},
	{
		.kind = "ses",
		.unwrap = unwrap_topic,
		.is_mail = true,
		.reference = "mail/tags/inv/0",
		.message_id = "mail/messageId",
		.word = "eventType|notificationType|Type",
		.detail = "bounce/bounceType|complaint/complaintSubType|"
				  "complaint/complaintFeedbackType",
		.subtype = "bounce/bounceSubType",
		.code = "bounce/bouncedRecipients/0/status",
		.text = "bounce/bouncedRecipients/0/diagnosticCode|reject/reason",
		.time = "bounce/timestamp|delivery/timestamp|complaint/timestamp|"
				"mail/timestamp",
	},
	{
		.kind = "resend",
		.check = ga_signature_check_svix,
		.is_mail = true,
		.reference = "data/tags/inv",
		.message_id = "data/email_id",
		.word = "type",
		.detail = "data/bounce/type",
		.subtype = "data/bounce/subType",
		.text = "data/bounce/diagnosticCode/0|data/bounce/diagnosticCode|"
				"data/bounce/message|data/failed/reason",
		.time = "created_at",
	},
	{
		.kind = "http",
		.reference = "key",
		.message_id = "id",
		.word = "status",
		.code = "code",
		.text = "text",
		.time = "time",
		.sender = "from",
		.said = "said",
	},
};

const GaCallbackKind *
ga_callback_kind_find(const char *kind)
{
	for (int i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return &kinds[i];
	return NULL;
}
