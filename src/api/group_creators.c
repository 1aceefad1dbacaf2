/*
 * group_creators.c
 *		Who may create groups: group_api.group_creators.
 *
 * A gateway becomes the role that a token names, so a role is what an identity
 * provider can tell about a person.  The right to execute create_group() says the
 * same for all who share a role; this setting leaves the API as it is for others,
 * who are told 403 and see it in their permissions.
 */
#include "postgres.h"

#include "api/group_creators.h"
#include "base/guc.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/varlena.h"

bool
ga_group_creators_have(const GaCaller *caller)
{
	char *list = pstrdup(ga_settings.group_creators);
	List *names = NIL;
	ListCell *cell;

	if (caller->is_operator || list[0] == '\0')
		return true;
	if (!SplitIdentifierString(list, ',', &names))
		return false;
	foreach (cell, names)
	{
		Oid role = get_role_oid(lfirst(cell), true);

		if (OidIsValid(role) && is_member_of_role(GetUserId(), role))
			return true;
	}
	return false;
}
