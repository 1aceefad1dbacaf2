/*
 * caller.c
 *		Identity from the gateway's settings or from the session.
 *
 * Any session can SET request.jwt.claims; only a gateway's login role is
 * believed.  Must never throw because of what stands in these settings; but a gateway
 * that is not believed is refused, since all it speaks for would be one role.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/caller.h"
#include "api/user_fields.h"
#include "base/compat.h"
#include "base/extension.h"
#include "base/guc.h"
#include "base/locale_tag.h"
#include "base/shared/utf8.h"
#include "base/token_issuer.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "request/soft_json.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/varlena.h"

/* A claim longer than this is not a name, an address or a picture. */
#define CLAIM_MAX 2048
/* Longer than what HTTP servers take for a line. */
#define HEADER_MAX 16384
#define OBJECT_MAX 65536

const char *
ga_caller_setting(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	/* After the gateway's transaction a setting is empty, not unset. */
	return value != NULL && value[0] != '\0' ? value : NULL;
}

/*
 * Whoever may create a role may give it a name of the list.  The right is the
 * role's own: it stays with it, and only the extension's owner gives it.
 */
static bool
was_made_a_gateway(Oid role)
{
	Oid function = ga_extension_function("is_gateway");

	return OidIsValid(function) && ga_may_execute(function, role);
}

static bool
is_listed(const char *user)
{
	char *list = pstrdup(ga_settings.trusted_roles);
	List *names = NIL;
	ListCell *cell;

	if (!SplitIdentifierString(list, ',', &names))
		return false;
	foreach (cell, names)
		if (strcmp(lfirst(cell), user) == 0)
			return true;
	return false;
}

/* Capitals are kept, as people who copy the name of a role expect. */
static bool
is_listed_as_written(const char *user)
{
	const char *name = ga_settings.trusted_roles;
	size_t length = strlen(user);

	while (name != NULL)
	{
		const char *comma;

		name += strspn(name, " \t\n\r\f\v");
		comma = strchr(name, ',');
		if (strncmp(name, user, length) == 0 &&
			strspn(name + length, " \t\n\r\f\v") == strcspn(name + length, ","))
			return true;
		name = comma != NULL ? comma + 1 : NULL;
	}
	return false;
}

static bool
is_gateway(Oid role)
{
	char *user = GetUserNameFromId(role, true);

	return user != NULL && was_made_a_gateway(role) &&
		   (is_listed(user) || is_listed_as_written(user));
}

/* What a proxy said of the session it speaks for, during its call. */
static bool is_spoken_for;
static bool is_spoken_for_superuser;
static Oid spoken_for_login;

void
ga_caller_speak_for(Oid login, bool is_superuser)
{
	is_spoken_for = true;
	is_spoken_for_superuser = is_superuser;
	spoken_for_login = login;
}

void
ga_caller_speak_for_nobody(void)
{
	is_spoken_for = false;
}

/* InvalidOid: the proxy's session is of a role that is not here. */
static Oid
login_role(void)
{
	return is_spoken_for ? spoken_for_login : GetSessionUserId();
}

static bool
is_trusted_session(void)
{
	Oid login = login_role();

	if (is_spoken_for ? is_spoken_for_superuser : superuser_arg(login))
		return true;
	return OidIsValid(login) && is_gateway(login);
}

/*
 * A gateway that was renamed, or is missing in the list.  Its own role is whom its users
 * share, so none of them could keep a group from the others.
 */
static void
refuse_unlisted_gateway(bool is_http)
{
	Oid login = login_role();
	const char *name;
	const char *list = ga_settings.trusted_roles;

	if (!is_http && ga_caller_setting("request.jwt.claims") == NULL)
		return;
	if (!OidIsValid(login) || !was_made_a_gateway(login))
		return;
	name = GetUserNameFromId(login, false);
	list = psprintf("%s%s%s", list, list[0] != '\0' ? ", " : "",
					quote_identifier(name));
	/* PostgREST hands detail and hint on to whoever asks. */
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the gateway of this session is not named in "
					"group_api.trusted_roles"),
			 (is_http ? errdetail_log : errdetail)(
				 "Role \"%s\" was made a gateway, and what it says of its "
				 "callers is not believed.",
				 name),
			 is_http
				 ? errhint("SELECT * FROM group_api.health(); has the command.")
				 : errhint("ALTER SYSTEM SET group_api.trusted_roles = %s; "
						   "SELECT pg_reload_conf();",
						   quote_literal_cstr(list))));
}

/* Names end up in headers of mails: no second line, nothing reversed. */
static bool
is_printable(const char *text, int length)
{
	const char *end = text + length;

	while (text < end)
	{
		int32_t character = ga_utf8_next(&text, end);

		if (character < 0 || ga_utf8_is_control(character) ||
			ga_utf8_is_bidi(character))
			return false;
	}
	return true;
}

static bool
is_honest(const char *text, size_t length, size_t longest)
{
	return length > 0 && length <= longest && is_printable(text, (int) length);
}

