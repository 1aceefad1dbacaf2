/*
 * answer.c
 *		The only file that writes JSON for callers.
 *
 * The order of keys is the documented one: answers are of type json and built
 * as text.  Every text goes through escape_json().
 */
#include "postgres.h"

#include "api/answer.h"
#include "api/quota.h"
#include "base/guc.h"
#include "base/picture_url.h"
#include "mb/pg_wchar.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* ---- pieces ------------------------------------------------------------- */

static void
put_text(StringInfo out, const char *text)
{
	if (text == NULL)
		appendStringInfoString(out, "null");
	else
		escape_json(out, text);
}

static void
put_member(StringInfo out, const char *name, const char *text)
{
	appendStringInfo(out, "\"%s\":", name);
	put_text(out, text);
}

static void
put_uuid(StringInfo out, pg_uuid_t uuid)
{
	Datum text = DirectFunctionCall1(uuid_out, UUIDPGetDatum(&uuid));

	appendStringInfo(out, "\"%s\"", DatumGetCString(text));
}

/* ISO 8601 in UTC with milliseconds, as a JavaScript Date prints itself. */
static void
put_moment(StringInfo out, TimestampTz moment)
{
	struct pg_tm tm;
	fsec_t fraction;

	if (moment == 0 ||
		timestamp2tm(moment, NULL, &tm, &fraction, NULL, NULL) != 0)
	{
		appendStringInfoString(out, "null");
		return;
	}
	appendStringInfo(out, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", tm.tm_year,
					 tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
					 (int) (fraction / 1000));
}

static Datum
finish(StringInfo out)
{
	return PointerGetDatum(cstring_to_text_with_len(out->data, out->len));
}

static const char no_error[] = "{\"error\":{\"code\":0,\"message\":\"\"},";

/* ---- settings of the gateway -------------------------------------------- */

static void
set_for_gateway(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

void
ga_answer_status(const GaCaller *caller, int status)
{
	if (!caller->is_http)
		return;
	set_for_gateway("response.status", psprintf("%d", status));
	/*
	 * A gateway counts the "null" that it then does not send; RFC 9110, 8.6
	 * allows no length at all, and HTTP/2 none but zero.
	 */
	if (status == 204)
		set_for_gateway("response.headers", "[{\"Content-Length\":\"0\"}]");
}

/* RFC 9110, 10.2.3 */
void
ga_answer_retry_after(const GaCaller *caller, int seconds)
{
	if (caller->is_http)
		set_for_gateway("response.headers",
						psprintf("[{\"Retry-After\":\"%d\"}]", seconds));
}

/* [{"Name": "value"}, ...]: escaped, a value cannot begin another header. */
static void
set_headers(const char *const (*headers)[2], int count)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < count; i++)
	{
		appendStringInfoString(&out, i == 0 ? "[{" : ",{");
		put_member(&out, headers[i][0], headers[i][1]);
		appendStringInfoChar(&out, '}');
	}
	appendStringInfoChar(&out, ']');
	set_for_gateway("response.headers", out.data);
}

Datum
ga_answer_media(const GaCaller *caller, int status,
				const StringInfoData *document, const char *const (*headers)[2],
				int count)
{
	ga_answer_status(caller, status);
	if (caller->is_http)
		set_headers(headers, count);
	return PointerGetDatum(
		cstring_to_text_with_len(document->data, document->len));
}

/* ---- faults ------------------------------------------------------------- */

/* [{"path", "code", "message"}], the code as a name or as A's number. */
static void
put_violations(StringInfo out, const GaViolations *violations, bool numbers)
{
	ListCell *cell;
	const char *comma = "";

	appendStringInfoChar(out, '[');
	foreach (cell, violations->list)
	{
		const GaViolation *violation = lfirst(cell);
		const GaViolationInfo *info = &ga_violation_info[violation->code];

		appendStringInfo(out, "%s{", comma);
		put_member(out, "path", violation->path);
		if (numbers)
			appendStringInfo(out, ",\"code\":%d,\"name\":\"%s\",", info->number,
							 info->name);
		else
			appendStringInfo(out, ",\"code\":\"%s\",", info->name);
		put_member(out, "message", violation->message);
		if (violation->hint != NULL)
		{
			appendStringInfoChar(out, ',');
			put_member(out, "hint", violation->hint);
		}
		appendStringInfoChar(out, '}');
		comma = ",";
	}
	appendStringInfoChar(out, ']');
}

