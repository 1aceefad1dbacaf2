/*
 * guc.h
 *		The settings group_api.*: all of them, with their units.
 */
#ifndef GA_BASE_GUC_H
#define GA_BASE_GUC_H

#include "postgres.h"

/* Defaults and bounds; the documents' table is made from these. */
#define GA_MAX_DATABASES_DEFAULT 1024
#define GA_MAX_DISPATCHERS_DEFAULT 4
#define GA_DISPATCHER_IDLE_TIMEOUT_DEFAULT (5 * 60) /* s */
#define GA_MAX_MEMBERS_DEFAULT 10000
#define GA_MAX_ATTEMPTS_DEFAULT 20
#define GA_PHONE_METADATA_MONTHS_DEFAULT 12
#define GA_RETRY_BASE_DEFAULT 2	  /* s */
#define GA_RETRY_CAP_DEFAULT 3600 /* s */
#define GA_MAX_IN_FLIGHT_DEFAULT 1024
#define GA_INVITATION_EXPIRY_DEFAULT (7 * 24 * 60)	 /* min */
#define GA_ATTEMPTS_RETENTION_DEFAULT (30 * 24 * 60) /* min */
#define GA_RECEIPTS_RETENTION_DEFAULT (30 * 24 * 60) /* min */
#define GA_EVENTS_RETENTION_DEFAULT (7 * 24 * 60)	 /* min */
#define GA_EVENT_LEASE_DEFAULT (60 * 1000)			 /* ms */
#define GA_CAPTURED_LIMIT_DEFAULT 10000
#define GA_MAX_WAIT_DEFAULT (15 * 60) /* s */
#define GA_LOCK_TIMEOUT_DEFAULT 5000  /* ms */
#define GA_SEARCH_LIMIT_DEFAULT 10000
#define GA_GROUPS_DAILY_CAP_DEFAULT 10000
#define GA_PICTURES_DAILY_CAP_DEFAULT (1024 * 1024) /* kB */
#define GA_RESEND_COOLDOWN_DEFAULT 300				/* s */
#define GA_INVITATION_COOLDOWN_DEFAULT 5			/* s */
#define GA_INVITER_RECIPIENT_DAILY_CAP_DEFAULT 20
#define GA_INVITATION_URL_DEFAULT                                              \
	"http://localhost:3000/rpc/invitation_page?token="
#define GA_PICTURE_URL_DEFAULT "http://localhost:3000/rpc/picture?id="
#define GA_DEFAULT_LOCALE_DEFAULT "en"

typedef struct GaSettings
{
	int max_databases; /* slots in shared memory; needs a restart */
	bool dispatch;	   /* off: nothing is sent anywhere */
	/* sends although default_transaction_read_only is on */
	bool dispatch_when_read_only;
	char *trusted_roles;	  /* whose request.jwt.claims may be believed */
	char *token_issuers;	  /* accepted claims "iss"; empty: any */
	char *invitation_url;	  /* {token} is replaced, else appended */
	char *answered_url;		  /* where the page leads to; empty: nowhere */
	char *picture_url;		  /* {id} is replaced, else appended */
	char *image_url_template; /* contract B's sizes; empty: as they are */
	/* what contract B shows where there is none; empty: nothing */
	char *default_image_url;
	char *default_emotional_image_url;
	char *default_avatar_url;
	char *group_creators;	   /* roles whose callers may create; empty: all */
	bool content_availability; /* contract B's groups without logging in */
	bool anonymous_load;	   /* contract A's: a part of each for anybody */
	char *unsubscribe_url;	   /* the same; empty: e-mails have none */
	char *default_locale;	 /* of messages to people whose own is not known */
	char *mobile_countries;	 /* of mobile contacts; empty: all */
	char *sms_stop_prefixes; /* whose SMS tells how to stop */
	char *courier_path;		 /* empty: pkglibdir/group_api_courier */
	int max_members;		 /* of one create_group */
	int groups_daily_cap;	 /* groups a caller and day; 0: any number */
	int pictures_daily_cap;	 /* kB of pictures a caller and day; 0: any */
	int search_limit;		 /* matches of a search that are counted */
	int max_attempts;		 /* tries of one message */
	int max_in_flight;		 /* claimed and not recorded, of one provider */
	bool synchronous_claims; /* standbys know of a claim before it is sent */
	int retry_base;			 /* s: back-off is random up to base * 2^n */
	int retry_cap;			 /* s */
	int invitation_expiry;	 /* min */
	int attempts_retention;	 /* min */
	int receipts_retention;	 /* min */
	int events_retention;	 /* min */
	int event_lease;		 /* ms that a consumer has for what it was handed */
	bool notify;			 /* each transaction with events sends one NOTIFY */
	int captured_limit;		 /* rows kept in group_api.captured */
	int max_wait;			 /* s that a message may wait; 0: any time */
	int lock_timeout;		 /* ms that a caller waits for a lock at most */
	int resend_cooldown;	 /* s between two resends to one contact */
	int phone_metadata_months; /* an age; then the provider decides */
	bool all_local_parts;	   /* of e-mail addresses: in UTF-8, in quotes */
	int reminder_before;	   /* min before the expiry; 0: no reminders */
	int recipient_daily_cap; /* invitations a contact and day; 0: any number */
	int inviter_daily_cap;	 /* invitations a leader and day; 0: any number */
	/* invitations a leader, contact and day; 0: any number */
	int inviter_recipient_daily_cap;
	int invitation_cooldown; /* s between a leader's two to one contact */
	/* a bounce that names our Message-ID but no token moves its delivery */
	bool bounce_trust_message_id;
	int max_dispatchers;		 /* at one time, of all databases */
	int dispatcher_idle_timeout; /* s; -1: it stays */
} GaSettings;

extern GaSettings ga_settings;

/* Whether a list of countries is one; false: `wrong` is the first code that is none. */
typedef bool (*GaCountriesCheck)(const char *countries, const char **wrong);

/* Whether there are built-in words in a language. */
typedef bool (*GaLocaleCheck)(const char *locale);

/* Defines the settings and reserves the prefix. */
extern void ga_guc_init(GaCountriesCheck countries_are_known,
						GaLocaleCheck locale_has_words);

#endif /* GA_BASE_GUC_H */
