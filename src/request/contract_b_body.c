/*
 * contract_b_body.c
 *		Contract B, POST, PUT and PATCH /api/v2/group/: the body to a struct.
 *
 * The API's own clients send JSON or a form, and a form has texts only: "true"
 * and "12" are taken for a boolean and a number.  They send an empty text for
 * a field left empty, so where null is allowed "" means the same.  Limits are
 * those of the published client.  What its answers contain may come back; an update
 * notes what it says of them.  A user named twice is invited once.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "request/contract_body.h"
#include "request/json_reader.h"
#include "request/picture.h"
#include "request/soft_json.h"

#define NAME_MAX_CHARS 40
#define DESCRIPTION_MAX_CHARS 500
#define COLOR_MAX_CHARS 32

#define OPTIONAL_TEXT (GA_JSON_NULLABLE | GA_JSON_BLANK_IS_NULL)
/* Base64 may come in lines. */
#define OPTIONAL_PICTURE (OPTIONAL_TEXT | GA_JSON_MULTI_LINE | GA_JSON_FILE)

static void
check_privacy(GaJsonReader *reader, const GaJsonPath *path, const char *text,
			  void *target)
{
	bool *is_private = target;

	if (strcmp(text, "private") == 0)
		*is_private = true;
	else if (strcmp(text, "public") == 0)
		*is_private = false;
	else
		ga_json_fault(reader, path, GA_VIOLATION_INVALID_CHOICE, NULL,
					  "must be public or private");
}

/* ---- Lists of users ---- */

typedef struct RankedId
{
	int64 id;
	int rank; /* place in the list as given */
} RankedId;

static int
compare_ids(const void *a, const void *b)
{
	const RankedId *left = a;
	const RankedId *right = b;

	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return left->rank - right->rank;
}

static int
compare_ranks(const void *a, const void *b)
{
	return ((const RankedId *) a)->rank - ((const RankedId *) b)->rank;
}

/* Keeps the first of equal ids, in the order given. */
static void
remove_repeated(RankedId *ids, int count, GaNamedUsers *users)
{
	int kept = 0;

	qsort(ids, count, sizeof(RankedId), compare_ids);
	for (int i = 0; i < count; i++)
		if (kept == 0 || ids[i].id != ids[kept - 1].id)
			ids[kept++] = ids[i];
	qsort(ids, kept, sizeof(RankedId), compare_ranks);

	users->count = kept;
	users->ids = palloc_array(int64, Max(kept, 1));
	users->places = palloc_array(int, Max(kept, 1));
	for (int i = 0; i < kept; i++)
	{
		users->ids[i] = ids[i].id;
		users->places[i] = ids[i].rank;
	}
}

static bool
may_have(GaJsonReader *reader, const GaJsonPath *path, int count)
{
	if (count <= reader->max_items)
		return true;
	ga_json_fault(reader, path, GA_VIOLATION_TOO_MANY, NULL,
				  "has %d users, at most %d are allowed", count,
				  reader->max_items);
	return false;
}

static void
fault_null(GaJsonReader *reader, const GaJsonPath *user)
{
	ga_json_fault(reader, user, GA_VIOLATION_NULL, NULL, "must not be null");
}

static bool
may_be_id(GaJsonReader *reader, const GaJsonPath *user, int64 id)
{
	if (id > 0)
		return true;
	ga_json_fault(reader, user, GA_VIOLATION_DOES_NOT_EXIST, NULL,
				  "must be a positive number");
	return false;
}

static void
read_users(GaJsonReader *reader, const GaJsonPath *path, JsonbContainer *list,
		   void *target)
{
	int count = JsonContainerSize(list);
	JsonbIterator *iterator;
	JsonbValue element;
	RankedId *ids;
	int valid = 0;

	if (!may_have(reader, path, count))
		return;
	ids = palloc_array(RankedId, Max(count, 1));
	iterator = JsonbIteratorInit(list);
	(void) JsonbIteratorNext(&iterator, &element, false);
	for (int i = 0; i < count; i++)
	{
		GaJsonPath user = ga_json_path_element(path, i);

		CHECK_FOR_INTERRUPTS();
		(void) JsonbIteratorNext(&iterator, &element, true);
		ids[valid].rank = i;
		if (element.type == jbvNull)
			fault_null(reader, &user);
		else if (ga_json_read_integer(reader, &user, &element, true,
									  &ids[valid].id) &&
				 may_be_id(reader, &user, ids[valid].id))
			valid++;
	}
	remove_repeated(ids, valid, target);
	pfree(ids);
}

