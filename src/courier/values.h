/*
 * values.h
 *		What templates may say of one message, by name.
 */
#ifndef GA_COURIER_VALUES_H
#define GA_COURIER_VALUES_H

#include <stdint.h>

#include "courier/http/webhook_signature.h"
#include "courier/job.h"

typedef enum GaVariable
{
	GA_VARIABLE_TO,
	GA_VARIABLE_TO_DIGITS, /* without the plus sign */
	GA_VARIABLE_TO_NAME,
	GA_VARIABLE_TO_PHRASE, /* likewise, quoted where it has a comma or semicolon */
	GA_VARIABLE_TO_MAILBOX, /* Name <address>, the name quoted if need be */
	GA_VARIABLE_TO_ENCODED, /* likewise in ASCII (RFC 2047) */
	GA_VARIABLE_SENDER_NAME,
	GA_VARIABLE_SENDER_ADDRESS,
	GA_VARIABLE_SENDER_MAILBOX,
	GA_VARIABLE_SENDER_ENCODED,
	GA_VARIABLE_REPLY_TO,
	GA_VARIABLE_REPLY_TO_NAME,
	GA_VARIABLE_REPLY_TO_ADDRESS,
	GA_VARIABLE_REPLY_TO_ENCODED,
	GA_VARIABLE_SUBJECT,
	GA_VARIABLE_TEXT,
	GA_VARIABLE_HTML,
	GA_VARIABLE_KEY,
	GA_VARIABLE_KEY_TOKEN, /* _ for its dots: letters, digits, _ and - */
	GA_VARIABLE_UNSUBSCRIBE_URL,
	GA_VARIABLE_CALLBACK_URL,
	GA_VARIABLE_CALLBACK_PATTERN, /* % doubled, ready for parameters */
	GA_VARIABLE_LOCALE,
	GA_VARIABLE_VALIDITY, /* seconds left, within what the provider takes */
	GA_VARIABLE_VALIDITY_MS,
	GA_VARIABLE_VALIDITY_MINUTES,
	GA_VARIABLE_UNICODE,	/* "1" when the text is not GSM-7, else "" */
	GA_VARIABLE_CODING,		/* likewise "2" and "0" */
	GA_VARIABLE_MESSAGE_ID, /* the provider's, of the message asked after */
	GA_VARIABLE_TIMESTAMP,	/* of what is signed: seconds since 1970 */
	GA_VARIABLE_SIGNATURE,	/* of the text, where there is a key */
	GA_VARIABLE_COUNT
} GaVariable;

/* -1: no such name. */
extern int ga_values_find_variable(const char *name);

/* A mailbox in every form a provider may want; all "" when there is none. */
typedef struct GaMailboxForms
{
	char name[256];
	char phrase[520];
	char address[256];
	char mailbox[800];
	char encoded[1300];
} GaMailboxForms;

/* `value` is an address or Name <address>; what is neither gives "". */
extern void ga_values_of_mailbox(GaMailboxForms *forms, const char *value);

/* What the provider adds to every message. */
typedef struct GaValueRules
{
	int64_t validity_min; /* seconds */
	int64_t validity_max; /* 0 = any */
	GaMailboxForms sender;
	GaMailboxForms reply_to; /* of messages that name none */
	GaSigningKeys signing;	 /* none: nothing is signed */
} GaValueRules;

/* The values of one message; none is NULL. */
typedef struct GaValues
{
	const char *of[GA_VARIABLE_COUNT];
	GaMailboxForms to;
	GaMailboxForms reply_to;
	char key_token[129];
	char subject[1400]; /* 900, and a blank in each "=?" */
	char callback_pattern[4004];
	char validity[3][24];
	char timestamp[24];
	char signature[GA_SIGNATURE_MAX];
} GaValues;

extern void ga_values_of_job(GaValues *values, const GaCourierJob *job,
							 const GaValueRules *rules, GaChannel channel);

#endif /* GA_COURIER_VALUES_H */