static const char *
sql_hint(const GaViolations *violations)
{
	const GaViolation *first = linitial(violations->list);
	int others = list_length(violations->list) - 1;

	if (others == 0)
		return first->hint;
	return psprintf("%s%sThe request has %d faults; the detail lists all of "
					"them.",
					first->hint ? first->hint : "", first->hint ? " " : "",
					others + 1);
}

static void
throw_violations(const GaViolations *violations)
{
	const GaViolation *first = linitial(violations->list);
	const char *hint = sql_hint(violations);
	StringInfoData detail;

	initStringInfo(&detail);
	put_violations(&detail, violations, false);
	ereport(ERROR, (errcode(ga_violation_info[first->code].sqlstate),
					errmsg("%s", first->message),
					errdetail_internal("%s", detail.data),
					hint ? errhint("%s", hint) : 0));
}

static Datum
fault_document_a(const GaViolations *violations, const char *object)
{
	const GaViolation *first = linitial(violations->list);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"error\":{\"code\":%d,",
					 ga_violation_info[first->code].number);
	put_member(&out, "message", first->message);
	appendStringInfoString(&out, ",\"details\":");
	put_violations(&out, violations, true);
	appendStringInfo(&out, "},\"%s\":{}}", object);
	return finish(&out);
}

/* "members[1].contact" is a fault of the field members. */
static const char *
field_of(const char *path)
{
	size_t length = strcspn(path, ".[");

	/* An unknown field may begin with one. */
	return length == 0 ? path : pnstrdup(path, length);
}

/* The contract knows a code and a message: the hint is told in the latter. */
static void
put_v2_message(StringInfo out, const GaViolation *violation)
{
	const char *words =
		violation->hint == NULL
			? violation->message
			: psprintf("%s. %s", violation->message, violation->hint);

	appendStringInfo(out, "{\"code\":\"%s\",",
					 ga_violation_info[violation->code].v2_name);
	put_member(out, "message", words);
	appendStringInfoChar(out, '}');
}

/* One entry for each field, its messages in the order they were found. */
static void
put_v2_field(StringInfo out, const GaViolations *violations, int at)
{
	const GaViolation *first = list_nth(violations->list, at);
	const char *field = field_of(first->path);

	appendStringInfoChar(out, '{');
	put_member(out, "field", field);
	appendStringInfoString(out, ",\"messages\":[");
	for (int i = at; i < list_length(violations->list); i++)
	{
		const GaViolation *other = list_nth(violations->list, i);

		if (strcmp(field_of(other->path), field) != 0)
			continue;
		if (i > at)
			appendStringInfoChar(out, ',');
		put_v2_message(out, other);
	}
	appendStringInfoString(out, "]}");
}

static bool
field_came_before(const GaViolations *violations, int at)
{
	const GaViolation *violation = list_nth(violations->list, at);

	for (int i = 0; i < at; i++)
	{
		const GaViolation *earlier = list_nth(violations->list, i);

		if (strcmp(field_of(earlier->path), field_of(violation->path)) == 0)
			return true;
	}
	return false;
}

static Datum
fault_document_b(const GaViolations *violations)
{
	StringInfoData out;
	const char *comma = "";

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"errors\":[");
	for (int i = 0; i < list_length(violations->list); i++)
	{
		const GaViolation *violation = list_nth(violations->list, i);

		if (violation->path[0] != '\0' && field_came_before(violations, i))
			continue;
		appendStringInfoString(&out, comma);
		if (violation->path[0] == '\0')
			put_v2_message(&out, violation);
		else
			put_v2_field(&out, violations, i);
		comma = ",";
	}
	appendStringInfoString(&out, "]}");
	return finish(&out);
}

