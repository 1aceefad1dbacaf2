/*
 * contract_a_body.c
 *		Contract A, POST /group/create, /group/{id}/members and /group/load: the
 *		body to a checked struct.
 *
 * The tables below are the contract.  Where the contract contradicts itself,
 * both readings are taken: its definition names a contact's address "vaule",
 * its sample "value".  A field the tables do not know is a fault, because a
 * typed-wrong "sendInvitation": false must not invite people; what a client
 * sends back from our own answer (id, createdAt, status) is ignored.
 *
 * Memory: texts and members in the current context; the body must live as long
 * as this call only.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"

#include "request/field_checks.h"
#include "request/contract_body.h"
#include "request/json_reader.h"
#include "request/text_pool.h"
#include "utils/memutils.h"

/* Characters.  An SMS provider takes 1600 (Twilio, error 21617): the message,
 * the names around it and the link share them. */
#define NAME_MAX_CHARS 200
#define DESCRIPTION_MAX_CHARS 2000
#define URL_MAX_CHARS 2048
#define MESSAGE_MAX_CHARS 1000
#define NICK_NAME_MAX_CHARS 100
/* longer than any address: the checkers say which part is too long */
#define CONTACT_MAX_CHARS 500

/* ---- A contact ---- */

typedef struct ContactText
{
	GaChannel channel;
	const char *value;
} ContactText;

static void
check_channel(GaJsonReader *reader, const GaJsonPath *path, const char *text,
			  void *target)
{
	GaChannel *channel = target;
	const char *hint = NULL;

	if (strcmp(text, "MOBILE") == 0)
		*channel = GA_CHANNEL_MOBILE;
	else if (strcmp(text, "EMAIL") == 0)
		*channel = GA_CHANNEL_EMAIL;
	else
	{
		if (pg_strcasecmp(text, "mobile") == 0)
			hint = "Write it in capital letters: MOBILE.";
		else if (pg_strcasecmp(text, "email") == 0)
			hint = "Write it in capital letters: EMAIL.";
		ga_json_fault(reader, path, GA_VIOLATION_INVALID_CHOICE, hint,
					  "must be MOBILE or EMAIL");
	}
}

static const GaJsonField contact_fields[] = {
	{.name = "type",
	 .kind = GA_JSON_TEXT,
	 .flags = GA_JSON_REQUIRED,
	 .max_chars = CONTACT_MAX_CHARS,
	 .offset = offsetof(ContactText, channel),
	 .check = check_channel},
	{.name = "value",
	 .alias = "vaule",
	 .kind = GA_JSON_TEXT,
	 .flags = GA_JSON_REQUIRED | GA_JSON_ADDRESS,
	 .max_chars = CONTACT_MAX_CHARS,
	 .offset = offsetof(ContactText, value)},
};

static const GaJsonTable contact_table = GA_JSON_TABLE(contact_fields);

#define CONTACT_VALUE_FIELD 1

/* The value's name as the caller spelled it: faults name what was sent. */
static const char *
value_name(JsonbContainer *contact)
{
	const GaJsonField *field = &contact_fields[CONTACT_VALUE_FIELD];
	JsonbValue ignored;

	return getKeyJsonValueFromContainer(contact, field->name,
										(int) strlen(field->name),
										&ignored) != NULL
			   ? field->name
			   : field->alias;
}

static void
read_contact(GaJsonReader *reader, const GaJsonPath *path,
			 JsonbContainer *object, void *target)
{
	GaContact *contact = target;
	ContactText text = {GA_CHANNEL_NONE, NULL};
	GaContactFault fault;
	GaJsonPath value;

	ga_json_read_object(reader, path, object, &contact_table, &text);
	if (text.channel == GA_CHANNEL_NONE || text.value == NULL)
		return;
	if (ga_contact_check(text.channel, text.value, contact, &fault) &&
		ga_contact_is_allowed(contact, reader->mobile_countries, &fault))
		return;
	value = ga_json_path_field(path, value_name(object));
	ga_json_fault(reader, &value, fault.code, fault.hint, "%s", fault.message);
}

/* ---- The members ---- */

static const GaJsonField member_fields[] = {
	{.name = "nickName",
	 .kind = GA_JSON_TEXT,
	 .flags = GA_JSON_REQUIRED,
	 .max_chars = NICK_NAME_MAX_CHARS,
	 .offset = offsetof(GaMemberRequest, nick_name)},
	{.name = "contact",
	 .kind = GA_JSON_OBJECT,
	 .flags = GA_JSON_REQUIRED,
	 .offset = offsetof(GaMemberRequest, contact),
	 .read = read_contact},
};

