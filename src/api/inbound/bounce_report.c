/*
 * bounce_report.c
 *		Has the courier program read a mail, and looks things up in its report.
 *
 * A stranger's MIME has no business in a server process.  The report is a JSON
 * object, made by courier/bounce/bounce.c.
 */
#include "postgres.h"

#include "api/inbound/bounce_report.h"
#include "base/compat.h"
#include "base/courier_call.h"
#include "base/shared/mailbox.h"
#include "fmgr.h"
#include "request/contact/contact.h"
#include "utils/builtins.h"
#include "utils/json.h"

/* The courier reads no more than this either. */
#define MAIL_MAX (4 * 1024 * 1024)
#define REPORT_MAX (256 * 1024)
#define TIMEOUT_MS 20000

/* As the program says them. */
static const char *const kinds[] = {
	[GA_BOUNCE_FAILED] = "failed",		 [GA_BOUNCE_DELAYED] = "delayed",
	[GA_BOUNCE_DELIVERED] = "delivered", [GA_BOUNCE_RELAYED] = "relayed",
	[GA_BOUNCE_EXPANDED] = "expanded",	 [GA_BOUNCE_COMPLAINT] = "complaint",
	[GA_BOUNCE_OTHER] = "other",
};

/* False unless the object has such a member of this type. */
static bool
find_member(JsonbContainer *object, const char *name, enum jbvType type,
			JsonbValue *found)
{
	return getKeyJsonValueFromContainer(object, name, strlen(name), found) !=
			   NULL &&
		   found->type == type;
}

/* NULL unless the member is a text. */
static const char *
get_text(JsonbContainer *object, const char *name)
{
	JsonbValue found;

	return find_member(object, name, jbvString, &found)
			   ? pnstrdup(found.val.string.val, found.val.string.len)
			   : NULL;
}

/* NULL unless the member is an array (or object, as the caller knows). */
static JsonbContainer *
get_container(JsonbContainer *object, const char *name)
{
	JsonbValue found;

	return find_member(object, name, jbvBinary, &found) ? found.val.binary.data
														: NULL;
}

/* NULL unless the i-th recipient is an object. */
static JsonbContainer *
get_recipient(JsonbContainer *recipients, int i)
{
	JsonbValue *one = getIthJsonbValueFromContainer(recipients, i);

	return one != NULL && one->type == jbvBinary ? one->val.binary.data : NULL;
}

/*
 * "<a@b>" and "A@B" are the contact a@b; so is one whose domain is written in other
 * letters than ASCII, in which contacts are kept.
 */
static bool
is_contact(const char *address, const char *contact)
{
	size_t length = strlen(contact);
	GaContactFault fault;
	GaContact read;

	address += *address == '<';
	if (pg_strncasecmp(address, contact, length) == 0 &&
		(address[length] == '\0' || address[length] == '>'))
		return true;
	return !ga_mailbox_is_ascii(address) &&
		   ga_contact_check(GA_CHANNEL_EMAIL, address, &read, &fault) &&
		   pg_strcasecmp(read.value, contact) == 0;
}

/* `contact` NULL: whoever it is about. */
static bool
is_about(JsonbContainer *recipient, const char *contact)
{
	const char *final = get_text(recipient, "final");
	const char *original = get_text(recipient, "original");

	return contact == NULL || (final && is_contact(final, contact)) ||
		   (original && is_contact(original, contact));
}

/*
 * Whether such an address is another than ours.  A name inside the mail server, or
 * one of X.400, has no @ and tells nothing.
 */
static bool
is_another(JsonbContainer *recipient, const char *name, const char *contact)
{
	const char *address = get_text(recipient, name);

	return address != NULL && strchr(address, '@') != NULL &&
		   !is_contact(address, contact);
}

/* Whether the report names recipients, ours not among them: it was forwarded. */
static bool
names_only_others(const GaBounceReport *report, const char *contact)
{
	JsonbContainer *recipients =
		get_container(&report->json->root, "recipients");
	int count = recipients ? (int) JsonContainerSize(recipients) : 0;
	bool names_any = false;

	for (int i = 0; i < count && contact != NULL; i++)
	{
		JsonbContainer *one = get_recipient(recipients, i);

		if (one == NULL)
			continue;
		if (is_about(one, contact))
			return false;
		names_any |= is_another(one, "final", contact) ||
					 is_another(one, "original", contact);
	}
	return names_any;
}

/* The first recipient of whom this is said, and who is meant if that is told. */
static bool
find_recipient(GaBounceReport *report, GaBounceKind kind, const char *contact)
{
	JsonbContainer *recipients =
		get_container(&report->json->root, "recipients");
	int count = recipients ? (int) JsonContainerSize(recipients) : 0;

	for (int i = 0; i < count; i++)
	{
		JsonbContainer *one = get_recipient(recipients, i);
		const char *action = one ? get_text(one, "action") : NULL;

		if (action == NULL || strcmp(action, kinds[kind]) != 0 ||
			!is_about(one, contact))
			continue;
		report->status = get_text(one, "status");
		report->diagnostic = get_text(one, "diagnostic");
		/* Ours forwards to it, RFC 3464 2.3.2: what is said is said of that one. */
		if (contact != NULL)
			report->names_another = is_another(one, "final", contact);
		return true;
	}
	return false;
}