Datum
ga_answer_violations(const GaCaller *caller, GaContract contract,
					 const GaViolations *violations)
{
	const GaViolation *first = linitial(violations->list);
	const GaViolationInfo *info = &ga_violation_info[first->code];
	int status =
		contract == GA_CONTRACT_B ? info->v2_http_status : info->http_status;

	if (!caller->is_http || contract == GA_CONTRACT_SQL)
		throw_violations(violations);
	ga_answer_status(caller, status);
	/* RFC 9110, 15.5.2: a 401 must say how to authenticate. */
	if (status == 401)
		set_for_gateway("response.headers",
						"[{\"WWW-Authenticate\":\"Bearer\"}]");
	if (first->code == GA_VIOLATION_QUOTA)
		ga_answer_retry_after(caller, ga_quota_wait_s());
	switch (contract)
	{
		case GA_CONTRACT_A:
			return fault_document_a(violations, "group");
		case GA_CONTRACT_A_INVITATION:
			return fault_document_a(violations, "invitation");
		case GA_CONTRACT_A_PREVIEW:
			return fault_document_a(violations, "preview");
		case GA_CONTRACT_B:
			return fault_document_b(violations);
		case GA_CONTRACT_SQL:
			break;
	}
	return (Datum) 0;
}

Datum
ga_answer_fault(const GaCaller *caller, GaContract contract, const char *path,
				GaViolationCode code, const char *hint, const char *format, ...)
{
	GaViolations violations = {NIL};
	StringInfoData message;
	va_list args;
	int needed;

	initStringInfo(&message);
	do
	{
		va_start(args, format);
		needed = appendStringInfoVA(&message, format, args);
		va_end(args);
		if (needed > 0)
			enlargeStringInfo(&message, needed);
	} while (needed > 0);
	ga_violation_add(&violations, path, code, hint, "%s", message.data);
	return ga_answer_violations(caller, contract, &violations);
}

Datum
ga_answer_not_authenticated(const GaCaller *caller, GaContract contract)
{
	return ga_answer_fault(caller, contract, "", GA_VIOLATION_NOT_AUTHENTICATED,
						   "Send a token whose claims have a subject (sub).",
						   "authentication is required");
}

Datum
ga_answer_done(void)
{
	return CStringGetTextDatum("{\"error\":{\"code\":0,\"message\":\"\"},"
							   "\"group\":{}}");
}

/* ---- what would be sent ------------------------------------------------- */

static void
put_preview_message(StringInfo out, const GaPreviewMessage *entry)
{
	const GaMessage *message = &entry->message;
	bool is_sms = entry->member->channel == GA_CHANNEL_MOBILE;
	size_t bytes = strlen(message->text);

	if (message->subject != NULL)
		bytes += strlen(message->subject);
	if (message->html != NULL)
		bytes += strlen(message->html);
	appendStringInfo(out, "{\"number\":%d,", entry->member->number);
	put_member(out, "member", entry->member->name);
	appendStringInfo(out, ",\"channel\":\"%s\",", is_sms ? "MOBILE" : "EMAIL");
	put_member(out, "to", entry->member->contact);
	appendStringInfoChar(out, ',');
	put_member(out, "locale", message->locale);
	appendStringInfoChar(out, ',');
	put_member(out, "subject", message->subject);
	appendStringInfoChar(out, ',');
	put_member(out, "text", message->text);
	appendStringInfoChar(out, ',');
	put_member(out, "html", message->html);
	if (is_sms)
		appendStringInfo(out, ",\"segments\":%d,\"encoding\":\"%s\"",
						 message->segments,
						 message->is_ucs2 ? "UCS-2" : "GSM-7");
	else
		appendStringInfoString(out, ",\"segments\":null,\"encoding\":null");
	appendStringInfo(out, ",\"characters\":%d,\"bytes\":%zu}",
					 pg_mbstrlen(message->text), bytes);
}

static void
put_preview(StringInfo out, const GaPreview *preview)
{
	appendStringInfoString(
		out, "\"preview\":{\"note\":\"The token in each link is a dummy as "
			 "long as the real one.\",\"messages\":[");
	for (int i = 0; i < preview->shown; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		put_preview_message(out, &preview->messages[i]);
	}
	appendStringInfo(out,
					 "],\"shown\":%d,\"total\":%d,\"totals\":{"
					 "\"messages\":%d,\"sms\":%d,\"segments\":" INT64_FORMAT
					 ",\"emails\":%d}}",
					 preview->shown, preview->total, preview->total,
					 preview->sms, preview->segments, preview->emails);
}

Datum
ga_answer_preview(const GaPreview *preview)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, no_error);
	put_preview(&out, preview);
	appendStringInfoChar(&out, '}');
	return finish(&out);
}

/* ---- contract A --------------------------------------------------------- */