/* A text; NULL when absent, empty, of another type or no honest text. */
static const char *
claim(Jsonb *claims, const char *name)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(&claims->root, name, strlen(name),
									 &value) == NULL ||
		value.type != jbvString ||
		!is_honest(value.val.string.val, value.val.string.len, CLAIM_MAX))
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* A setting that is no longer than what is read of it; NULL: none. */
static const char *
bounded_setting(const char *name)
{
	const char *text = ga_caller_setting(name);

	return text != NULL && strlen(text) <= OBJECT_MAX ? text : NULL;
}

/* A setting that holds a JSON object; NULL for anything else. */
static Jsonb *
read_object(const char *setting)
{
	const char *text = bounded_setting(setting);
	Jsonb *object;

	if (text == NULL)
		return NULL;
	object = ga_soft_json(text, strlen(text));
	return object != NULL && JB_ROOT_IS_OBJECT(object) ? object : NULL;
}

/* The headers of a call, read when the first of them is asked for. */
struct GaCallerHeaders
{
	MemoryContext context; /* lives as long as the caller */
	bool are_read;
	List *texts; /* of GaJsonText */
};

static struct GaCallerHeaders *
headers_to_read(void)
{
	struct GaCallerHeaders *headers = palloc0(sizeof(*headers));

	headers->context = CurrentMemoryContext;
	return headers;
}

static void
read_headers(struct GaCallerHeaders *headers)
{
	const char *text = bounded_setting("request.headers");
	MemoryContext before;

	headers->are_read = true;
	if (text == NULL)
		return;
	before = MemoryContextSwitchTo(headers->context);
	headers->texts = ga_soft_json_texts(text);
	MemoryContextSwitchTo(before);
}

/*
 * A name that stands nowhere in the text is no header's, unless its letters are written
 * by their numbers.  Then the text need not be taken apart.
 */
static bool
may_be_named(const char *name)
{
	const char *text = bounded_setting("request.headers");

	return text != NULL &&
		   (strstr(text, name) != NULL || strstr(text, "\\u") != NULL);
}

/* In the value of a header a tab is a blank: RFC 9110, 5.5. */
static const char *
with_blanks(const char *value)
{
	char *copy;

	if (value == NULL || strchr(value, '\t') == NULL)
		return value;
	copy = pstrdup(value);
	for (char *tab = copy; (tab = strchr(tab, '\t')) != NULL;)
		*tab = ' ';
	return copy;
}

/* As it came; NULL: none of that name. */
static const char *
find_header(const GaCaller *caller, const char *name)
{
	struct GaCallerHeaders *headers = caller->headers;
	const char *value = NULL;
	ListCell *cell;

	if (headers == NULL)
		return NULL;
	if (!headers->are_read)
	{
		if (!may_be_named(name))
			return NULL;
		read_headers(headers);
	}
	foreach (cell, headers->texts)
	{
		const GaJsonText *header = lfirst(cell);

		if (strcmp(header->name, name) == 0)
			value = header->value;
	}
	return with_blanks(value);
}

const char *
ga_caller_header(const GaCaller *caller, const char *name)
{
	const char *value = find_header(caller, name);

	return value != NULL && is_honest(value, strlen(value), HEADER_MAX) ? value
																		: NULL;
}

bool
ga_caller_header_is_unreadable(const GaCaller *caller, const char *name)
{
	const char *value = find_header(caller, name);

	/* Of headers that are longer together than what is read, any may be there. */
	if (caller->headers != NULL &&
		ga_caller_setting("request.headers") != NULL &&
		bounded_setting("request.headers") == NULL)
		return true;
	return value != NULL && value[0] != '\0' &&
		   !is_honest(value, strlen(value), HEADER_MAX);
}

Jsonb *
ga_caller_headers(const GaCaller *caller)
{
	return caller->is_http ? read_object("request.headers") : NULL;
}

bool
ga_caller_only_reads(const GaCaller *caller)
{
	const char *method = ga_caller_setting("request.method");

	return XactReadOnly || (method != NULL && strcmp(method, "POST") != 0);
}

/* OpenID Connect has a boolean; some write it as a string. */
static bool
is_true(Jsonb *claims, const char *name)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(&claims->root, name, strlen(name),
									 &value) == NULL)
		return false;
	if (value.type == jbvBool)
		return value.val.boolean;
	return value.type == jbvString && value.val.string.len == 4 &&
		   strncmp(value.val.string.val, "true", 4) == 0;
}

/* A contact that was only typed in is somebody else's until it is verified. */
static const char *
verified_claim(Jsonb *claims, const char *name, const char *verified)
{
	return is_true(claims, verified) ? claim(claims, name) : NULL;
}

