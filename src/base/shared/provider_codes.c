/*
 * provider_codes.c
 *		What the codes mean that HTTP providers answer with, as data.
 *
 * Codes that are not listed follow the status of the answer and whom its words
 * blame.  A code marked UNSURE is said of one recipient and of a whole account
 * alike.  script/vendor-codes reads this text and makes docs/vendor-codes.md of it: the
 * vendor's page stands above each table, what a code is about behind it or above
 * its group.  Must never call a contact dead, or opted out, on a code that may be
 * about the account.
 */
#include "base/shared/provider_codes.h"

#include <stddef.h>

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
const GaHttpCode ga_provider_codes_twilio[] = {
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
	{"30006", GA_OUTCOME_REJECTED, 0,
	 -1}, /* landline, or not from a short code */
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
	{"21910", GA_OUTCOME_MISCONFIGURED, 0, -1},		 /* of another channel */
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
const GaHttpCode ga_provider_codes_vonage[] = {
	{"7", GA_OUTCOME_REJECTED, 0, -1},			  /* number barred */
	{"33", GA_OUTCOME_REJECTED, DEAD, -1},		  /* number deactivated */
	{"6", GA_OUTCOME_REJECTED, UNSURE, -1},		  /* no such prefix */
	{"3", GA_OUTCOME_REJECTED, UNSURE, -1},		  /* a parameter is wrong */
	{"12", GA_OUTCOME_REJECTED, 0, -1},			  /* too long */
	{"2", GA_OUTCOME_MISCONFIGURED, 0, -1},		  /* a parameter is missing */
	{"4", GA_OUTCOME_MISCONFIGURED, 0, -1},		  /* credentials */
	{"8", GA_OUTCOME_MISCONFIGURED, 0, -1},		  /* account barred */
	{"9", GA_OUTCOME_MISCONFIGURED, 0, -1},		  /* no credit left */
	{"11", GA_OUTCOME_MISCONFIGURED, 0, -1},	  /* account is for SMPP */
	{"14", GA_OUTCOME_MISCONFIGURED, 0, -1},	  /* signature */
	{"15", GA_OUTCOME_MISCONFIGURED, UNSURE, -1}, /* sender, in a country */
	{"22", GA_OUTCOME_MISCONFIGURED, 0, -1},	  /* network code */
	{"23", GA_OUTCOME_MISCONFIGURED, 0, -1},	  /* callback URL */
	{"29", GA_OUTCOME_MISCONFIGURED, UNSURE, -1}, /* trial: not listed */
	{"32", GA_OUTCOME_MISCONFIGURED, 0, -1},	  /* signature and secret */
	{"1", GA_OUTCOME_RETRY, FAULT, -1},			  /* throttled */
	{"5", GA_OUTCOME_RETRY, FAULT, -1},			  /* internal error */
	{"10", GA_OUTCOME_RETRY, FAULT, -1},		  /* too many binds */
	END_OF_CODES,
};

/* https://developer.vonage.com/en/api-errors/messages */
const GaHttpCode ga_provider_codes_vonage_messages[] = {
	{"1040", GA_OUTCOME_REJECTED, 0, -1},			/* no such prefix */
	{"1050", GA_OUTCOME_REJECTED, 0, -1},			/* number barred */
	{"1090", GA_OUTCOME_REJECTED, 0, -1},			/* too long */
	{"1060", GA_OUTCOME_MISCONFIGURED, 0, -1},		/* account barred */
	{"1070", GA_OUTCOME_MISCONFIGURED, 0, -1},		/* no credit left */
	{"1080", GA_OUTCOME_MISCONFIGURED, 0, -1},		/* account is for SMPP */
	{"1120", GA_OUTCOME_MISCONFIGURED, UNSURE, -1}, /* sender, in a country */
	{"1130", GA_OUTCOME_MISCONFIGURED, 0, -1},		/* ttl */
	{"1140", GA_OUTCOME_MISCONFIGURED, 0, -1},		/* facility not enabled */
	{"1160", GA_OUTCOME_MISCONFIGURED, UNSURE, -1}, /* trial: not listed */
	{"1000", GA_OUTCOME_RETRY, FAULT, -1},			/* throttled */
	{"1030", GA_OUTCOME_RETRY, FAULT, -1},			/* internal error */
	{"1100", GA_OUTCOME_RETRY, FAULT, -1},			/* could not be submitted */
	END_OF_CODES,
};

/* https://developers.messagebird.com/api/#errors; 9, 10 and 21 say only that a
 * parameter is wrong, which one is in errors[0].parameter. */
const GaHttpCode ga_provider_codes_messagebird[] = {
	{"2", GA_OUTCOME_MISCONFIGURED, 0, -1},	 /* access key */
	{"25", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* no balance left */
	{"98", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* no such API */
	{"99", GA_OUTCOME_RETRY, FAULT, -1},	 /* internal error */
	{"originator", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"reportUrl", GA_OUTCOME_MISCONFIGURED, 0, -1},
	END_OF_CODES,
};

/* https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
const GaHttpCode ga_provider_codes_sns[] = {
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
	{"InvalidClientTokenId", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"ExpiredToken", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"MissingAuthenticationToken", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"OptInRequired", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"RequestExpired", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* our clock */
	END_OF_CODES,
};

/* --- e-mail --------------------------------------------------------------- */

/* https://www.twilio.com/docs/sendgrid/api-reference: no codes, only the field
 * at fault. */
const GaHttpCode ga_provider_codes_sendgrid[] = {
	{"from", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"from.email", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"from.name", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"reply_to", GA_OUTCOME_MISCONFIGURED, 0, -1},
	{"reply_to.email", GA_OUTCOME_MISCONFIGURED, 0, -1},
	END_OF_CODES,
};

/* https://postmarkapp.com/developer/api/overview#error-codes */
const GaHttpCode ga_provider_codes_postmark[] = {
	{"406", GA_OUTCOME_REJECTED, DEAD, -1},	   /* inactive: bounced before */
	{"10", GA_OUTCOME_MISCONFIGURED, 0, -1},   /* token */
	{"400", GA_OUTCOME_MISCONFIGURED, 0, -1},  /* sender unknown */
	{"401", GA_OUTCOME_MISCONFIGURED, 0, -1},  /* sender not confirmed */
	{"405", GA_OUTCOME_MISCONFIGURED, 0, -1},  /* no credit left */
	{"411", GA_OUTCOME_REJECTED, UNSURE, -1},  /* an attachment of that type */
	{"412", GA_OUTCOME_MISCONFIGURED, 0, -1},  /* account pending */
	{"413", GA_OUTCOME_MISCONFIGURED, 0, -1},  /* account may not send */
	{"1235", GA_OUTCOME_MISCONFIGURED, 0, -1}, /* no such message stream */
	{"100", GA_OUTCOME_RETRY, FAULT, -1},	   /* maintenance */
	{"429", GA_OUTCOME_RETRY, FAULT, -1},	   /* too fast */
	END_OF_CODES,
};

/* https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html */
const GaHttpCode ga_provider_codes_ses[] = {
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
const GaHttpCode ga_provider_codes_resend[] = {
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
	/* one with this key was taken over in the last 24 hours, in other words */
	{"invalid_idempotent_request", GA_OUTCOME_UNCERTAIN, 0, -1},
	END_OF_CODES,
};
