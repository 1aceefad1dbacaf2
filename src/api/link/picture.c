/*
 * picture.c
 *		Uploaded pictures: keeping them, and group_api.picture(uuid), which shows
 *		one, over HTTP as itself.
 *
 * Mails and pages show it to people without an account, so its id is the right to
 * see it.  To a browser the answer can be nothing but a picture: its type is what
 * its own bytes say, nothing is sniffed and nothing in it runs.
 */
#include "postgres.h"

#include "api/answer/answer.h"
#include "api/caller.h"
#include "api/link/picture.h"
#include "base/picture_url.h"
#include "fmgr.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* ---- keeping ------------------------------------------------------------ */

/* The pictures a group has, as its row says. */
typedef struct Shown
{
	const char *image;
	const char *emotional_image;
} Shown;

/*
 * The address of one of the group's own pictures, given back by a client that
 * sends all it was told, means that picture and not a URL somewhere.
 */
static const char *
recognize(const char *url, const Shown *shown)
{
	const char *const own[] = {shown->image, shown->emotional_image};

	for (int i = 0; url != NULL && i < lengthof(own); i++)
		if (own[i] != NULL && strcmp(ga_picture_url(own[i]), url) == 0)
			return own[i];
	return url;
}

/* What the group's row says of a picture. */
static const char *
take(const GaPicture *wanted, const Shown *shown, GaStoredPicture *upload)
{
	if (wanted->media_type == NULL)
		return recognize(wanted->url, shown);
	upload->id = ga_picture_new_id();
	upload->media_type = wanted->media_type;
	upload->data = wanted->bytes.data;
	upload->length = wanted->bytes.length;
	return ga_picture_name(upload->id);
}

void
ga_pictures_take(GaGroup *group, const GaGroupRequestV2 *request, uint32 given,
				 GaUploads *uploads)
{
	const Shown shown = {group->image, group->emotional_image};

	memset(uploads, 0, sizeof(*uploads));
	if (given & GA_GROUP_V2_IMAGE)
		group->image = take(&request->image, &shown, &uploads->image);
	if (given & GA_GROUP_V2_EMOTIONAL_IMAGE)
		group->emotional_image =
			take(&request->emotional_image, &shown, &uploads->emotional_image);
}

int64
ga_picture_uploads_bytes(const GaUploads *uploads)
{
	return (int64) (uploads->image.length + uploads->emotional_image.length);
}

void
ga_pictures_keep(const GaGroup *group, const GaUploads *uploads)
{
	if (uploads->image.data != NULL)
		ga_picture_insert(group->id, &uploads->image);
	if (uploads->emotional_image.data != NULL)
		ga_picture_insert(group->id, &uploads->emotional_image);
}

/* ---- showing ------------------------------------------------------------ */

/* RFC 9110, 5.6.7: IMF-fixdate. */
static const char *
http_date(TimestampTz moment)
{
	static const char *const week_days[] = {"Sun", "Mon", "Tue", "Wed",
											"Thu", "Fri", "Sat"};
	struct pg_tm tm;
	fsec_t fraction;

	if (timestamp2tm(moment, NULL, &tm, &fraction, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("timestamp out of range")));
	return psprintf("%s, %02d %s %04d %02d:%02d:%02d GMT",
					week_days[j2day(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday))],
					tm.tm_mday, months[tm.tm_mon - 1], tm.tm_year, tm.tm_hour,
					tm.tm_min, tm.tm_sec);
}

/*
 * RFC 9110, 13.1.2 and 13.1.3: a tag is asked for before a date, and one that holds
 * a comma is none of ours.  A picture never changes, so its date is looked for as it
 * was told.
 */
static bool
is_known_already(const GaCaller *caller, const char *tag, const char *date)
{
	const char *tags = ga_caller_header(caller, "if-none-match");
	const char *since = ga_caller_header(caller, "if-modified-since");

	if (tags != NULL)
		return strcmp(tags, "*") == 0 || strstr(tags, tag) != NULL;
	return since != NULL && strcmp(since, date) == 0;
}

static Datum
answer_picture(const GaCaller *caller, const GaStoredPicture *picture)
{
	const char *tag =
		psprintf("\"%s\"", DatumGetCString(DirectFunctionCall1(
							   uuid_out, UUIDPGetDatum(&picture->id))));
	const char *date = http_date(picture->created_at);
	const char *const headers[][2] = {
		{"Content-Type", picture->media_type},
		{"Content-Disposition", "inline"},
		{"Content-Security-Policy", "default-src 'none'; sandbox"},
		{"Cross-Origin-Resource-Policy", "cross-origin"},
		{"X-Content-Type-Options", "nosniff"},
		/* Another picture has another id. */
		{"Cache-Control", "public, max-age=86400, immutable"},
		{"ETag", tag},
		{"Last-Modified", date},
	};
	bool is_known = is_known_already(caller, tag, date);
	StringInfoData bytes = {.data = unconstify(char *, picture->data),
							.len = is_known ? 0 : (int) picture->length};

	return ga_answer_media(caller, is_known ? 304 : 200, &bytes, headers,
						   lengthof(headers));
}

static Datum
answer_missing(const GaCaller *caller)
{
	const char *words = "there is no such picture";
	const char *const headers[][2] = {
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Cache-Control", "no-store"},
	};
	StringInfoData bytes = {.data = unconstify(char *, words),
							.len = (int) strlen(words)};

	if (!caller->is_http)
		return ga_answer_fault(caller, GA_CONTRACT_SQL, "",
							   GA_VIOLATION_NOT_FOUND, NULL, "%s", words);
	return ga_answer_media(caller, 404, &bytes, headers, lengthof(headers));
}

PG_FUNCTION_INFO_V1(group_api_picture);

Datum
group_api_picture(PG_FUNCTION_ARGS)
{
	GaStoredPicture picture;
	bool found = false;
	GaOwnerScope scope;
	GaCaller caller;

	ga_caller_read(&caller);
	if (!PG_ARGISNULL(0))
	{
		ga_owner_enter(&scope);
		found = ga_picture_find(&scope, *PG_GETARG_UUID_P(0), &picture);
		ga_owner_leave(&scope);
	}
	return found ? answer_picture(&caller, &picture) : answer_missing(&caller);
}