static void
put_delivery(StringInfo out, const GaMemberView *member)
{
	appendStringInfoString(out, ",\"delivery\":{");
	put_member(out, "status", member->delivery);
	appendStringInfoChar(out, ',');
	put_member(out, "reason", member->reason);
	appendStringInfoString(out, ",\"at\":");
	put_moment(out, member->delivery_at);
	appendStringInfoChar(out, '}');
}

static void
put_member_view(StringInfo out, const GaMemberView *member)
{
	appendStringInfoChar(out, '{');
	put_member(out, "name", member->name);
	appendStringInfoChar(out, ',');
	/* "Will be empty on creation": an empty text, not null. */
	put_member(out, "profilePicture", member->picture ? member->picture : "");
	if (member->is_leader)
		appendStringInfoString(out, ",\"isLeader\":true");
	if (member->delivery != NULL)
		put_delivery(out, member);
	if (member->response != NULL && strcmp(member->response, "pending") != 0)
	{
		appendStringInfoString(out, ",\"response\":{");
		put_member(out, "status", member->response);
		appendStringInfoString(out, ",\"at\":");
		put_moment(out, member->responded_at);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, '}');
}

Datum
ga_answer_group(const GaGroupView *group)
{
	return ga_answer_group_preview(group, NULL);
}

Datum
ga_answer_group_preview(const GaGroupView *group, const GaPreview *preview)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, no_error);
	appendStringInfoString(&out, "\"group\":{\"id\":");
	put_uuid(&out, group->id);
	appendStringInfoChar(&out, ',');
	put_member(&out, "name", group->name);
	appendStringInfoChar(&out, ',');
	put_member(&out, "image", group->image ? ga_picture_url(group->image) : "");
	appendStringInfoString(&out, ",\"createdAt\":");
	put_moment(&out, group->created_at);
	appendStringInfo(&out, ",\"status\":\"%s\",\"product\":{\"id\":",
					 group->is_archived ? "ARCHIVED" : "ACTIVE");
	if (group->has_product)
		put_uuid(&out, group->product_id);
	else
		appendStringInfoString(&out, "null");
	appendStringInfoString(&out, "},\"members\":[");
	for (int i = 0; i < group->member_count; i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, ',');
		put_member_view(&out, &group->members[i]);
	}
	appendStringInfoString(&out, "]}");
	if (preview != NULL)
	{
		appendStringInfoChar(&out, ',');
		put_preview(&out, preview);
	}
	appendStringInfoChar(&out, '}');
	return finish(&out);
}

Datum
ga_answer_invitation(const GaInvitationView *view, TimestampTz now)
{
	const char *status = view->response;
	StringInfoData out;

	/* The dispatcher may not have written it down yet. */
	if (strcmp(status, "pending") == 0 && view->expires_at != 0 &&
		view->expires_at <= now)
		status = "expired";
	initStringInfo(&out);
	appendStringInfoString(&out, no_error);
	appendStringInfoString(&out, "\"invitation\":{\"group\":{\"id\":");
	put_uuid(&out, view->group_id);
	appendStringInfoChar(&out, ',');
	put_member(&out, "name", view->group_name);
	appendStringInfoChar(&out, ',');
	put_member(&out, "description", view->description);
	appendStringInfoChar(&out, ',');
	put_member(&out, "image", view->image ? ga_picture_url(view->image) : "");
	appendStringInfoString(&out, "},");
	put_member(&out, "inviter", view->inviter);
	appendStringInfoChar(&out, ',');
	put_member(&out, "member", view->member);
	appendStringInfoChar(&out, ',');
	put_member(&out, "message", view->message);
	appendStringInfoChar(&out, ',');
	put_member(&out, "status", status);
	appendStringInfoString(&out, ",\"respondedAt\":");
	put_moment(&out, view->responded_at);
	appendStringInfoString(&out, ",\"expiresAt\":");
	put_moment(&out, view->expires_at);
	appendStringInfoString(&out, "}}");
	return finish(&out);
}

/* ---- contract B --------------------------------------------------------- */

static void
put_user(StringInfo out, const GaUser *user)
{
	appendStringInfo(out, "{\"id\":" INT64_FORMAT ",", user->id);
	put_member(out, "username", user->username);
	appendStringInfoChar(out, ',');
	put_member(out, "real_name", user->real_name);
	appendStringInfoChar(out, ',');
	put_member(out, "ext_id", user->ext_id);
	appendStringInfoChar(out, ',');
	put_member(out, "avatar", user->avatar);
	appendStringInfoChar(out, '}');
}

