/*
 * guc.c
 *		Definition of every setting.
 *
 * A caller can set none of them: they must not be able to say where an
 * invitation's link leads or who is trusted.  The cluster's are the postmaster's or
 * a reload's; a tenant's are PGC_SUSET, for ALTER DATABASE by a superuser.
 */
#include "postgres.h"

#include <limits.h>
#include <unistd.h>

#include "base/guc.h"
#include "base/locale_tag.h"
#include "base/setting/link_check.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/varlena.h"

GaSettings ga_settings;

static bool
check_role_list(char **value, void **extra, GucSource source)
{
	char *copy = pstrdup(*value);
	List *names;

	if (!SplitIdentifierString(copy, ',', &names))
	{
		GUC_check_errdetail("The list of roles is not well-formed.");
		return false;
	}
	return true;
}

/* RFC 7519 has StringOrURI, OpenID Connect Core 1.0 a URL without fragment. */
static bool
check_issuers(char **value, void **extra, GucSource source)
{
	for (const char *c = *value; *c; c++)
		if ((unsigned char) *c < ' ' || *c == '#' || (unsigned char) *c >= 127)
		{
			GUC_check_errdetail("An issuer must not contain the sign # or "
								"characters outside ASCII.");
			return false;
		}
	return true;
}

static GaLocaleCheck locale_has_words;

static bool
check_locale(char **value, void **extra, GucSource source)
{
	char tag[GA_LOCALE_MAX];

	if (!ga_locale_read(*value, tag))
	{
		GUC_check_errdetail("A language is named as in BCP 47, for example en "
							"or pt-BR.");
		return false;
	}
	/* Some database may have words of its own; only who sets it is told. */
	if (debug_query_string != NULL && !locale_has_words(tag))
		ereport(
			WARNING,
			(errmsg("there are no built-in words in the language \"%s\"", tag),
			 errdetail("Messages are written in English wherever no "
					   "template of your own is in that language."),
			 errhint("SELECT group_api.put_template('MOBILE', '%s', ...); "
					 "see docs/templates.md.",
					 tag)));
	return true;
}

static GaCountriesCheck countries_are_known;

static bool
check_mobile_countries(char **value, void **extra, GucSource source)
{
	const char *wrong;

	if (countries_are_known(*value, &wrong))
		return true;
	GUC_check_errdetail("\"%s\" is no country.", wrong);
	GUC_check_errhint("Give codes of ISO 3166 or calling codes, separated by "
					  "commas: ZA, GB, +49.");
	return false;
}

static bool
check_sms_stop_prefixes(char **value, void **extra, GucSource source)
{
	for (const char *at = *value; *(at += strspn(at, ", ")) != '\0';)
	{
		size_t digits = strspn(at + 1, "0123456789");

		if (*at != '+' || digits == 0 || strchr(", ", at[1 + digits]) == NULL)
		{
			GUC_check_errdetail("\"%s\" does not begin with a number's "
								"beginning.",
								at);
			GUC_check_errhint("Give beginnings of numbers, separated by "
							  "commas: +1, +4479.");
			return false;
		}
		at += 1 + digits;
	}
	return true;
}

static bool
check_courier_path(char **value, void **extra, GucSource source)
{
	if ((*value)[0] != '\0' && (*value)[0] != '/')
	{
		GUC_check_errdetail("The path must be absolute.");
		return false;
	}
	/* It may be installed later; only who sets it is told, not each process. */
	if ((*value)[0] != '\0' && debug_query_string != NULL &&
		access(*value, X_OK) != 0)
		ereport(WARNING,
				(errmsg("group_api.courier_path names a program that the "
						"server cannot execute: %m"),
				 errhint("ALTER SYSTEM RESET group_api.courier_path; takes "
						 "the installed one.")));
	return true;
}

