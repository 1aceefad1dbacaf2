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
#define GA_RETRY_BASE_DEFAULT 2	  /* s */
#define GA_RETRY_CAP_DEFAULT 3600 /* s */
#define GA_MAX_IN_FLIGHT_DEFAULT 1024
#define GA_INVITATION_EXPIRY_DEFAULT (7 * 24 * 60)	 /* min */
#define GA_ATTEMPTS_RETENTION_DEFAULT (30 * 24 * 60) /* min */
#define GA_RECEIPTS_RETENTION_DEFAULT (30 * 24 * 60) /* min */
#define GA_CAPTURED_LIMIT_DEFAULT 10000
#define GA_RESEND_COOLDOWN_DEFAULT 300 /* s */
#define GA_INVITATION_URL_DEFAULT                                              \
	"http://localhost:3000/rpc/invitation_page?token="
#define GA_PICTURE_URL_DEFAULT "http://localhost:3000/rpc/picture?id="
#define GA_DEFAULT_LOCALE_DEFAULT "en"

typedef struct GaSettings
{
	int max_databases;		   /* slots in shared memory; needs a restart */
	bool dispatch;			   /* off: nothing is sent anywhere */
	char *trusted_roles;	   /* whose request.jwt.claims are believed */
	char *invitation_url;	   /* {token} is replaced, else appended */
	char *picture_url;		   /* {id} is replaced, else appended */
	char *image_url_template;  /* contract B's sizes; empty: as they are */
	bool content_availability; /* contract B's groups without logging in */
	char *unsubscribe_url;	   /* the same; empty: e-mails have none */
	char *default_locale;	 /* of messages to people whose own is not known */
	char *courier_path;		 /* empty: pkglibdir/group_api_courier */
	int max_members;		 /* of one create_group */
	int max_attempts;		 /* tries of one message */
	int max_in_flight;		 /* claimed and not recorded, of one provider */
	int retry_base;			 /* s: back-off is random up to base * 2^n */
	int retry_cap;			 /* s */
	int invitation_expiry;	 /* min */
	int attempts_retention;	 /* min */
	int receipts_retention;	 /* min */
	int captured_limit;		 /* rows kept in group_api.captured */
	int resend_cooldown;	 /* s between two resends to one contact */
	int reminder_before;	 /* min before the expiry; 0: no reminders */
	int recipient_daily_cap; /* invitations a contact and day; 0: any number */
	int inviter_daily_cap;	 /* invitations a leader and day; 0: any number */
	/* a bounce that names our Message-ID but carries no token counts */
	bool bounce_trust_message_id;
	int max_dispatchers;		 /* at one time, of all databases */
	int dispatcher_idle_timeout; /* s; -1: it stays */
} GaSettings;

extern GaSettings ga_settings;

/* Defines the settings and reserves the prefix. */
extern void ga_guc_init(void);

#endif /* GA_BASE_GUC_H */
