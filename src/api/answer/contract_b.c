/*
 * contract_b.c
 *		Contract B's objects: groups, users, their pages.
 */
#include "postgres.h"

#include "api/answer/contract_b.h"
#include "api/answer/json_pieces.h"
#include "api/answer/preview.h"
#include "base/guc.h"
#include "base/percent.h"
#include "base/picture_url.h"
#include "utils/builtins.h"

static void
put_user(StringInfo out, const GaUser *user)
{
	appendStringInfo(out, "{\"id\":" INT64_FORMAT ",", user->id);
	ga_json_put_member(out, "username", user->username);
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "real_name", user->real_name);
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "ext_id", user->ext_id);
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "avatar", user->avatar);
	appendStringInfoChar(out, '}');
}

/* The image's address in one size, by group_api.image_url_template. */
static const char *
sized_image(const char *url, int size)
{
	const char *at = ga_settings.image_url_template;
	StringInfoData out;

	if (url == NULL || at[0] == '\0')
		return url;
	initStringInfo(&out);
	while (*at)
		if (strncmp(at, "{url}", 5) == 0)
		{
			ga_percent_put(&out, ga_bytes(url), GA_PERCENT_UNRESERVED);
			at += 5;
		}
		else if (strncmp(at, "{size}", 6) == 0)
		{
			appendStringInfo(&out, "%d", size);
			at += 6;
		}
		else
			appendStringInfoChar(&out, *at++);
	return out.data;
}

static void
put_images(StringInfo out, const GaGroup *group)
{
	static const struct
	{
		const char *name;
		int size;
	} images[] = {{"image_bigger", 1200},
				  {"image_big", 1000},
				  {"image_medium", 600},
				  {"image_small", 300}};

	for (int i = 0; i < lengthof(images); i++)
	{
		appendStringInfoChar(out, ',');
		ga_json_put_member(
			out, images[i].name,
			sized_image(ga_picture_url(group->image), images[i].size));
	}
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "emotional_image",
					   ga_picture_url(group->emotional_image));
	appendStringInfo(out, ",\"emotional_image_position\":%d",
					 group->emotional_image_position);
}

/* The object without its closing brace. */
static void
put_group_v2(StringInfo out, const GaGroup *group, const GaUser *creator,
			 int64 subscribers, const char *status)
{
	bool subscribed = status != NULL && strcmp(status, "subscribed") == 0;

	appendStringInfo(out, "{\"id\":" INT64_FORMAT ",", group->number);
	ga_json_put_member(out, "name", group->name);
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "description", group->description);
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "slug", group->slug);
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "color", group->color);
	appendStringInfo(out, ",\"privacy\":\"%s\",\"visible\":%s,\"active\":%s,",
					 group->is_private ? "private" : "public",
					 group->visible ? "true" : "false",
					 group->active ? "true" : "false");
	ga_json_put_member(out, "subscription_status", status);
	appendStringInfo(out, ",\"subscribed\":%s", subscribed ? "true" : "false");
	put_images(out, group);
	appendStringInfo(
		out, ",\"subscribers_counter\":" INT64_FORMAT ",\"created_at\":",
		subscribers);
	ga_json_put_moment(out, group->created_at);
	appendStringInfoString(out, ",\"created_by\":");
	put_user(out, creator);
	appendStringInfoString(out, ",\"managed_by\":");
	put_user(out, creator);
}

static void
put_group_row(StringInfo out, const void *rows, int at)
{
	const GaGroupV2 *group = (const GaGroupV2 *) rows + at;

	put_group_v2(out, &group->common, &group->creator, group->subscribers,
				 group->status);
	appendStringInfoChar(out, '}');
}

Datum
ga_answer_group_v2(const GaGroupV2 *group)
{
	StringInfoData out;

	initStringInfo(&out);
	put_group_row(&out, group, 0);
	return ga_json_finish(&out);
}

Datum
ga_answer_group_v2_preview(const GaGroup *group, const GaUser *creator,
						   int subscribers, const GaPreview *preview)
{
	StringInfoData out;

	initStringInfo(&out);
	put_group_v2(&out, group, creator, subscribers, "subscribed");
	if (preview != NULL)
	{
		appendStringInfoChar(&out, ',');
		ga_answer_put_preview(&out, preview);
	}
	appendStringInfoChar(&out, '}');
	return ga_json_finish(&out);
}

typedef void (*PutRow)(StringInfo out, const void *rows, int at);

static void
put_user_row(StringInfo out, const void *rows, int at)
{
	put_user(out, (const GaUser *) rows + at);
}

static Datum
answer_page(const GaPaging *paging, const void *rows, int count, PutRow put)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"count\":" INT64_FORMAT ",",
					 paging->bounds.total);
	ga_json_put_member(&out, "next", ga_paging_next(paging));
	appendStringInfoChar(&out, ',');
	ga_json_put_member(&out, "previous", ga_paging_previous(paging));
	appendStringInfoString(&out, ",\"results\":[");
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, ',');
		put(&out, rows, i);
	}
	appendStringInfoString(&out, "]}");
	return ga_json_finish(&out);
}

Datum
ga_answer_groups_v2(const GaPaging *paging, const GaGroupV2 *groups, int count)
{
	return answer_page(paging, groups, count, put_group_row);
}

Datum
ga_answer_users_v2(const GaPaging *paging, const GaUser *users, int count)
{
	return answer_page(paging, users, count, put_user_row);
}

Datum
ga_answer_status_v2(const char *status)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	ga_json_put_member(&out, "status", status);
	appendStringInfoChar(&out, '}');
	return ga_json_finish(&out);
}
