/*
 * invitees.c
 *		Users of the directory as members of contract B's groups.
 */
#include "postgres.h"

#include "api/caller.h"
#include "api/contract_b/invitees.h"
#include "base/guc.h"
#include "request/contact/contact.h"
#include "store/plan_cache.h"

/* An address of the directory counts only if it would pass as a contact; that it
 * does not is no fault of the caller's, who must not learn of it. */
static GaContact
contact_of(const GaUser *user)
{
	GaContact contact = {GA_CHANNEL_NONE, NULL, NULL};
	GaViolations ignored = {NIL};
	GaContactFault fault;

	if (user->email != NULL &&
		ga_contact_read_email(user->email, "", &ignored, &contact))
		return contact;
	if (user->mobile != NULL &&
		ga_contact_read_mobile(user->mobile, "", &ignored, &contact) &&
		ga_contact_is_allowed(&contact, ga_settings.mobile_countries, &fault))
		return contact;
	contact.channel = GA_CHANNEL_NONE;
	contact.value = NULL;
	return contact;
}

void
ga_invitee_be_member(GaMember *member, const GaUser *user)
{
	const char *name = ga_user_display_name(user);

	member->user_id = user->id;
	member->name = name ? name : psprintf("user " INT64_FORMAT, user->id);
	member->picture = user->avatar;
	member->is_from_directory = true;
}

void
ga_invitee_be_invited(GaMember *member, const GaUser *user, TimestampTz moment)
{
	GaContact contact = contact_of(user);

	ga_invitee_be_member(member, user);
	member->channel = contact.channel;
	member->contact = contact.value;
	member->delivery = contact.channel == GA_CHANNEL_NONE ? GA_DELIVERY_NONE
														  : GA_DELIVERY_QUEUED;
	member->delivery_at = moment;
	member->response = GA_RESPONSE_PENDING;
	member->locale = ga_caller_locale(user->locale);
}

GaUser *
ga_invitees_named(const GaOwnerScope *scope, const char *field,
				  const GaNamedUsers *list, GaViolations *violations)
{
	GaUser *users = palloc0(sizeof(GaUser) * Max(list->count, 1));

	ga_users_find(scope, list->ids, list->count, users);
	for (int i = 0; i < list->count; i++)
		if (users[i].id == 0)
		{
			const char *path = psprintf("%s[%d]", field, list->places[i]);

			ga_violation_add(violations, path, GA_VIOLATION_DOES_NOT_EXIST,
							 NULL, "%s names no user: " INT64_FORMAT, path,
							 list->ids[i]);
		}
	return users;
}
