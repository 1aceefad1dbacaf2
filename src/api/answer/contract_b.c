/*
 * contract_b.c
 *		Contract B's objects: groups, users, their pages.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/answer/contract_b.h"
#include "api/answer/json_pieces.h"
#include "api/answer/preview.h"
#include "base/guc.h"
#include "base/percent.h"
#include "base/picture_url.h"
#include "utils/builtins.h"

/* The client's types have a text where there is none. */
static void
put_text(StringInfo out, const char *name, const char *text)
{
	ga_json_put_member(out, name, text == NULL ? "" : text);
	appendStringInfoChar(out, ',');
}

/* What a double holds exactly, 2^53 - 1: JavaScript's MAX_SAFE_INTEGER. */
#define SAFE_INTEGER_MAX INT64CONST(9007199254740991)

/* A number as JSON writes it, which comes back the same from JavaScript. */
static bool
is_safe_integer(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length <= 16 && strspn(text, "0123456789") == length &&
		   (text[0] != '0' || length == 1) &&
		   strtoll(text, NULL, 10) <= SAFE_INTEGER_MAX;
}

/* A number to the client's types, which may be left out; apps also have texts. */
static void
put_ext_id(StringInfo out, const char *ext_id)
{
	if (ext_id == NULL)
		return;
	if (is_safe_integer(ext_id))
		appendStringInfo(out, "\"ext_id\":%s,", ext_id);
	else
		put_text(out, "ext_id", ext_id);
}

static const char *
username_of(const GaUser *user)
{
	if (user->username != NULL && user->username[0] != '\0')
		return user->username;
	if (user->real_name != NULL && user->real_name[0] != '\0')
		return user->real_name;
	/* Of a dry run's caller there is no id yet. */
	return user->id == 0 ? "user" : psprintf("user" INT64_FORMAT, user->id);
}

static const char *
avatar_of(const GaUser *user)
{
	return user->avatar != NULL ? user->avatar : ga_settings.default_avatar_url;
}

/*
 * All that the client's type has to have.  What the directory does not know is
 * what a new user of theirs has: empty, unspecified, nothing.
 */
static void
put_user_fields(StringInfo out, const GaUser *user)
{
	appendStringInfo(out, "\"id\":" INT64_FORMAT ",", user->id);
	put_text(out, "username", username_of(user));
	put_text(out, "real_name", user->real_name);
	put_ext_id(out, user->ext_id);
	put_text(out, "avatar", avatar_of(user));
	appendStringInfoString(out, "\"date_joined\":");
	ga_json_put_moment(out, user->joined_at != 0
								? user->joined_at
								: GetCurrentTransactionStartTimestamp());
	appendStringInfoString(
		out, ",\"bio\":\"\",\"location\":\"\",\"description\":\"\","
			 "\"gender\":\"Unspecified\",\"website\":\"\",\"tags\":[],"
			 "\"reputation\":0");
}

static void
put_user(StringInfo out, const GaUser *user)
{
	appendStringInfoChar(out, '{');
	put_user_fields(out, user);
	appendStringInfoChar(out, '}');
}

/* The image's address in one size, by group_api.image_url_template. */
static const char *
sized_image(const char *url, int size)
{
	const char *at = ga_settings.image_url_template;
	StringInfoData out;

	if (at[0] == '\0')
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

const char *
ga_answer_emotional_image(const GaGroup *group)
{
	const char *url = ga_picture_url(group->emotional_image);

	return url != NULL ? url : ga_settings.default_emotional_image_url;
}

const GaImageSize ga_answer_image_sizes[GA_IMAGE_SIZES] = {
	{"image_bigger", 1200},
	{"image_big", 1000},
	{"image_medium", 600},
	{"image_small", 300},
};

const char *
ga_answer_image(const GaGroup *group, int pixels)
{
	const char *url = ga_picture_url(group->image);

	if (url == NULL)
		url = ga_settings.default_image_url;
	return url[0] == '\0' ? url : sized_image(url, pixels);
}

static void
put_images(StringInfo out, const GaGroup *group)
{
	appendStringInfoChar(out, ',');
	for (int i = 0; i < GA_IMAGE_SIZES; i++)
		put_text(out, ga_answer_image_sizes[i].name,
				 ga_answer_image(group, ga_answer_image_sizes[i].pixels));
	put_text(out, "emotional_image", ga_answer_emotional_image(group));
	appendStringInfo(out, "\"emotional_image_position\":%d",
					 group->emotional_image_position);
}

/* The object without its closing brace. */
static void
put_group_v2(StringInfo out, const GaGroup *group, const GaUser *creator,
			 int64 subscribers, const char *status)
{
	bool subscribed = status != NULL && strcmp(status, "subscribed") == 0;

	appendStringInfo(out, "{\"id\":" INT64_FORMAT ",", group->number);
	put_text(out, "name", group->name);
	put_text(out, "description", group->description);
	put_text(out, "slug", group->slug);
	put_text(out, "color", group->color);
	appendStringInfo(out, "\"privacy\":\"%s\",\"visible\":%s,\"active\":%s,",
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
	/* Nothing is sold here. */
	appendStringInfoString(out, ",\"paywalls\":[],\"product_ids\":[]");
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

	ga_json_begin(&out);
	put_group_row(&out, group, 0);
	return ga_json_finish(&out);
}

Datum
ga_answer_group_v2_preview(const GaGroup *group, const GaUser *creator,
						   int subscribers, const GaPreview *preview)
{
	StringInfoData out;

	ga_json_begin(&out);
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

	ga_json_begin(&out);
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

	ga_json_begin(&out);
	appendStringInfoChar(&out, '{');
	ga_json_put_member(&out, "status", status);
	appendStringInfoChar(&out, '}');
	return ga_json_finish(&out);
}

Datum
ga_answer_user_v2(const GaUser *user)
{
	StringInfoData out;

	ga_json_begin(&out);
	put_user(&out, user);
	return ga_json_finish(&out);
}

/*
 * Of what the client's types know of permissions there is one thing here that
 * anybody may do.
 */
static void
put_permission(StringInfo out, bool may_create)
{
	appendStringInfo(
		out,
		"{\"create_contribute\":false,\"create_poll\":false,"
		"\"create_group\":%s,\"locate_post\":false,\"create_post\":false,"
		"\"create_post_with_category\":false,\"follow_user\":false,"
		"\"request_connection\":false,\"accept_connection\":false}",
		may_create ? "true" : "false");
}

Datum
ga_answer_own_user_v2(const GaUser *user, bool may_create)
{
	StringInfoData out;

	ga_json_begin(&out);
	appendStringInfoChar(&out, '{');
	put_user_fields(&out, user);
	if (user->email != NULL)
	{
		appendStringInfoChar(&out, ',');
		ga_json_put_member(&out, "email", user->email);
	}
	appendStringInfoString(&out, ",\"permission\":");
	put_permission(&out, may_create);
	appendStringInfoChar(&out, '}');
	return ga_json_finish(&out);
}

Datum
ga_answer_permission_v2(bool may_create)
{
	StringInfoData out;

	ga_json_begin(&out);
	put_permission(&out, may_create);
	return ga_json_finish(&out);
}

Datum
ga_answer_avatar_v2(const GaUser *user)
{
	StringInfoData out;

	ga_json_begin(&out);
	appendStringInfoChar(&out, '{');
	ga_json_put_member(&out, "avatar", avatar_of(user));
	appendStringInfoChar(&out, '}');
	return ga_json_finish(&out);
}
