/*
 * caller.c
 *		Identity from the gateway's settings or from the session.
 *
 * Any session can SET request.jwt.claims; only a gateway's login role is
 * believed.  Must never throw because of what stands in these settings.
 */
#include "postgres.h"

#include "api/caller.h"
#include "base/compat.h"
#include "base/guc.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "store/plan_cache.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

/* A claim longer than this is not a name, an address or a picture. */
#define CLAIM_MAX 2048
#define CLAIMS_MAX 65536

static const char *
setting_or_null(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	/* After the gateway's transaction a setting is empty, not unset. */
	return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool
is_trusted_session(void)
{
	char *user = GetUserNameFromId(GetSessionUserId(), true);
	char *list = pstrdup(ga_settings.trusted_roles);
	List *names = NIL;
	ListCell *cell;

	if (superuser_arg(GetSessionUserId()))
		return true;
	if (user == NULL || !SplitIdentifierString(list, ',', &names))
		return false;
	foreach (cell, names)
		if (strcmp(lfirst(cell), user) == 0)
			return true;
	return false;
}

/* A text claim; NULL when absent, empty, of another type or absurdly long. */
static const char *
claim(Jsonb *claims, const char *name)
{
	JsonbValue value;

	if (getKeyJsonValueFromContainer(&claims->root, name, strlen(name),
									 &value) == NULL ||
		value.type != jbvString || value.val.string.len == 0 ||
		value.val.string.len > CLAIM_MAX)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

static Jsonb *
read_claims(void)
{
	const char *text = setting_or_null("request.jwt.claims");
	Jsonb *claims;

	if (text == NULL || strlen(text) > CLAIMS_MAX ||
		!ga_json_is_valid(text, strlen(text)))
		return NULL;
	claims =
		DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	return JB_ROOT_IS_OBJECT(claims) ? claims : NULL;
}

static void
take_claims(GaCaller *caller, Jsonb *claims)
{
	caller->user.subject = claim(claims, "sub");
	if (caller->user.subject == NULL)
		return;
	caller->is_authenticated = true;
	/* OpenID Connect Core 1.0, 5.1 Standard Claims */
	caller->user.real_name = claim(claims, "name");
	caller->user.username = claim(claims, "preferred_username");
	caller->user.avatar = claim(claims, "picture");
	caller->user.email = claim(claims, "email");
	caller->user.mobile = claim(claims, "phone_number");
	caller->user.locale = claim(claims, "locale");
}

static void
take_role(GaCaller *caller)
{
	char *name = GetUserNameFromId(GetUserId(), true);

	if (name == NULL)
		return;
	caller->is_role = true;
	caller->is_authenticated = true;
	caller->user.subject = psprintf("role:%s", name);
	caller->user.username = name;
}

static bool
may_read_tables(void)
{
	Oid namespace = get_namespace_oid("group_api_private", true);
	Oid relation = OidIsValid(namespace)
					   ? get_relname_relid("invitations", namespace)
					   : InvalidOid;

	return OidIsValid(relation) &&
		   pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

void
ga_caller_read(GaCaller *caller)
{
	bool trusted = is_trusted_session();
	Jsonb *claims = trusted ? read_claims() : NULL;

	memset(caller, 0, sizeof(*caller));
	caller->is_http = setting_or_null("request.method") != NULL;
	if (claims != NULL)
		take_claims(caller, claims);
	/* Through a trusted gateway, no subject means nobody. */
	if (!caller->is_authenticated && !(caller->is_http && trusted))
		take_role(caller);
	/* Operators read the tables; a person's claims make nobody one. */
	caller->is_operator = caller->is_role && may_read_tables();
}

void
ga_caller_look_up(const GaOwnerScope *scope, GaCaller *caller, bool add)
{
	if (!caller->is_authenticated || ga_user_find(scope, &caller->user))
		return;
	if (add)
		ga_user_add(&caller->user);
}

static bool
is_leader(const GaCaller *caller, const GaGroupView *group)
{
	return caller->user.id != 0 && caller->user.id == group->created_by;
}

bool
ga_caller_may_see(const GaCaller *caller, const GaGroupView *group)
{
	if (caller->is_operator || is_leader(caller, group))
		return true;
	for (int i = 0; i < group->member_count; i++)
		if (caller->user.id != 0 &&
			group->members[i].user_id == caller->user.id)
			return true;
	return false;
}

bool
ga_caller_may_change(const GaCaller *caller, const GaGroupView *group)
{
	return caller->is_operator || is_leader(caller, group);
}

const char *
ga_caller_name(const GaCaller *caller)
{
	const char *name = ga_user_display_name(&caller->user);

	return name != NULL ? name : caller->user.subject;
}