static const GaJsonTable member_table = GA_JSON_TABLE(member_fields);

/*
 * Open addressing over the members' keys.  The seed is random, so nobody can
 * write a list of contacts that fall into one slot.
 */
typedef struct ContactSet
{
	int *slots; /* index of a member plus one; 0 = free */
	uint32 mask;
	uint64 seed;
} ContactSet;

static void
create_set(ContactSet *set, int count)
{
	uint32 size = pg_nextpower2_32(Max(count, 4)) * 2;

	set->slots = palloc0_array(int, size);
	set->mask = size - 1;
	set->seed = pg_prng_uint64(&pg_global_prng_state);
}

/* The slot of the member who has this contact, or the free one for it. */
static int *
slot_of(const ContactSet *set, const GaMemberRequest *members, const char *key)
{
	uint32 slot = (uint32) hash_bytes_extended((const unsigned char *) key,
											   strlen(key), set->seed);

	for (slot &= set->mask; set->slots[slot] != 0;
		 slot = (slot + 1) & set->mask)
		if (strcmp(members[set->slots[slot] - 1].contact.key, key) == 0)
			break;
	return &set->slots[slot];
}

/* The member who has this contact, or -1. */
static int
find_contact(const ContactSet *set, const GaMemberRequest *members,
			 const char *key)
{
	return *slot_of(set, members, key) - 1;
}

/* The member who has this contact already, or -1 after adding it. */
static int
add_contact(ContactSet *set, const GaMemberRequest *members, int index)
{
	int *slot = slot_of(set, members, members[index].contact.key);
	int other = *slot - 1;

	if (other < 0)
		*slot = index + 1;
	return other;
}

static void
fault_duplicate(GaJsonReader *reader, const GaJsonPath *path,
				JsonbContainer *member, int other)
{
	GaJsonPath contact = ga_json_path_field(path, "contact");
	JsonbValue said;
	GaJsonPath value;

	(void) getKeyJsonValueFromContainer(member, contact.name,
										contact.name_length, &said);
	value = ga_json_path_field(&contact, value_name(said.val.binary.data));
	ga_json_fault(reader, &value, GA_VIOLATION_DUPLICATE,
				  "Name each contact once.",
				  "is the contact of members[%d] too", other);
}

static void
check_duplicate(GaJsonReader *reader, const GaJsonPath *path,
				const JsonbValue *member, ContactSet *set,
				const GaMemberRequest *members, int index)
{
	int other;

	if (members[index].contact.key == NULL)
		return;
	other = add_contact(set, members, index);
	if (other >= 0)
		fault_duplicate(reader, path, member->val.binary.data, other);
}

/* False and a violation when the list is empty or too long. */
static bool
check_count(GaJsonReader *reader, const GaJsonPath *path, int count)
{
	if (count == 0)
		ga_json_fault(reader, path, GA_VIOLATION_EMPTY, NULL,
					  "must have at least one member");
	else if (count > reader->max_items)
		ga_json_fault(reader, path, GA_VIOLATION_TOO_MANY,
					  "Split the group, or raise group_api.max_members.",
					  "has %d members, at most %d are allowed", count,
					  reader->max_items);
	else
		return true;
	return false;
}

/* What was read in a context that is emptied now. */
static void
keep_member(GaTextPool *pool, GaMemberRequest *member)
{
	GaContact *contact = &member->contact;
	const char *value = ga_text_pool_keep(pool, contact->value);

	member->nick_name = ga_text_pool_keep(pool, member->nick_name);
	contact->key = contact->key == contact->value
					   ? value
					   : ga_text_pool_keep(pool, contact->key);
	contact->value = value;
}

static void
read_member(GaJsonReader *reader, const GaJsonPath *path,
			const JsonbValue *element, GaMemberRequest *member)
{
	if (element->type == jbvBinary &&
		JsonContainerIsObject(element->val.binary.data))
		ga_json_read_object(reader, path, element->val.binary.data,
							&member_table, member);
	else
		ga_json_fault_type(reader, path,
						   element->type == jbvNull ? GA_VIOLATION_NULL
													: GA_VIOLATION_INVALID_TYPE,
						   "an object", element);
}

/*
 * Of a hundred thousand members only what they are is kept: what reading one takes is
 * freed before the next, but for the faults.
 */