static void
read_invite_users(GaJsonReader *reader, const GaJsonPath *path,
				  JsonbContainer *list, void *target)
{
	GaGroupRequestV2 *request = target;

	read_users(reader, path, list, &request->invite_users);
}

/* ---- The body ---- */

typedef struct Body
{
	GaGroupRequestV2 request;
	int64 image_position;
} Body;

#define NO_POSITION PG_INT64_MIN

#define IN_REQUEST(field) offsetof(Body, request.field)

/* The bits GA_GROUP_V2_* count the first fields in this order. */
#define CHANGEABLE_FIELDS                                                      \
	{.name = "name",                                                           \
	 .kind = GA_JSON_TEXT,                                                     \
	 .flags = GA_JSON_REQUIRED,                                                \
	 .max_chars = NAME_MAX_CHARS,                                              \
	 .offset = IN_REQUEST(name)},                                              \
		{.name = "description",                                                \
		 .kind = GA_JSON_TEXT,                                                 \
		 .flags = OPTIONAL_TEXT | GA_JSON_MULTI_LINE,                          \
		 .max_chars = DESCRIPTION_MAX_CHARS,                                   \
		 .offset = IN_REQUEST(description)},                                   \
		{.name = "color",                                                      \
		 .kind = GA_JSON_TEXT,                                                 \
		 .flags = OPTIONAL_TEXT,                                               \
		 .max_chars = COLOR_MAX_CHARS,                                         \
		 .offset = IN_REQUEST(color)},                                         \
		{.name = "privacy",                                                    \
		 .kind = GA_JSON_TEXT,                                                 \
		 .offset = IN_REQUEST(is_private),                                     \
		 .check = check_privacy},                                              \
	{                                                                          \
		.name = "visible", .kind = GA_JSON_BOOLEAN, .flags = GA_JSON_LENIENT,  \
		.offset = IN_REQUEST(is_visible)                                       \
	}

#define IMAGE_FIELDS                                                           \
	{.name = "image_original",                                                 \
	 .kind = GA_JSON_TEXT,                                                     \
	 .flags = OPTIONAL_PICTURE,                                                \
	 .max_chars = GA_PICTURE_TEXT_MAX,                                         \
	 .offset = IN_REQUEST(image),                                              \
	 .check = ga_picture_check},                                               \
		{.name = "emotional_image_original",                                   \
		 .kind = GA_JSON_TEXT,                                                 \
		 .flags = OPTIONAL_PICTURE,                                            \
		 .max_chars = GA_PICTURE_TEXT_MAX,                                     \
		 .offset = IN_REQUEST(emotional_image),                                \
		 .check = ga_picture_check},                                           \
	{                                                                          \
		.name = "emotional_image_position", .kind = GA_JSON_INTEGER,           \
		.flags = OPTIONAL_TEXT | GA_JSON_LENIENT,                              \
		.offset = offsetof(Body, image_position)                               \
	}

/* ---- What stands in answers and comes back ---- */

/* Nothing is sold here: null, an empty list, or either as a form's text. */
static void
check_unsold(GaJsonReader *reader, const GaJsonPath *path,
			 const JsonbValue *value, void *target)
{
	bool is_empty = value->type == jbvBinary
						? JsonContainerSize(value->val.binary.data) == 0
						: value->type == jbvString &&
							  (value->val.string.len == 0 ||
							   (value->val.string.len == 2 &&
								strncmp(value->val.string.val, "[]", 2) == 0));

	if (!is_empty)
		ga_json_fault(reader, path, GA_VIOLATION_INVALID_CHOICE,
					  "Leave it out: groups are not sold here.",
					  "must be empty");
}

static const char *
said_text(const JsonbValue *value)
{
	JsonbValue id;

	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvBool:
			return value->val.boolean ? "true" : "false";
		case jbvNumeric:
			return ga_soft_json_number(value->val.numeric);
		default:
			if (value->type == jbvBinary &&
				JsonContainerIsObject(value->val.binary.data) &&
				getKeyJsonValueFromContainer(value->val.binary.data, "id", 2,
											 &id) != NULL &&
				id.type != jbvBinary)
				return said_text(&id);
			return "";
	}
}