static bool
begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Subjects of ours stand beside those of tokens in one column. */
static bool
is_honest_subject(const char *subject, const char *issuer)
{
	return !begins_with(subject, GA_ROLE_SUBJECT) &&
		   !begins_with(subject, GA_FORMER_ROLE_SUBJECT) &&
		   !begins_with(subject, GA_ISSUER_SUBJECT) &&
		   strchr(issuer, '#') == NULL &&
		   strlen(subject) + strlen(issuer) <= CLAIM_MAX;
}

static bool
is_accepted_issuer(const char *issuer)
{
	return !ga_issuers_any(ga_settings.token_issuers) ||
		   ga_issuer_place(ga_settings.token_issuers, issuer) >= 0;
}

static void
take_claims(GaCaller *caller, Jsonb *claims)
{
	const char *subject = claim(claims, "sub");
	const char *issuer = claim(claims, "iss");

	if (issuer == NULL)
		issuer = "";
	if (subject == NULL || !is_honest_subject(subject, issuer) ||
		!is_accepted_issuer(issuer))
		return;
	caller->user.subject = subject;
	caller->user.issuer = issuer;
	caller->is_authenticated = true;
	/* OpenID Connect Core 1.0, 5.1 Standard Claims */
	caller->user.real_name = claim(claims, "name");
	caller->user.username = claim(claims, "preferred_username");
	caller->user.avatar = claim(claims, "picture");
	caller->user.email = verified_claim(claims, "email", "email_verified");
	caller->user.mobile =
		verified_claim(claims, "phone_number", "phone_number_verified");
	caller->user.locale = claim(claims, "locale");
	ga_user_fields_keep_right(&caller->user);
}

static void
take_role(GaCaller *caller)
{
	char *name = GetUserNameFromId(GetUserId(), true);

	if (name == NULL)
		return;
	caller->is_role = true;
	caller->is_authenticated = true;
	/* Its name is the operator's: nobody is told it. */
	caller->user.subject = psprintf(GA_ROLE_SUBJECT "%s", name);
	caller->user.role = GetUserId();
}

/* Whoever may say which database sends is an operator. */
static bool
may_adopt(void)
{
	Oid function = ga_extension_function("adopt");

	return OidIsValid(function) && ga_may_execute(function, GetUserId());
}

void
ga_caller_read(GaCaller *caller)
{
	bool trusted = is_trusted_session();
	Jsonb *claims = trusted ? read_object("request.jwt.claims") : NULL;

	memset(caller, 0, sizeof(*caller));
	caller->is_http = ga_caller_setting("request.method") != NULL;
	if (!trusted)
		refuse_unlisted_gateway(caller->is_http);
	if (caller->is_http)
		caller->headers = headers_to_read();
	if (claims != NULL)
		take_claims(caller, claims);
	/* Through a trusted gateway, no subject means nobody. */
	if (!caller->is_authenticated && !(caller->is_http && trusted))
		take_role(caller);
	/* A person's claims make nobody an operator. */
	caller->is_operator = caller->is_role && may_adopt();
}

void
ga_caller_look_up(const GaOwnerScope *scope, GaCaller *caller, bool add)
{
	const char *claimed = caller->user.locale;

	if (!caller->is_authenticated)
		return;
	if (add)
		ga_user_ensure(scope, &caller->user);
	else
		(void) ga_user_find(scope, &caller->user);
	/* The directory's word counts, the token's fills a gap. */
	if (caller->user.locale == NULL)
		caller->user.locale = claimed;
}

const char *
ga_caller_locale(const char *locale)
{
	char tag[GA_LOCALE_MAX];

	if (locale == NULL || !ga_locale_read(locale, tag))
		return NULL;
	return pstrdup(tag);
}

static bool
is_leader(const GaCaller *caller, const GaGroup *group)
{
	return caller->user.id != 0 && caller->user.id == group->created_by;
}

bool
ga_caller_finds(const GaOwnerScope *scope, const GaCaller *caller, pg_uuid_t id,
				GaGroup *group)
{
	bool found = ga_group_find_alone(scope, id, group);
	/* Asked of any id: what is hidden is as much work as what is not there. */
	bool is_member = ga_group_has_member(id, caller->user.id);

	if (!found)
		return false;
	/* Who is in it and who is invited is for contract B's own calls to say. */
	if (!ga_caller_may_change(caller, group) &&
		(group->contract == 'B' || caller->user.id == 0 || !is_member))
		return false;
	ga_group_read_members(scope, group);
	return true;
}

bool
ga_caller_may_change(const GaCaller *caller, const GaGroup *group)
{
	return caller->is_operator || is_leader(caller, group);
}

const char *
ga_caller_name(const GaCaller *caller)
{
	const char *name = ga_user_display_name(&caller->user);

	if (name != NULL)
		return name;
	if (!caller->is_role)
		return caller->user.subject;
	/* As others are shown whom the directory has no name for. */
	return caller->user.id != 0
			   ? psprintf("user " INT64_FORMAT, caller->user.id)
			   : "user";
}

PG_FUNCTION_INFO_V1(group_api_is_gateway);

Datum
group_api_is_gateway(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_trusted_session());
}