void
ga_bounce_report_narrow(GaBounceReport *report, const char *contact)
{
	/* A complaint tells of no delivery. */
	if (report->feedback_type != NULL)
		return;
	report->names_another = names_only_others(report, contact);
	for (int i = GA_BOUNCE_FAILED;
		 contact != NULL && i <= (int) GA_BOUNCE_EXPANDED; i++)
		if (find_recipient(report, (GaBounceKind) i, contact))
		{
			report->kind = (GaBounceKind) i;
			return;
		}
}

static bool
read_kind(GaBounceReport *report)
{
	const char *word = get_text(&report->json->root, "kind");

	for (int i = 0; word != NULL && i < lengthof(kinds); i++)
		if (strcmp(word, kinds[i]) == 0)
		{
			report->kind = (GaBounceKind) i;
			return true;
		}
	return false;
}

bool
ga_bounce_report_read(const char *mail, size_t length, GaBounceReport *report)
{
	GaCourierCall call = {.verb = "bounce",
						  .input = mail,
						  .input_length = Min(length, (size_t) MAIL_MAX),
						  .output_max = REPORT_MAX,
						  .timeout_ms = TIMEOUT_MS,
						  .reads_strangers = true};

	ga_courier_call(&call);
	/* What a mail can cost is bounded by CPU time: the machine stands still. */
	if (call.end == GA_COURIER_TIMED_OUT)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_RESOURCES),
						errmsg("the mail was not read within %d seconds",
							   TIMEOUT_MS / 1000),
						errhint("Hand it in again later; the mail server does "
								"so when its program exits with 75.")));
	if (call.end != GA_COURIER_EXITED || call.status != 0 ||
		!ga_json_is_valid(call.output.data, call.output.len))
		return false;
	report->json = DatumGetJsonbP(
		DirectFunctionCall1(jsonb_in, CStringGetDatum(call.output.data)));
	if (!JB_ROOT_IS_OBJECT(report->json))
		return false;
	if (!read_kind(report))
		return false;
	report->feedback_type = get_text(&report->json->root, "feedback_type");
	(void) find_recipient(report, report->kind, NULL);
	return true;
}

/* name+TOKEN@domain; NULL: it has no plus sign. */
static const char *
token_of_address(const JsonbValue *address)
{
	char *text = pnstrdup(address->val.string.val, address->val.string.len);
	char *at = strrchr(text, '@');
	const char *plus;

	if (at == NULL)
		return NULL;
	*at = '\0';
	plus = strrchr(text, '+');
	return plus ? plus + 1 : NULL;
}

List *
ga_bounce_report_tokens(const GaBounceReport *report)
{
	JsonbContainer *addresses = get_container(&report->json->root, "to");
	int count = addresses ? (int) JsonContainerSize(addresses) : 0;
	const char *id = get_text(&report->json->root, "envelope_id");
	size_t length = id ? strlen(id) : 0;
	List *tokens = NIL;

	for (int i = 0; i < count; i++)
	{
		JsonbValue *one = getIthJsonbValueFromContainer(addresses, i);
		const char *token = one != NULL && one->type == jbvString
								? token_of_address(one)
								: NULL;

		if (token != NULL)
			tokens = lappend(tokens, (void *) token);
	}
	/* See courier/smtp/smtp.c: an older libcurl cannot but add a bracket. */
	if (length > 0 && id[length - 1] == '>')
		length--;
	return length > 0 ? lappend(tokens, pnstrdup(id, length)) : tokens;
}

const char *
ga_bounce_report_message_id(const GaBounceReport *report)
{
	return get_text(&report->json->root, "message_id");
}

static bool
says(const GaBounceReport *report, const char *member)
{
	JsonbValue value;

	return find_member(&report->json->root, member, jbvBool, &value) &&
		   value.val.boolean;
}

static bool
is_from(const GaBounceReport *report, const char *contact)
{
	const char *from = get_text(&report->json->root, "from");

	return from != NULL && contact != NULL && pg_strcasecmp(from, contact) == 0;
}

bool
ga_bounce_report_is_by_server(const GaBounceReport *report, const char *contact)
{
	return report->feedback_type == NULL && !is_from(report, contact) &&
		   says(report, "is_by_server");
}

bool
ga_bounce_report_is_answer(const GaBounceReport *report, const char *contact)
{
	return says(report, "is_prose") && is_from(report, contact);
}

const char *
ga_bounce_report_raw(const GaBounceReport *report)
{
	static const char *const tokens[] = {"to", "envelope_id"};
	Datum json = JsonbPGetDatum(report->json);
	Jsonb *left;

	for (int i = 0; i < lengthof(tokens); i++)
		json = DirectFunctionCall2(jsonb_delete, json,
								   CStringGetTextDatum(tokens[i]));
	left = DatumGetJsonbP(json);
	return JsonbToCString(NULL, &left->root, VARSIZE(left));
}