static void
define_switches(void)
{
	DefineCustomBoolVariable(
		"group_api.dispatch", "Whether invitations are sent at all.",
		"Off keeps every dispatcher of the cluster silent, for example in a "
		"restored copy; invitations wait as queued.",
		&ga_settings.dispatch, true, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable(
		"group_api.dispatch_when_read_only",
		"Whether invitations are sent although default_transaction_read_only "
		"is on.",
		"Off: while that is on for the server or a database, nothing is sent.",
		&ga_settings.dispatch_when_read_only, false, PGC_SUSET, 0, NULL, NULL,
		NULL);
	DefineCustomBoolVariable(
		"group_api.synchronous_claims",
		"Whether a message leaves only when the synchronous standbys know of "
		"it.",
		"On: after a failover what was in flight is known, as on_uncertain = "
		"hold needs; while no such standby answers, nothing is sent.",
		&ga_settings.synchronous_claims, false, PGC_SUSET, 0, NULL, NULL, NULL);
}

static void
define_dispatch_settings(void)
{
	DefineCustomStringVariable(
		"group_api.courier_path", "The program that delivers the messages.",
		"Empty means group_api_courier in PostgreSQL's package library "
		"directory.",
		&ga_settings.courier_path, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY,
		check_courier_path, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.max_attempts", "Tries to deliver one message.",
		"A message that failed this often for passing reasons is failed.",
		&ga_settings.max_attempts, GA_MAX_ATTEMPTS_DEFAULT, 1, 1000, PGC_SUSET,
		0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.max_in_flight",
		"Messages handed to one provider and not yet recorded.",
		"Bounds what may be sent twice after a crash.",
		&ga_settings.max_in_flight, GA_MAX_IN_FLIGHT_DEFAULT, 1, 16384,
		PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.retry_base", "Base of the back-off between two tries.",
		"The wait before try n is random between zero and base * 2^n.",
		&ga_settings.retry_base, GA_RETRY_BASE_DEFAULT, 1, 3600, PGC_SUSET,
		GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("group_api.retry_cap",
							"Longest back-off between two tries.", NULL,
							&ga_settings.retry_cap, GA_RETRY_CAP_DEFAULT, 1,
							7 * 86400, PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.reminder_before",
		"How long before its expiry an unanswered invitation is sent again.",
		"Once for each invitation; 0 sends no reminders.",
		&ga_settings.reminder_before, 0, 0, 5 * 366 * 24 * 60, PGC_SUSET,
		GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.recipient_daily_cap",
		"Invitations sent to one contact on one day (UTC).",
		"What is over it waits for the next day; 0 is no limit.",
		&ga_settings.recipient_daily_cap, 0, 0, 1000000, PGC_SUSET, 0, NULL,
		NULL, NULL);
	DefineCustomIntVariable(
		"group_api.inviter_daily_cap",
		"Invitations sent for one leader's groups on one day (UTC).",
		"What is over it waits for the next day; 0 is no limit.",
		&ga_settings.inviter_daily_cap, 0, 0, 1000000, PGC_SUSET, 0, NULL, NULL,
		NULL);
	DefineCustomIntVariable("group_api.attempts_retention",
							"How long the history of tries is kept.", NULL,
							&ga_settings.attempts_retention,
							GA_ATTEMPTS_RETENTION_DEFAULT, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable("group_api.receipts_retention",
							"How long receipts are kept as they came.",
							"The same receipt twice is told from two while it "
							"is kept.",
							&ga_settings.receipts_retention,
							GA_RECEIPTS_RETENTION_DEFAULT, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomBoolVariable(
		"group_api.bounce_trust_message_id",
		"Whether a bounce that names our Message-ID moves its delivery.",
		"It proves nothing: whoever was invited to a group can write one about "
		"its other members. It never suppresses a contact.",
		&ga_settings.bounce_trust_message_id, false, PGC_SUSET, 0, NULL, NULL,
		NULL);
	DefineCustomIntVariable("group_api.captured_limit",
							"How many messages group_api.captured keeps.", NULL,
							&ga_settings.captured_limit,
							GA_CAPTURED_LIMIT_DEFAULT, 1, INT_MAX, PGC_SUSET, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.max_wait",
		"How long a message that is due may wait before health() warns of it.",
		"So may an event for a webhook that fails. 0: however long.",
		&ga_settings.max_wait, GA_MAX_WAIT_DEFAULT, 0, INT_MAX, PGC_SUSET,
		GUC_UNIT_S, NULL, NULL, NULL);
}

static void
define_event_settings(void)
{
	DefineCustomIntVariable("group_api.events_retention",
							"How long events are kept for those who listen.",
							"What a listener has not taken by then is lost to "
							"it; what it has taken can be replayed so long.",
							&ga_settings.events_retention,
							GA_EVENTS_RETENTION_DEFAULT, 1, INT_MAX, PGC_SUSET,
							GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.event_lease",
		"How long a consumer has for the events it was handed.",
		"Those it has not acknowledged by then are handed out again.",
		&ga_settings.event_lease, GA_EVENT_LEASE_DEFAULT, 1000,
		24 * 3600 * 1000, PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomBoolVariable(
		"group_api.notify",
		"Whether each transaction in which an event happens sends a NOTIFY.",
		"It is sent on the channel group_api, without a payload. Transactions "
		"that send one commit one after the other.",
		&ga_settings.notify, false, PGC_SUSET, 0, NULL, NULL, NULL);
}

/* What one leader can do to one contact. */
static void
define_abuse_settings(void)
{
	DefineCustomIntVariable(
		"group_api.inviter_recipient_daily_cap",
		"Invitations sent for one leader's groups to one contact on one day "
		"(UTC).",
		"What is over it waits for the next day; 0 is no limit.",
		&ga_settings.inviter_recipient_daily_cap,
		GA_INVITER_RECIPIENT_DAILY_CAP_DEFAULT, 0, 1000000, PGC_SUSET, 0, NULL,
		NULL, NULL);
	DefineCustomStringVariable(
		"group_api.mobile_countries",
		"Countries in which a mobile contact may be.",
		"Codes of ISO 3166 (ZA) and calling codes (+27), separated by commas. "
		"Empty: all.",
		&ga_settings.mobile_countries, "", PGC_SUSET, 0, check_mobile_countries,
		NULL, NULL);
	DefineCustomStringVariable(
		"group_api.sms_stop_prefixes",
		"Beginnings of numbers whose SMS tells how to stop.",
		"Separated by commas: +1. The built-in words say so, and own templates "
		"where they have {?stop}. Carriers in the USA ask for it. Empty: none.",
		&ga_settings.sms_stop_prefixes, "", PGC_SUSET, 0,
		check_sms_stop_prefixes, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.phone_metadata_months",
		"Age of the tables of telephone numbers from which on they refuse no "
		"length and no kind.",
		"In months; what they would refuse is sent then, and the provider "
		"decides. 0: they never refuse it.",
		&ga_settings.phone_metadata_months, GA_PHONE_METADATA_MONTHS_DEFAULT, 0,
		1200, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable(
		"group_api.all_local_parts",
		"Whether e-mail addresses may have local parts in UTF-8 or in quotes.",
		"The relay must offer SMTPUTF8 for the former; where it does not, the "
		"delivery fails with the code smtputf8.",
		&ga_settings.all_local_parts, false, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.invitation_cooldown",
		"Time between two invitations of one leader's groups to the same "
		"contact.",
		"One that comes sooner waits; resends have a time of their own.",
		&ga_settings.invitation_cooldown, GA_INVITATION_COOLDOWN_DEFAULT, 0,
		86400, PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
}

static void
define_request_settings(void)
{
	DefineCustomStringVariable(
		"group_api.trusted_roles",
		"Roles whose setting request.jwt.claims may be believed.",
		"The role a gateway such as PostgREST logs in as, once "
		"group_api.grant_access(role, 'gateway') made it one; superusers are "
		"always believed.",
		&ga_settings.trusted_roles, "authenticator", PGC_SIGHUP, 0,
		check_role_list, NULL, NULL);
	DefineCustomStringVariable(
		"group_api.token_issuers", "Issuers whose tokens are accepted.",
		"A list of values of the claim iss, separated by commas; subjects "
		"entered by put_user() are the first one's. Empty accepts any.",
		&ga_settings.token_issuers, "", PGC_SUSET, 0, check_issuers, NULL,
		NULL);
	DefineCustomStringVariable(
		"group_api.invitation_url", "Where an invitation's link leads.",
		"{token} is replaced by the invitation's token; without it the token "
		"is appended.",
		&ga_settings.invitation_url, GA_INVITATION_URL_DEFAULT, PGC_SUSET, 0,
		ga_link_check_invitation, NULL, NULL);
	DefineCustomStringVariable(
		"group_api.default_locale",
		"The language of messages to people whose own is not known.",
		"A name as in BCP 47, such as en or pt-BR. Built in are en, es, fr, de "
		"and pt; group_api.put_template() adds others.",
		&ga_settings.default_locale, GA_DEFAULT_LOCALE_DEFAULT, PGC_SUSET, 0,
		check_locale, NULL, NULL);
	DefineCustomStringVariable(
		"group_api.unsubscribe_url",
		"Where an e-mail's List-Unsubscribe header leads.",
		"{token} is replaced, else the token is appended. Empty: e-mails have "
		"no such header.",
		&ga_settings.unsubscribe_url, "", PGC_SUSET, 0,
		ga_link_check_unsubscribe, NULL, NULL);
	DefineCustomStringVariable(
		"group_api.answered_url",
		"Where the page behind a link leads to after an answer.",
		"{group} is replaced by the group's id, {response} by accepted or "
		"declined, {token} by the invitation's token. Empty: nowhere.",
		&ga_settings.answered_url, "", PGC_SUSET, 0, ga_link_check_answered,
		NULL, NULL);
	DefineCustomStringVariable(
		"group_api.picture_url", "Where uploaded pictures are served.",
		"{id} is replaced by the picture's id, else the id is appended. Served "
		"by group_api.picture(id).",
		&ga_settings.picture_url, GA_PICTURE_URL_DEFAULT, PGC_SUSET, 0,
		ga_link_check_invitation, NULL, NULL);
	DefineCustomStringVariable(
		"group_api.image_url_template",
		"Where contract B's groups have their images in each size.",
		"{url} is replaced by the image's URL, percent-encoded, {size} by its "
		"pixels: 1200, 1000, 600 or 300. Empty: the image's own URL.",
		&ga_settings.image_url_template, "", PGC_SUSET, 0,
		ga_link_check_image_template, NULL, NULL);
	DefineCustomBoolVariable(
		"group_api.content_availability",
		"Whether contract B's visible groups are there for everybody.",
		"Of private ones all but who is in them. Off: get_group, "
		"search_groups, list_members and user_groups are for authenticated "
		"callers only.",
		&ga_settings.content_availability, true, PGC_SUSET, 0, NULL, NULL,
		NULL);
	DefineCustomBoolVariable(
		"group_api.anonymous_load",
		"Whether contract A's load shows groups to who is not in them.",
		"On: load_group answers whoever knows a group's id, signed in or not, "
		"with the group and its leader alone.",
		&ga_settings.anonymous_load, false, PGC_SUSET, 0, NULL, NULL, NULL);
}

static void
define_contract_b_settings(void)
{
	DefineCustomStringVariable(
		"group_api.default_image_url",
		"The image of contract B's groups that have none.",
		"In each size by group_api.image_url_template. Empty: an empty text.",
		&ga_settings.default_image_url, "", PGC_SUSET, 0,
		ga_link_check_optional, NULL, NULL);
	DefineCustomStringVariable(
		"group_api.default_emotional_image_url",
		"The cover of contract B's groups that have none.",
		"Empty: an empty text.", &ga_settings.default_emotional_image_url, "",
		PGC_SUSET, 0, ga_link_check_optional, NULL, NULL);
	DefineCustomStringVariable(
		"group_api.default_avatar_url",
		"The picture of contract B's users who have none.",
		"Empty: an empty text.", &ga_settings.default_avatar_url, "", PGC_SUSET,
		0, ga_link_check_optional, NULL, NULL);
	DefineCustomStringVariable(
		"group_api.group_creators", "Roles whose callers may create groups.",
		"A list, separated by commas; members of a role count, and operators "
		"always may. Empty: everybody.",
		&ga_settings.group_creators, "", PGC_SUSET, 0, check_role_list, NULL,
		NULL);
}

static void
define_limit_settings(void)
{
	DefineCustomIntVariable("group_api.max_members",
							"Members of one create_group call.", NULL,
							&ga_settings.max_members, GA_MAX_MEMBERS_DEFAULT, 1,
							1000000, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.groups_daily_cap",
		"Groups one caller may make on one day (UTC).",
		"What is over it is refused; 0 is no limit, and operators have none.",
		&ga_settings.groups_daily_cap, GA_GROUPS_DAILY_CAP_DEFAULT, 0, INT_MAX,
		PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.pictures_daily_cap",
		"Size of the pictures one caller may upload on one day (UTC).",
		"What is over it is refused; 0 is no limit, and operators have none.",
		&ga_settings.pictures_daily_cap, GA_PICTURES_DAILY_CAP_DEFAULT, 0,
		INT_MAX, PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.search_limit", "Matches a search counts, and pages lead to.",
		"Of search_groups and suggest_users; it bounds what a search costs.",
		&ga_settings.search_limit, GA_SEARCH_LIMIT_DEFAULT, 100, 1000000,
		PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.resend_cooldown",
		"Time between two resends to the same contact.",
		"A resend that comes too soon is refused as throttled.",
		&ga_settings.resend_cooldown, GA_RESEND_COOLDOWN_DEFAULT, 0, 7 * 86400,
		PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.lock_timeout",
		"How long a function waits for what another transaction holds.",
		"A smaller lock_timeout of the session counts. The error is 55P03, "
		"over "
		"HTTP 503 with Retry-After.",
		&ga_settings.lock_timeout, GA_LOCK_TIMEOUT_DEFAULT, 1, 600000,
		PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("group_api.invitation_expiry",
							"How long an invitation can be answered, and sent.",
							NULL, &ga_settings.invitation_expiry,
							GA_INVITATION_EXPIRY_DEFAULT, 1, 5 * 366 * 24 * 60,
							PGC_SUSET, GUC_UNIT_MIN, NULL, NULL, NULL);
}

static void
define_worker_settings(void)
{
	DefineCustomIntVariable(
		"group_api.max_dispatchers",
		"Dispatchers that run at one time, one for each database.",
		"Each is a background worker of max_worker_processes; databases that "
		"have work are served in turn.",
		&ga_settings.max_dispatchers, GA_MAX_DISPATCHERS_DEFAULT, 1, 1024,
		PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"group_api.dispatcher_idle_timeout",
		"How long a dispatcher with nothing to do keeps its background worker.",
		"It gives it up at once where another database waits for one; -1 keeps "
		"it until then.",
		&ga_settings.dispatcher_idle_timeout,
		GA_DISPATCHER_IDLE_TIMEOUT_DEFAULT, -1, 7 * 86400, PGC_SIGHUP,
		GUC_UNIT_S, NULL, NULL, NULL);
}

void
ga_guc_init(GaCountriesCheck countries_check, GaLocaleCheck locale_check)
{
	countries_are_known = countries_check;
	locale_has_words = locale_check;
	DefineCustomIntVariable(
		"group_api.max_databases",
		"Databases with the extension that are served.",
		"Each takes a little shared memory; how many are served at one time is "
		"group_api.max_dispatchers.",
		&ga_settings.max_databases, GA_MAX_DATABASES_DEFAULT, 1, 65536,
		PGC_POSTMASTER, 0, NULL, NULL, NULL);
	define_request_settings();
	define_contract_b_settings();
	define_limit_settings();
	define_switches();
	define_dispatch_settings();
	define_event_settings();
	define_abuse_settings();
	define_worker_settings();
	MarkGUCPrefixReserved("group_api");
}
