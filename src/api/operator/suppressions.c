/*
 * suppressions.c
 *		group_api.suppress() and unsuppress(): the operator's side of the list.
 *
 * EXECUTE is the right to call them.
 */
#include "postgres.h"

#include "api/answer/answer.h"
#include "api/caller.h"
#include "request/contact/contact.h"
#include "store/plan_cache.h"
#include "store/suppression_store.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

/* An ERROR unless the first argument is a contact. */
static void
read_contact(FunctionCallInfo fcinfo, GaContact *contact)
{
	GaViolations violations = {NIL};
	GaCaller caller;
	const char *given;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the contact must not be null")));
	given = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (strpbrk(given, "@0123456789") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the contact is neither an e-mail address nor a "
						"mobile number"),
				 errhint("Write it as ann@example.com, or with + and the "
						 "country code, as +27701231234.")));
	if (strchr(given, '@') != NULL)
		ga_contact_read_email(given, "contact", &violations, contact);
	else
		ga_contact_read_mobile(given, "contact", &violations, contact);
	if (!ga_violations_any(&violations))
		return;
	ga_caller_read(&caller);
	ga_answer_violations(&caller, GA_CONTRACT_SQL, &violations);
}

PG_FUNCTION_INFO_V1(group_api_suppress);

Datum
group_api_suppress(PG_FUNCTION_ARGS)
{
	GaContact contact;
	GaOwnerScope scope;
	bool is_new;

	read_contact(fcinfo, &contact);
	ga_owner_enter(&scope);
	is_new = ga_suppression_add(contact.channel, contact.value,
								&(GaSuppressionCause){.reason = "operator"});
	ga_owner_leave(&scope);
	PG_RETURN_BOOL(is_new);
}

/* As many as are named one by one. */
#define NAMED 10

/* Taking one off the list sends nothing: whose turn it is decides their leader. */
static void
tell_kept_back(const GaRowKey *kept, int64 count)
{
	StringInfoData names;

	if (count == 0)
		return;
	initStringInfo(&names);
	for (int i = 0; i < Min(count, NAMED); i++)
		appendStringInfo(&names, "%sgroup %s, member %d", i > 0 ? "; " : "",
						 DatumGetCString(DirectFunctionCall1(
							 uuid_out, UUIDPGetDatum(&kept[i].group_id))),
						 kept[i].number);
	if (count > NAMED)
		appendStringInfoString(&names, "; ...");
	ereport(
		NOTICE,
		(errmsg_plural("%lld invitation that was not sent can be sent now",
					   "%lld invitations that were not sent can be sent now",
					   (unsigned long) count, (long long) count),
		 errdetail_internal("%s", names.data),
		 errhint("SELECT group_api.resend_invitation('GROUP', MEMBER);")));
}

PG_FUNCTION_INFO_V1(group_api_unsuppress);

Datum
group_api_unsuppress(PG_FUNCTION_ARGS)
{
	GaContact contact;
	GaOwnerScope scope;
	GaRowKey kept[NAMED];
	int64 count = 0;
	bool was_there;

	read_contact(fcinfo, &contact);
	ga_owner_enter(&scope);
	was_there = ga_suppression_remove(contact.channel, contact.value);
	if (was_there)
		count = ga_suppressions_kept_back(contact.channel, contact.value, kept,
										  NAMED);
	ga_owner_leave(&scope);
	tell_kept_back(kept, count);
	PG_RETURN_BOOL(was_there);
}