/* Whether it says what is so is for those to judge who know the group. */
static void
note_said(GaJsonReader *reader, const GaJsonPath *path, const JsonbValue *value,
		  void *target)
{
	GaGroupRequestV2 *request = target;
	GaSaidField *said = palloc(sizeof(*said));

	said->name = path->name;
	said->text = said_text(value);
	request->said = lappend(request->said, said);
}

static void
check_active(GaJsonReader *reader, const GaJsonPath *path,
			 const JsonbValue *value, void *target)
{
	if (strcmp(said_text(value), "false") == 0)
		ga_json_fault(reader, path, GA_VIOLATION_INVALID_CHOICE, NULL,
					  "must be true: a new group is");
}

#define INSPECTED(field, how)                                                  \
	{                                                                          \
		.name = field, .kind = GA_JSON_IGNORED, .flags = GA_JSON_NULLABLE,     \
		.offset = offsetof(Body, request), .inspect = how                      \
	}
#define IGNORED(field) INSPECTED(field, NULL)

#define UNSOLD_FIELDS                                                          \
	INSPECTED("products", check_unsold),                                       \
		INSPECTED("product_ids", check_unsold),                                \
		INSPECTED("paywalls", check_unsold),                                   \
		INSPECTED("payment_order", check_unsold)

/* What changes by itself may be old in what comes back. */
#define FACTS                                                                  \
	IGNORED("subscription_status"), IGNORED("subscribed"),                     \
		IGNORED("subscribers_counter"), IGNORED("created_at")

#define READ_ONLY_FIELDS(how)                                                  \
	INSPECTED("id", how), INSPECTED("slug", how),                              \
		INSPECTED("image_bigger", how), INSPECTED("image_big", how),           \
		INSPECTED("image_medium", how), INSPECTED("image_small", how),         \
		INSPECTED("emotional_image", how), INSPECTED("created_by", how),       \
		INSPECTED("managed_by", how)

static const GaJsonField create_fields[] = {
	CHANGEABLE_FIELDS,
	{.name = "invite_users",
	 .kind = GA_JSON_LIST,
	 .flags = GA_JSON_NULLABLE,
	 .offset = offsetof(Body, request),
	 .read = read_invite_users},
	IMAGE_FIELDS,
	UNSOLD_FIELDS,
	FACTS,
	READ_ONLY_FIELDS(NULL),
	INSPECTED("active", check_active),
	{.name = "idempotencyKey",
	 .alias = "idempotency_key",
	 .kind = GA_JSON_TEXT,
	 .max_chars = GA_IDEMPOTENCY_KEY_MAX_CHARS,
	 .offset = IN_REQUEST(idempotency_key)},
	{.name = "dry_run",
	 .alias = "dryRun",
	 .kind = GA_JSON_BOOLEAN,
	 .flags = GA_JSON_LENIENT,
	 .offset = IN_REQUEST(dry_run)},
};

static const GaJsonField update_fields[] = {
	CHANGEABLE_FIELDS,
	IGNORED("invite_users"),
	IMAGE_FIELDS,
	UNSOLD_FIELDS,
	FACTS,
	READ_ONLY_FIELDS(note_said),
	INSPECTED("active", note_said),
};

static const GaJsonTable create_table = GA_JSON_TABLE(create_fields);
static const GaJsonTable update_table = GA_JSON_TABLE(update_fields);

static void
take_position(GaJsonReader *reader, Body *body)
{
	GaJsonPath path = ga_json_path_field(NULL, "emotional_image_position");

	if (body->image_position == NO_POSITION)
		return;
	if (body->image_position < PG_INT32_MIN ||
		body->image_position > PG_INT32_MAX)
	{
		ga_json_fault(reader, &path, GA_VIOLATION_INVALID_TYPE, NULL,
					  "must be a whole number of 32 bits");
		return;
	}
	body->request.has_image_position = true;
	body->request.image_position = (int) body->image_position;
}