static void
read_members(GaJsonReader *reader, const GaJsonPath *path, JsonbContainer *list,
			 void *target)
{
	GaGroupRequest *request = target;
	int count = JsonContainerSize(list);
	MemoryContext one;
	JsonbIterator *iterator;
	JsonbValue element;
	ContactSet contacts;
	GaTextPool pool;

	if (!check_count(reader, path, count))
		return;
	request->members = palloc0_array(GaMemberRequest, count);
	request->member_count = count;
	create_set(&contacts, count);
	ga_text_pool_begin(&pool);
	reader->faults = CurrentMemoryContext;
	one = AllocSetContextCreate(CurrentMemoryContext, "group_api member",
								ALLOCSET_SMALL_SIZES);

	iterator = JsonbIteratorInit(list);
	(void) JsonbIteratorNext(&iterator, &element, false);
	for (int i = 0; i < count; i++)
	{
		GaJsonPath member = ga_json_path_element(path, i);

		CHECK_FOR_INTERRUPTS();
		(void) JsonbIteratorNext(&iterator, &element, true);
		MemoryContextSwitchTo(one);
		read_member(reader, &member, &element, &request->members[i]);
		keep_member(&pool, &request->members[i]);
		check_duplicate(reader, &member, &element, &contacts, request->members,
						i);
		MemoryContextSwitchTo(reader->faults);
		MemoryContextReset(one);
	}
	MemoryContextDelete(one);
	pfree(contacts.slots);
}

/* ---- The body ---- */

/* What a new group and further members have in common. */
#define INVITING_FIELDS                                                        \
	{.name = "sendInvitations",                                                \
	 .kind = GA_JSON_BOOLEAN,                                                  \
	 .offset = offsetof(GaGroupRequest, send_invitations)},                    \
		{.name = "members",                                                    \
		 .kind = GA_JSON_LIST,                                                 \
		 .flags = GA_JSON_REQUIRED,                                            \
		 .offset = 0,                                                          \
		 .read = read_members},                                                \
		{.name = "idempotencyKey",                                             \
		 .kind = GA_JSON_TEXT,                                                 \
		 .max_chars = GA_IDEMPOTENCY_KEY_MAX_CHARS,                            \
		 .offset = offsetof(GaGroupRequest, idempotency_key)},                 \
	{                                                                          \
		.name = "dryRun", .kind = GA_JSON_BOOLEAN,                             \
		.offset = offsetof(GaGroupRequest, dry_run)                            \
	}

static const GaJsonField group_fields[] = {
	{.name = "productId",
	 .kind = GA_JSON_TEXT,
	 .flags = GA_JSON_REQUIRED,
	 .offset = offsetof(GaGroupRequest, product_id),
	 .check = ga_check_guid},
	{.name = "name",
	 .kind = GA_JSON_TEXT,
	 .flags = GA_JSON_REQUIRED,
	 .max_chars = NAME_MAX_CHARS,
	 .offset = offsetof(GaGroupRequest, name)},
	{.name = "description",
	 .kind = GA_JSON_TEXT,
	 .flags = GA_JSON_REQUIRED | GA_JSON_MULTI_LINE,
	 .max_chars = DESCRIPTION_MAX_CHARS,
	 .offset = offsetof(GaGroupRequest, description)},
	{.name = "image",
	 .kind = GA_JSON_TEXT,
	 .flags = GA_JSON_REQUIRED,
	 .max_chars = URL_MAX_CHARS,
	 .offset = offsetof(GaGroupRequest, image),
	 .check = ga_check_url},
	{.name = "message",
	 .kind = GA_JSON_TEXT,
	 .flags = GA_JSON_REQUIRED | GA_JSON_MULTI_LINE,
	 .max_chars = MESSAGE_MAX_CHARS,
	 .offset = offsetof(GaGroupRequest, message)},
	INVITING_FIELDS,
	{.name = "id", .kind = GA_JSON_IGNORED, .flags = GA_JSON_NULLABLE},
	{.name = "createdAt", .kind = GA_JSON_IGNORED, .flags = GA_JSON_NULLABLE},
	{.name = "status", .kind = GA_JSON_IGNORED, .flags = GA_JSON_NULLABLE},
	{.name = "products", .kind = GA_JSON_IGNORED, .flags = GA_JSON_NULLABLE},
};

static const GaJsonTable group_table = GA_JSON_TABLE(group_fields);

