/*
 * receipt_table.c
 *		The providers' words and codes in receipts.
 *
 * Words that are not listed change nothing; codes that are not listed leave the
 * provider's own text as the reason.  A word may be two of the provider's joined
 * by a slash, the second one refining the first: "Bounce/Permanent".  Where a
 * provider tells by the word alone what its code would, the word stands among
 * the codes.
 */
#include "base/shared/receipt_table.h"

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
	{"twilio", "partially_delivered", GA_RECEIPT_DELIVERED},
	{"twilio", "undelivered", GA_RECEIPT_FAILED},
	{"twilio", "failed", GA_RECEIPT_FAILED},
	{"twilio", "canceled", GA_RECEIPT_FAILED},

	/* https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts */
	{"vonage", "buffered", GA_RECEIPT_NOTHING},
	{"vonage", "unknown", GA_RECEIPT_NOTHING},
	{"vonage", "accepted", GA_RECEIPT_SENT},
	{"vonage", "delivered", GA_RECEIPT_DELIVERED},
	{"vonage", "expired", GA_RECEIPT_FAILED},
	{"vonage", "failed", GA_RECEIPT_FAILED},
	{"vonage", "rejected", GA_RECEIPT_FAILED},

	/* https://developer.vonage.com/en/api/messages */
	{"vonage_messages", "submitted", GA_RECEIPT_SENT},
	{"vonage_messages", "delivered", GA_RECEIPT_DELIVERED},
	{"vonage_messages", "read", GA_RECEIPT_DELIVERED},
	{"vonage_messages", "rejected", GA_RECEIPT_FAILED},
	{"vonage_messages", "undeliverable", GA_RECEIPT_FAILED},

	/* https://developers.messagebird.com/api/sms-messaging */
	{"messagebird", "scheduled", GA_RECEIPT_NOTHING},
	{"messagebird", "buffered", GA_RECEIPT_NOTHING},
	{"messagebird", "sent", GA_RECEIPT_SENT},
	{"messagebird", "delivered", GA_RECEIPT_DELIVERED},
	{"messagebird", "expired", GA_RECEIPT_FAILED},
	{"messagebird", "delivery_failed", GA_RECEIPT_FAILED},

	/* https://plivo.com/docs/messaging/api/message/message-status-callbacks */
	{"plivo", "queued", GA_RECEIPT_NOTHING},
	{"plivo", "sent", GA_RECEIPT_SENT},
	{"plivo", "delivered", GA_RECEIPT_DELIVERED},
	{"plivo", "read", GA_RECEIPT_DELIVERED},
	{"plivo", "failed", GA_RECEIPT_FAILED},
	{"plivo", "undelivered", GA_RECEIPT_FAILED},
	{"plivo", "rejected", GA_RECEIPT_FAILED},

	/* Kannel's user guide, "Delivery reports": the value of %d */
	{"kannel", "1", GA_RECEIPT_DELIVERED},
	{"kannel", "2", GA_RECEIPT_FAILED},
	{"kannel", "4", GA_RECEIPT_NOTHING},
	{"kannel", "8", GA_RECEIPT_SENT},
	{"kannel", "16", GA_RECEIPT_FAILED},

	/* https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
	 * Opening and clicking prove that the mail is there. */
	{"sendgrid", "processed", GA_RECEIPT_SENT},
	{"sendgrid", "deferred", GA_RECEIPT_NOTHING},
	{"sendgrid", "delivered", GA_RECEIPT_DELIVERED},
	{"sendgrid", "open", GA_RECEIPT_DELIVERED},
	{"sendgrid", "click", GA_RECEIPT_DELIVERED},
	{"sendgrid", "spamreport", GA_RECEIPT_DELIVERED},
	{"sendgrid", "unsubscribe", GA_RECEIPT_DELIVERED},
	{"sendgrid", "group_unsubscribe", GA_RECEIPT_DELIVERED},
	{"sendgrid", "bounce", GA_RECEIPT_FAILED},
	{"sendgrid", "dropped", GA_RECEIPT_FAILED},

	/* https://postmarkapp.com/developer/webhooks/webhooks-overview
	 * Postmark goes on trying after Transient. */
	{"postmark", "Delivery", GA_RECEIPT_DELIVERED},
	{"postmark", "Open", GA_RECEIPT_DELIVERED},
	{"postmark", "Click", GA_RECEIPT_DELIVERED},
	{"postmark", "SpamComplaint", GA_RECEIPT_DELIVERED},
	{"postmark", "SubscriptionChange", GA_RECEIPT_NOTHING},
	{"postmark", "SubscriptionChange/ManualSuppression", GA_RECEIPT_NOTHING},
	{"postmark", "SubscriptionChange/HardBounce", GA_RECEIPT_NOTHING},
	{"postmark", "SubscriptionChange/SpamComplaint", GA_RECEIPT_NOTHING},
	{"postmark", "Bounce", GA_RECEIPT_FAILED},
	{"postmark", "Bounce/Transient", GA_RECEIPT_NOTHING},
	{"postmark", "Bounce/DnsError", GA_RECEIPT_NOTHING},
	{"postmark", "Bounce/AutoResponder", GA_RECEIPT_NOTHING},
	{"postmark", "Bounce/AddressChange", GA_RECEIPT_NOTHING},
	{"postmark", "Bounce/OpenRelayTest", GA_RECEIPT_NOTHING},
	{"postmark", "Bounce/Subscribe", GA_RECEIPT_NOTHING},
	{"postmark", "Bounce/Unsubscribe", GA_RECEIPT_NOTHING},
	{"postmark", "Bounce/ChallengeVerification", GA_RECEIPT_NOTHING},
	/* about a mail that came in */
	{"postmark", "Bounce/InboundError", GA_RECEIPT_NOTHING},

	/* https://documentation.mailgun.com/docs/mailgun/user-manual/events */
	{"mailgun", "accepted", GA_RECEIPT_SENT},
	{"mailgun", "delivered", GA_RECEIPT_DELIVERED},
	{"mailgun", "opened", GA_RECEIPT_DELIVERED},
	{"mailgun", "clicked", GA_RECEIPT_DELIVERED},
	{"mailgun", "complained", GA_RECEIPT_DELIVERED},
	{"mailgun", "unsubscribed", GA_RECEIPT_DELIVERED},
	{"mailgun", "rejected", GA_RECEIPT_FAILED},
	{"mailgun", "failed/permanent", GA_RECEIPT_FAILED},
	{"mailgun", "failed/temporary", GA_RECEIPT_NOTHING},

	/* https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html */
	{"ses", "Send", GA_RECEIPT_SENT},
	{"ses", "DeliveryDelay", GA_RECEIPT_NOTHING},
	{"ses", "Delivery", GA_RECEIPT_DELIVERED},
	{"ses", "Open", GA_RECEIPT_DELIVERED},
	{"ses", "Click", GA_RECEIPT_DELIVERED},
	{"ses", "Complaint", GA_RECEIPT_DELIVERED},
	/* of an earlier mail; this one was not sent */
	{"ses", "Complaint/OnAccountSuppressionList", GA_RECEIPT_FAILED},
	/* RFC 5965, 6430, 6591: no complaint, whatever Amazon calls it */
	{"ses", "Complaint/not-spam", GA_RECEIPT_DELIVERED},
	{"ses", "Complaint/auth-failure", GA_RECEIPT_NOTHING},
	{"ses", "Complaint/dmarc", GA_RECEIPT_NOTHING},
	{"ses", "Bounce", GA_RECEIPT_FAILED},
	/* Amazon's word for automatic replies of persons, too */
	{"ses", "Bounce/Transient", GA_RECEIPT_FAILED},
	{"ses", "Bounce/Transient/General", GA_RECEIPT_NOTHING},
	{"ses", "Reject", GA_RECEIPT_FAILED},
	{"ses", "Rendering Failure", GA_RECEIPT_FAILED},

	/* https://resend.com/docs/webhooks/event-types */
	{"resend", "email.scheduled", GA_RECEIPT_NOTHING},
	{"resend", "email.sent", GA_RECEIPT_SENT},
	{"resend", "email.delivery_delayed", GA_RECEIPT_NOTHING},
	{"resend", "email.delivered", GA_RECEIPT_DELIVERED},
	{"resend", "email.opened", GA_RECEIPT_DELIVERED},
	{"resend", "email.clicked", GA_RECEIPT_DELIVERED},
	{"resend", "email.complained", GA_RECEIPT_DELIVERED},
	{"resend", "email.bounced", GA_RECEIPT_FAILED},
	{"resend", "email.bounced/Transient", GA_RECEIPT_FAILED},
	{"resend", "email.bounced/Transient/General", GA_RECEIPT_NOTHING},
	{"resend", "email.suppressed", GA_RECEIPT_FAILED},
	{"resend", "email.failed", GA_RECEIPT_FAILED},

	/* our own words, for any gateway that can be told what to send */
	{"http", "queued", GA_RECEIPT_NOTHING},
	{"http", "sent", GA_RECEIPT_SENT},
	{"http", "accepted", GA_RECEIPT_SENT},
	{"http", "delivered", GA_RECEIPT_DELIVERED},
	{"http", "failed", GA_RECEIPT_FAILED},
	{"http", "undelivered", GA_RECEIPT_FAILED},
	{"http", "rejected", GA_RECEIPT_FAILED},
	{"http", "expired", GA_RECEIPT_FAILED},
	{"http", "bounced", GA_RECEIPT_FAILED},
};

