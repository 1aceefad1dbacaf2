/*
 * contract_a.c
 *		Contract A's envelopes: {error, group}, {error, preview}, {error, invitation}.
 */
#include "postgres.h"

#include "api/answer/contract_a.h"
#include "api/answer/json_pieces.h"
#include "api/answer/preview.h"
#include "api/disclosure.h"
#include "base/picture_url.h"
#include "utils/builtins.h"

Datum
ga_answer_done(void)
{
	return CStringGetTextDatum("{\"error\":{\"code\":0,\"message\":\"\"},"
							   "\"group\":{}}");
}

Datum
ga_answer_preview(const GaPreview *preview)
{
	StringInfoData out;

	ga_json_begin(&out);
	ga_json_put_no_error(&out);
	ga_answer_put_preview(&out, preview);
	appendStringInfoChar(&out, '}');
	return ga_json_finish(&out);
}

static void
put_delivery(StringInfo out, const GaMember *member)
{
	ga_json_put(out, ",\"delivery\":{\"status\":");
	ga_json_put_text(out, ga_state_delivery_word(member->delivery));
	ga_json_put(out, ",\"reason\":");
	ga_json_put_text(out, member->reason);
	ga_json_put(out, ",\"at\":");
	ga_json_put_moment(out, member->delivery_at);
	appendStringInfoCharMacro(out, '}');
}

static void
put_member_view(StringInfo out, const GaMember *member)
{
	ga_json_put(out, "{\"name\":");
	ga_json_put_text(out, member->name);
	/* "Will be empty on creation": an empty text, not null. */
	ga_json_put(out, ",\"profilePicture\":");
	ga_json_put_text(out, member->picture ? member->picture : "");
	if (member->is_leader)
		ga_json_put(out, ",\"isLeader\":true");
	if (member->delivery != GA_DELIVERY_NONE)
		put_delivery(out, member);
	if (member->response != GA_RESPONSE_NONE &&
		member->response != GA_RESPONSE_PENDING)
	{
		appendStringInfoString(out, ",\"response\":{");
		ga_json_put_member(out, "status",
						   ga_state_response_word(member->response));
		appendStringInfoString(out, ",\"at\":");
		ga_json_put_moment(out, member->responded_at);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoCharMacro(out, '}');
}

Datum
ga_answer_group(const GaCaller *caller, GaGroup *group)
{
	return ga_answer_group_preview(caller, group, NULL);
}

/* The group's own fields, as far as its members. */
static void
put_group_fields(StringInfo out, const GaGroup *group)
{
	appendStringInfoString(out, "{\"id\":");
	ga_json_put_uuid(out, group->id);
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "name", group->name);
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "image",
					   group->image ? ga_picture_url(group->image) : "");
	appendStringInfoString(out, ",\"createdAt\":");
	ga_json_put_moment(out, group->created_at);
	appendStringInfo(out, ",\"status\":\"%s\",\"product\":{\"id\":",
					 group->is_archived ? "ARCHIVED" : "ACTIVE");
	if (group->has_product)
		ga_json_put_uuid(out, group->product_id);
	else
		appendStringInfoString(out, "null");
	appendStringInfoChar(out, '}');
}

static void
put_members(StringInfo out, const GaGroup *group)
{
	appendStringInfoString(out, ",\"members\":[");
	for (int i = 0; i < group->member_count; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		put_member_view(out, &group->members[i]);
	}
	appendStringInfoString(out, "]}");
}

/* Of a member who is invited, by the length of a usual name; a first guess. */
#define MEMBER_ROOM 128

Datum
ga_answer_group_preview(const GaCaller *caller, GaGroup *group,
						const GaPreview *preview)
{
	StringInfoData out;

	ga_disclosure_limit(caller, group);
	ga_json_begin(&out);
	enlargeStringInfo(&out, group->member_count * MEMBER_ROOM);
	ga_json_put_no_error(&out);
	appendStringInfoString(&out, "\"group\":");
	put_group_fields(&out, group);
	put_members(&out, group);
	if (preview != NULL)
	{
		appendStringInfoChar(&out, ',');
		ga_answer_put_preview(&out, preview);
	}
	appendStringInfoChar(&out, '}');
	return ga_json_finish(&out);
}

Datum
ga_answer_groups(const GaCaller *caller, const GaPaging *paging,
				 GaGroupOutline *groups, int count)
{
	StringInfoData out;

	ga_json_begin(&out);
	ga_json_put_no_error(&out);
	appendStringInfo(&out, "\"count\":" INT64_FORMAT ",", paging->bounds.total);
	ga_json_put_member(&out, "next", ga_paging_next(paging));
	appendStringInfoChar(&out, ',');
	ga_json_put_member(&out, "previous", ga_paging_previous(paging));
	appendStringInfoString(&out, ",\"groups\":[");
	for (int i = 0; i < count; i++)
	{
		GaGroup *view = &groups[i].view;

		ga_disclosure_limit(caller, view);
		if (i > 0)
			appendStringInfoChar(&out, ',');
		put_group_fields(&out, view);
		appendStringInfo(&out, ",\"memberCount\":" INT64_FORMAT,
						 groups[i].members);
		put_members(&out, view);
	}
	appendStringInfoString(&out, "]}");
	return ga_json_finish(&out);
}

Datum
ga_answer_invitation(const GaInvitationView *view, TimestampTz now)
{
	GaResponse status = view->response;
	StringInfoData out;

	/* The dispatcher may not have written it down yet. */
	if (status == GA_RESPONSE_PENDING && view->text.expires_at != 0 &&
		view->text.expires_at <= now)
		status = GA_RESPONSE_EXPIRED;
	ga_json_begin(&out);
	ga_json_put_no_error(&out);
	appendStringInfoString(&out, "\"invitation\":{\"group\":{\"id\":");
	ga_json_put_uuid(&out, view->group_id);
	appendStringInfoChar(&out, ',');
	ga_json_put_member(&out, "name", view->text.group_name);
	appendStringInfoChar(&out, ',');
	ga_json_put_member(&out, "description", view->text.description);
	appendStringInfoChar(&out, ',');
	ga_json_put_member(&out, "image",
					   view->text.image ? ga_picture_url(view->text.image)
										: "");
	appendStringInfoString(&out, "},");
	ga_json_put_member(&out, "inviter", view->text.inviter);
	appendStringInfoChar(&out, ',');
	ga_json_put_member(&out, "member", view->text.member);
	appendStringInfoChar(&out, ',');
	ga_json_put_member(&out, "message", view->text.message);
	appendStringInfoChar(&out, ',');
	ga_json_put_member(&out, "status", ga_state_response_word(status));
	appendStringInfoString(&out, ",\"respondedAt\":");
	ga_json_put_moment(&out, view->text.responded_at);
	appendStringInfoString(&out, ",\"expiresAt\":");
	ga_json_put_moment(&out, view->text.expires_at);
	appendStringInfoString(&out, "}}");
	return ga_json_finish(&out);
}