/* RFC 3986, 2.3: all but the unreserved characters. */
static void
put_percent_encoded(StringInfo out, const char *text)
{
	for (const unsigned char *c = (const unsigned char *) text; *c; c++)
		if (*c < 128 && (isalnum(*c) || strchr("-._~", *c) != NULL))
			appendStringInfoChar(out, (char) *c);
		else
			appendStringInfo(out, "%%%02X", *c);
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
			put_percent_encoded(&out, url);
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
put_images(StringInfo out, const GaGroupView *group)
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
		put_member(out, images[i].name,
				   sized_image(ga_picture_url(group->image), images[i].size));
	}
	appendStringInfoChar(out, ',');
	put_member(out, "emotional_image", ga_picture_url(group->emotional_image));
	appendStringInfo(out, ",\"emotional_image_position\":%d",
					 group->emotional_image_position);
}

/* The object without its closing brace. */
static void
put_group_v2(StringInfo out, const GaGroupView *group, const GaUser *creator,
			 int64 subscribers, const char *status)
{
	bool subscribed = status != NULL && strcmp(status, "subscribed") == 0;

	appendStringInfo(out, "{\"id\":" INT64_FORMAT ",", group->number);
	put_member(out, "name", group->name);
	appendStringInfoChar(out, ',');
	put_member(out, "description", group->description);
	appendStringInfoChar(out, ',');
	put_member(out, "slug", group->slug);
	appendStringInfoChar(out, ',');
	put_member(out, "color", group->color);
	appendStringInfo(out, ",\"privacy\":\"%s\",\"visible\":%s,\"active\":%s,",
					 group->is_private ? "private" : "public",
					 group->visible ? "true" : "false",
					 group->active ? "true" : "false");
	put_member(out, "subscription_status", status);
	appendStringInfo(out, ",\"subscribed\":%s", subscribed ? "true" : "false");
	put_images(out, group);
	appendStringInfo(
		out, ",\"subscribers_counter\":" INT64_FORMAT ",\"created_at\":",
		subscribers);
	put_moment(out, group->created_at);
	appendStringInfoString(out, ",\"created_by\":");
	put_user(out, creator);
	appendStringInfoString(out, ",\"managed_by\":");
	put_user(out, creator);
}

Datum
ga_answer_group_v2(const GaGroupV2 *group)
{
	StringInfoData out;

	initStringInfo(&out);
	put_group_v2(&out, &group->view, &group->creator, group->subscribers,
				 group->status);
	appendStringInfoChar(&out, '}');
	return finish(&out);
}

Datum
ga_answer_group_v2_preview(const GaGroupView *group, const GaUser *creator,
						   int subscribers, const GaPreview *preview)
{
	StringInfoData out;

	initStringInfo(&out);
	put_group_v2(&out, group, creator, subscribers, "subscribed");
	if (preview != NULL)
	{
		appendStringInfoChar(&out, ',');
		put_preview(&out, preview);
	}
	appendStringInfoChar(&out, '}');
	return finish(&out);
}

/* As far as the list that begins behind "results". */
static void
begin_page(StringInfo out, const GaPaging *paging)
{
	initStringInfo(out);
	appendStringInfo(out, "{\"count\":" INT64_FORMAT ",", paging->slice.total);
	put_member(out, "next", ga_paging_next(paging));
	appendStringInfoChar(out, ',');
	put_member(out, "previous", ga_paging_previous(paging));
	appendStringInfoString(out, ",\"results\":[");
}

Datum
ga_answer_groups_v2(const GaPaging *paging, const GaGroupV2 *groups, int count)
{
	StringInfoData out;

	begin_page(&out, paging);
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, ',');
		put_group_v2(&out, &groups[i].view, &groups[i].creator,
					 groups[i].subscribers, groups[i].status);
		appendStringInfoChar(&out, '}');
	}
	appendStringInfoString(&out, "]}");
	return finish(&out);
}

Datum
ga_answer_users_v2(const GaPaging *paging, const GaUser *users, int count)
{
	StringInfoData out;

	begin_page(&out, paging);
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, ',');
		put_user(&out, &users[i]);
	}
	appendStringInfoString(&out, "]}");
	return finish(&out);
}

Datum
ga_answer_status_v2(const char *status)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	put_member(&out, "status", status);
	appendStringInfoChar(&out, '}');
	return finish(&out);
}