static const GaReceiptCode codes[] = {
	/* https://www.twilio.com/docs/api/errors */
	{"twilio", "21610", "the person answered STOP", "opted_out"},
	{"twilio", "21408", "messages to this country are not enabled", NULL},
	{"twilio", "21612", "there is no route to the number", NULL},
	{"twilio", "30001", "the provider has too many messages waiting", NULL},
	{"twilio", "30002", "the account was suspended", NULL},
	{"twilio", "30003", "the handset could not be reached", NULL},
	{"twilio", "30004", "the number does not take messages", NULL},
	{"twilio", "30005", "the number is unknown or no longer in service",
	 "bounced"},
	{"twilio", "30006",
	 "a landline, or a carrier that this sender cannot reach", NULL},
	{"twilio", "30007", "the carrier filtered the message as unwanted", NULL},
	{"twilio", "30008", "the carrier gave no reason", NULL},
	{"twilio", "30009", "a part of the message got lost", NULL},
	{"twilio", "30010", "the message costs more than the account allows", NULL},
	{"twilio", "30017", "the carrier was overloaded", NULL},
	{"twilio", "30018", "the carrier wants the sender to be registered", NULL},
	{"twilio", "30019", "the message is too long for the carrier", NULL},
	{"twilio", "30022", "the carrier takes no more messages a second", NULL},
	{"twilio", "30023", "the carrier takes no more messages today", NULL},
	{"twilio", "30024", "the carrier wants the sender to be registered", NULL},
	{"twilio", "30027", "the carrier takes no more messages today", NULL},
	{"twilio", "30011", "the number does not take pictures", NULL},
	{"twilio", "30014", "the number is not valid", NULL},
	{"twilio", "30020", "the provider failed", NULL},
	{"twilio", "30021", "the provider failed", NULL},
	{"twilio", "30033", "the sender's registration was suspended", NULL},
	{"twilio", "30032", "the sender's toll-free number is not verified", NULL},
	{"twilio", "30034", "the sender is not registered with the carriers", NULL},
	{"twilio", "30035", "the sender's registration is not complete", NULL},
	{"twilio", "30036", "the handset could not be reached in time", NULL},
	{"twilio", "30037", "the account may not send messages", NULL},
	{"twilio", "30038", "the carrier filtered the words of the message", NULL},
	{"twilio", "30039", "the message went in circles", NULL},
	{"twilio", "30040", "the carrier wants the sender to be registered", NULL},
	{"twilio", "30044", "the message is too long for a trial account", NULL},
	{"twilio", "30410", "the carrier did not answer in time", NULL},
	{"twilio", "30450", "the provider took it for a fraud", NULL},
	{"twilio", "30453", "the provider took it for a fraud", NULL},
	{"twilio", "30454", "the account sent too many equal messages", NULL},
	{"twilio", "30500", "the provider failed", NULL},
	{"twilio", "63016", "the channel takes only templates by now", NULL},
	{"twilio", "63038", "the account sent as much as it may in a day", NULL},

	{"vonage", "1", "the carrier gave no reason", NULL},
	{"vonage", "2", "the handset could not be reached", NULL},
	{"vonage", "3", "the number is unknown or no longer in service", "bounced"},
	{"vonage", "4", "the number does not take messages", NULL},
	{"vonage", "5", "the number was moved to another carrier", NULL},
	{"vonage", "6", "the carrier filtered the message as unwanted", NULL},
	{"vonage", "7", "the handset was busy", NULL},
	{"vonage", "8", "the carrier's network failed", NULL},
	/* https://developer.vonage.com/en/opt-out-assist */
	{"vonage", "9", "the person answered STOP", "opted_out"},
	{"vonage", "10", "the carrier refused the message", NULL},
	{"vonage", "11", "there is no route to the number", NULL},
	{"vonage", "12", "the carrier could not be reached", NULL},
	{"vonage", "14", "the carrier blocks the number", NULL},

	{"vonage_messages", "1170", "the number is not valid", "bounced"},
	{"vonage_messages", "1210", "the carrier filtered the message as unwanted",
	 NULL},
	{"vonage_messages", "1220", "the number could not be reached", NULL},
	{"vonage_messages", "1240", "the person answered STOP", "opted_out"},
	{"vonage_messages", "1250", "there is no route to the number", NULL},
	{"vonage_messages", "1260", "the carrier could not be reached", NULL},
	{"vonage_messages", "1280", "the carrier blocks the number", NULL},

	/* https://docs.bird.com, "SMS platform extended error codes" */
	{"messagebird", "1", "the number is unknown or no longer in service",
	 "bounced"},
	{"messagebird", "5", "the number is unknown or no longer in service",
	 "bounced"},
	{"messagebird", "6", "the handset could not be reached", NULL},
	{"messagebird", "13", "the number does not take messages", NULL},
	{"messagebird", "27", "the handset could not be reached", NULL},
	{"messagebird", "31", "the handset was busy", NULL},
	{"messagebird", "103", "the person answered STOP", "opted_out"},

	/* https://plivo.com/docs/messaging/troubleshooting/error-codes */
	{"plivo", "20", "the carrier's network failed", NULL},
	{"plivo", "30", "the carrier filtered the message as unwanted", NULL},
	{"plivo", "50", "the number is not valid", "bounced"},
	{"plivo", "70", "the number is unknown or no longer in service", "bounced"},
	{"plivo", "80", "the handset could not be reached", NULL},
	{"plivo", "90", "there is no route to the number", NULL},
	{"plivo", "100", "the carrier refused the message", NULL},
	{"plivo", "200", "the person answered STOP", "opted_out"},

	/* SMPP 3.4, appendix B and 5.1.3.  Carriers and gateways that are set up
	 * wrongly say these of good numbers too, so nothing is suppressed. */
	{"kannel", "UNDELIV", "the carrier could not deliver the message", NULL},
	{"kannel", "REJECTD", "the carrier refused the message", NULL},
	{"kannel", "EXPIRED", "the handset could not be reached in time", NULL},
	{"kannel", "DELETED", "the carrier deleted the message", NULL},
	{"kannel", "UNKNOWN", "the carrier lost track of the message", NULL},
	{"kannel", "0x0000000b", "the number is not valid", NULL},

	{"sendgrid", "bounce/bounce", "the mailbox refuses mail", "bounced"},
	{"sendgrid", "bounce/blocked", "the mail server refused the message", NULL},
	{"sendgrid", "dropped", "SendGrid did not send it", NULL},
	{"sendgrid", "spamreport", "the person reported it as spam", "complained"},
	{"sendgrid", "unsubscribe", "the person unsubscribed", "unsubscribed"},
	{"sendgrid", "group_unsubscribe", "the person unsubscribed",
	 "unsubscribed"},

	{"postmark", "Bounce/HardBounce", "the mailbox refuses mail", "bounced"},
	{"postmark", "Bounce/BadEmailAddress", "the address is not valid",
	 "bounced"},
	{"postmark", "Bounce/SoftBounce", "the mailbox took no mail for days",
	 NULL},
	{"postmark", "Bounce/Blocked", "the mail server refused the message", NULL},
	{"postmark", "Bounce/SpamNotification", "the mail server took it for spam",
	 NULL},
	{"postmark", "Bounce/SpamComplaint", "the person reported it as spam",
	 "complained"},
	{"postmark", "Bounce/Unknown", "the mail server gave no reason", NULL},
	{"postmark", "Bounce/VirusNotification",
	 "the mail server took it for a virus", NULL},
	{"postmark", "Bounce/ManuallyDeactivated",
	 "the address was deactivated at Postmark", NULL},
	{"postmark", "Bounce/Unconfirmed", "the address was never confirmed", NULL},
	{"postmark", "Bounce/SMTPApiError", "Postmark did not send it", NULL},
	{"postmark", "Bounce/TemplateRenderingFailed", "Postmark did not send it",
	 NULL},
	{"postmark", "Bounce/DMARCPolicy", "the mail could not be authenticated",
	 NULL},
	{"postmark", "SpamComplaint", "the person reported it as spam",
	 "complained"},
	{"postmark", "SubscriptionChange/ManualSuppression",
	 "the person unsubscribed", "unsubscribed"},
	{"postmark", "SubscriptionChange/HardBounce", "the mailbox refuses mail",
	 "bounced"},
	{"postmark", "SubscriptionChange/SpamComplaint",
	 "the person reported it as spam", "complained"},

	/* Permanent is also what says nothing of the mailbox: lists, filters, time.
	 * The code and the mail server's words decide (request/callback/receipt_meaning). */
	{"mailgun", "failed/permanent", "the mail server refused the message",
	 NULL},
	{"mailgun", "602", "the mailbox took no mail for hours", NULL},
	{"mailgun", "605", "the mailbox refused mail before", "bounced"},
	{"mailgun", "606", "the person unsubscribed", "unsubscribed"},
	{"mailgun", "607", "the person reported it as spam", "complained"},
	{"mailgun", "5.2.2", "the mailbox is full", NULL},
	{"mailgun", "5.7.1", "the mail server refused the message", NULL},
	{"mailgun", "5.7.26", "the mail could not be authenticated", NULL},
	{"mailgun", "rejected", "Mailgun did not send it", NULL},
	{"mailgun", "complained", "the person reported it as spam", "complained"},
	{"mailgun", "unsubscribed", "the person unsubscribed", "unsubscribed"},

	{"ses", "Bounce/Permanent", "the mailbox refuses mail", "bounced"},
	{"ses", "Bounce/Transient", "the mailbox took no mail for hours", NULL},
	{"ses", "Bounce/Transient/MailboxFull", "the mailbox is full", NULL},
	{"ses", "Bounce/Transient/MessageTooLarge", "the message is too long",
	 NULL},
	{"ses", "Bounce/Transient/ContentRejected",
	 "the mail server refused the message", NULL},
	{"ses", "Bounce/Transient/AttachmentRejected",
	 "the mail server refused the message", NULL},
	{"ses", "Reject", "SES took it for a virus", NULL},
	{"ses", "Complaint", "the person reported it as spam", "complained"},
	{"ses", "Complaint/OnAccountSuppressionList",
	 "the person reported an earlier mail as spam", "complained"},
	{"ses", "Complaint/not-spam", "the person took it out of the spam", NULL},
	{"ses", "Complaint/auth-failure", "the mail could not be authenticated",
	 NULL},
	{"ses", "Complaint/dmarc", "the mail could not be authenticated", NULL},

	{"resend", "email.bounced/Permanent", "the mailbox refuses mail",
	 "bounced"},
	{"resend", "email.bounced/Transient/MailboxFull", "the mailbox is full",
	 NULL},
	{"resend", "email.bounced", "the mail server refused the message", NULL},
	{"resend", "email.suppressed", "Resend did not send it", NULL},
	{"resend", "email.failed", "Resend did not send it", NULL},
	{"resend", "email.complained", "the person reported it as spam",
	 "complained"},
};

const char *
ga_receipt_status_word(GaReceiptStatus status)
{
	switch (status)
	{
		case GA_RECEIPT_SENT:
			return "sent";
		case GA_RECEIPT_DELIVERED:
			return "delivered";
		case GA_RECEIPT_FAILED:
			return "failed";
		case GA_RECEIPT_NOTHING:
			break;
	}
	return "pending";
}

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
