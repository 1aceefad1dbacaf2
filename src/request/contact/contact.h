/*
 * contact.h
 *		E-mail addresses and mobile numbers: what can be verified at once.
 *
 * Pure functions over palloc'ed text; no catalog, no network.
 */
#ifndef GA_REQUEST_CONTACT_CONTACT_H
#define GA_REQUEST_CONTACT_CONTACT_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "request/violation.h"

typedef struct GaContact
{
	GaChannel channel;
	const char *value; /* as it is sent to: E.164, or local@a-label */
	const char *key;   /* equal for equal recipients: case folded */
} GaContact;

/* What is wrong with an address: a violation that has no path yet. */
typedef struct GaContactFault
{
	GaViolationCode code;
	const char *message; /* completes the sentence begun by the path */
	const char *hint;	 /* or NULL */
} GaContactFault;

/* false and a violation at `path` when the text is no deliverable address */
extern bool ga_contact_read_email(const char *text, const char *path,
								  GaViolations *violations, GaContact *contact);
extern bool ga_contact_read_mobile(const char *text, const char *path,
								   GaViolations *violations,
								   GaContact *contact);

/*
 * The same without a path, for readers of long lists that put the path into
 * words only when there is a fault.  `text` is in the server's encoding.
 */
extern bool ga_contact_check(GaChannel channel, const char *text,
							 GaContact *contact, GaContactFault *fault);

/* One that passed the check before: its value as it was kept. */
extern void ga_contact_take_checked(GaChannel channel, const char *value,
									GaContact *contact);

/*
 * Whether an invitation may go there: any e-mail address, a number of one of the
 * countries (codes of ISO 3166 and calling codes; empty: all).  False and a fault.
 */
extern bool ga_contact_is_allowed(const GaContact *contact,
								  const char *countries, GaContactFault *fault);

/* A list of countries as the setting has it; false: `wrong` is the first code that is
 * none.  For the check of the setting. */
extern bool ga_contact_countries_are_known(const char *countries,
										   const char **wrong);

/* The tables that mobile numbers are checked by. */
typedef struct GaPhoneTables
{
	int year;
	int month;	 /* 1 to 12 */
	int age;	 /* in months */
	bool is_old; /* group_api.phone_metadata_months: the provider decides */
} GaPhoneTables;

extern void ga_contact_phone_tables(GaPhoneTables *tables);

/*
 * Builds the phone number tables once, in the postmaster, so that every
 * backend inherits them by fork instead of paying 9 ms at its first request.
 */
extern void ga_contact_init(void);

#endif /* GA_REQUEST_CONTACT_CONTACT_H */