void
ga_contract_a_read(Jsonb *body, int max_members, const char *mobile_countries,
				   GaGroupRequest *request, GaViolations *violations)
{
	GaJsonReader reader = {.violations = violations,
						   .max_items = max_members,
						   .mobile_countries = mobile_countries};

	memset(request, 0, sizeof(*request));
	request->send_invitations = true;
	ga_json_read_body(&reader, body, &group_table, request);
}

/* ---- Further members ---- */

static const GaJsonField further_fields[] = {
	{.name = "groupId",
	 .kind = GA_JSON_TEXT,
	 .offset = offsetof(GaGroupRequest, group_id),
	 .check = ga_check_guid},
	INVITING_FIELDS,
};

static const GaJsonTable further_table = GA_JSON_TABLE(further_fields);

/* Which group: the address and the body may both say it, and then the same. */
static void
take_group_id(GaJsonReader *reader, const char *path_id,
			  GaGroupRequest *request)
{
	GaJsonPath path = ga_json_path_field(NULL, further_fields[0].name);
	static const pg_uuid_t none = {{0}};
	bool in_body = memcmp(&request->group_id, &none, sizeof(none)) != 0;
	pg_uuid_t in_path = none;

	if (path_id != NULL)
		ga_check_guid(reader, &path, path_id, &in_path);
	if (path_id != NULL && in_body &&
		memcmp(&request->group_id, &in_path, sizeof(in_path)) != 0)
		ga_json_fault(reader, &path, GA_VIOLATION_DUPLICATE,
					  "Leave it out: the address says it.",
					  "is another group than the address says");
	if (path_id != NULL)
		request->group_id = in_path;
	request->has_group_id =
		memcmp(&request->group_id, &none, sizeof(none)) != 0;
}

void
ga_contract_a_read_members(Jsonb *body, const char *path_id, int max_members,
						   const char *mobile_countries,
						   GaGroupRequest *request, GaViolations *violations)
{
	GaJsonReader reader = {.violations = violations,
						   .max_items = max_members,
						   .mobile_countries = mobile_countries};
	GaJsonPath path = ga_json_path_field(NULL, further_fields[0].name);
	uint32 given;

	memset(request, 0, sizeof(*request));
	request->send_invitations = true;
	given = ga_json_read_body(&reader, body, &further_table, request);
	if (path_id == NULL && (given & 1) == 0 && body != NULL &&
		JB_ROOT_IS_OBJECT(body))
		ga_json_fault(&reader, &path, GA_VIOLATION_REQUIRED, NULL,
					  "is required");
	take_group_id(&reader, path_id, request);
}

void
ga_contract_a_check_known(const GaGroupRequest *request, const GaContact *known,
						  const int32 *numbers, int count,
						  GaViolations *violations)
{
	GaMemberRequest *holders = palloc0_array(GaMemberRequest, count + 1);
	GaJsonReader reader = {.violations = violations};
	GaJsonPath list = ga_json_path_field(NULL, "members");
	ContactSet contacts;

	create_set(&contacts, count + 1);
	for (int i = 0; i < count; i++)
	{
		holders[i].contact = known[i];
		(void) add_contact(&contacts, holders, i);
	}
	for (int i = 0; i < request->member_count; i++)
	{
		GaJsonPath member = ga_json_path_element(&list, i);
		GaJsonPath contact = ga_json_path_field(&member, "contact");
		GaJsonPath value = ga_json_path_field(&contact, "value");
		int other =
			find_contact(&contacts, holders, request->members[i].contact.key);

		if (other >= 0)
			ga_json_fault(&reader, &value, GA_VIOLATION_DUPLICATE,
						  "Send that invitation again instead, unless "
						  "it was accepted.",
						  "is the contact of member %d of the group already",
						  numbers[other]);
	}
}

/* ---- Which group to load ---- */

bool
ga_contract_a_read_load(Jsonb *body, pg_uuid_t *group_id,
						GaViolations *violations)
{
	static const GaJsonField fields[] = {
		{.name = "groupId",
		 .kind = GA_JSON_TEXT,
		 .flags = GA_JSON_REQUIRED,
		 .offset = 0,
		 .check = ga_check_guid},
	};
	static const GaJsonTable table = GA_JSON_TABLE(fields);
	GaJsonReader reader = {.violations = violations};

	ga_json_read_body(&reader, body, &table, group_id);
	return !ga_violations_any(violations);
}