static void
read_body(GaJsonReader *reader, Jsonb *json, const GaJsonTable *table,
		  GaGroupRequestV2 *request)
{
	Body body;
	uint32 given;

	memset(&body, 0, sizeof(body));
	body.request.is_visible = true;
	body.image_position = NO_POSITION;
	given = ga_json_read_body(reader, json, table, &body);
	take_position(reader, &body);
	*request = body.request;
	request->given =
		given & (GA_GROUP_V2_NAME | GA_GROUP_V2_DESCRIPTION |
				 GA_GROUP_V2_COLOR | GA_GROUP_V2_PRIVACY | GA_GROUP_V2_VISIBLE |
				 GA_GROUP_V2_INVITE_USERS | GA_GROUP_V2_IMAGE |
				 GA_GROUP_V2_EMOTIONAL_IMAGE | GA_GROUP_V2_IMAGE_POSITION);
}

void
ga_contract_b_read(Jsonb *body, int max_members, GaGroupRequestV2 *request,
				   GaViolations *violations)
{
	GaJsonReader reader = {.violations = violations, .max_items = max_members};

	read_body(&reader, body, &create_table, request);
}

void
ga_contract_b_read_update(Jsonb *body, bool is_partial,
						  GaGroupRequestV2 *request, GaViolations *violations)
{
	GaJsonReader reader = {.violations = violations, .is_partial = is_partial};

	read_body(&reader, body, &update_table, request);
	request->given &= ~GA_GROUP_V2_INVITE_USERS;
}

/* ---- {"users": [...]} ---- */

GaNamedUsers
ga_contract_b_read_users(Jsonb *body, bool is_required, int max_users,
						 GaViolations *violations)
{
	const GaJsonField fields[] = {
		{.name = "users",
		 .kind = GA_JSON_LIST,
		 .flags = is_required ? GA_JSON_REQUIRED : 0,
		 .offset = 0,
		 .read = read_users},
	};
	const GaJsonTable table = GA_JSON_TABLE(fields);
	GaJsonReader reader = {.violations = violations, .max_items = max_users};
	GaNamedUsers users = {0};

	ga_json_read_body(&reader, body, &table, &users);
	return users;
}

GaNamedUsers
ga_contract_b_users_of_array(const int64 *ids, const bool *nulls, int count,
							 int max_users, GaViolations *violations)
{
	GaJsonReader reader = {.violations = violations, .max_items = max_users};
	GaJsonPath path = ga_json_path_field(NULL, "users");
	GaNamedUsers users = {0};
	RankedId *ranked;
	int valid = 0;

	if (!may_have(&reader, &path, count))
		return users;
	ranked = palloc_array(RankedId, Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		GaJsonPath user = ga_json_path_element(&path, i);

		ranked[valid].rank = i;
		ranked[valid].id = ids[i];
		if (nulls[i])
			fault_null(&reader, &user);
		else if (may_be_id(&reader, &user, ids[i]))
			valid++;
	}
	remove_repeated(ranked, valid, &users);
	pfree(ranked);
	return users;
}

/* ---- {"user": ...} ---- */

static int64
positive_or_fault(int64 user, GaViolations *violations)
{
	if (user > 0)
		return user;
	ga_violation_add(violations, "user", GA_VIOLATION_DOES_NOT_EXIST, NULL,
					 "user must be a positive number");
	return 0;
}

#define NO_USER PG_INT64_MIN

int64
ga_contract_b_read_user(Jsonb *body, GaViolations *violations)
{
	static const GaJsonField fields[] = {
		{.name = "user",
		 .kind = GA_JSON_INTEGER,
		 .flags = GA_JSON_NULLABLE | GA_JSON_LENIENT,
		 .offset = 0},
	};
	static const GaJsonTable table = GA_JSON_TABLE(fields);
	GaJsonReader reader = {.violations = violations};
	int64 user = NO_USER;

	ga_json_read_body(&reader, body, &table, &user);
	if (user == NO_USER)
		return 0;
	return positive_or_fault(user, violations);
}

int64
ga_contract_b_user_of_text(const char *text, GaViolations *violations)
{
	char *end;
	int64 user;

	errno = 0;
	user = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0)
	{
		ga_violation_add(violations, "user", GA_VIOLATION_INVALID_TYPE, NULL,
						 "user must be a whole number");
		return 0;
	}
	return positive_or_fault(user, violations);
}
