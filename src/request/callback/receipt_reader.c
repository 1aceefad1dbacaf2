/*
 * receipt_reader.c
 *		Reads the events out of a callback, as a row of a table says.
 *
 * To add a provider: a row here, its words in base/shared/receipt_table.c, and, when it
 * signs, a row in signature.c.
 *
 * Where the body is empty (a GET) the query's fields are read; never both, since
 * a signature may cover the one and not the other.
 */
#include "postgres.h"

#include "base/callback_url.h"
#include "base/shared/receipt_table.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "request/callback/callback.h"
#include "request/callback/carrier_answer.h"
#include "request/callback/carrier_text.h"
#include "request/soft_json.h"

/* Of one body; a batch of SendGrid's has some hundreds. */
#define EVENTS_MAX 5000

#define CODE_MAX 64
#define ID_MAX 256
#define TEXT_MAX 200

/*
 * Where things stand: names of fields, of JSON members with a slash between
 * them; several, parted by |, are tried in turn.
 */
typedef struct ReceiptRow
{
	const char *kind;
	const char *inside; /* a member that holds the event, as JSON in a text */
	const char *reference;
	const char *message_id;
	const char *word;
	const char *detail;	 /* refines the word */
	const char *subtype; /* and this one the detail */
	const char *code;
	const char *text;
	const char *time;
	const char *nonce;
	/* messages that come in have these, and no word or "received" */
	const char *sender;
	const char *said;
	bool text_is_carrier_answer; /* the code stands in it */
	bool tells_each_part;		 /* of a long message, each under its own id */
} ReceiptRow;

static const ReceiptRow rows[] = {
	{
		.kind = "twilio",
		.message_id = "MessageSid|SmsSid",
		.word = "MessageStatus|SmsStatus",
		.code = "ErrorCode",
		.text = "ErrorMessage",
		.time = "RawDlrDate",
		.sender = "From",
		.said = "OptOutType|Body",
	},
	{
		.kind = "vonage",
		.reference = "client-ref",
		.message_id = "messageId|message-id",
		.word = "status",
		.code = "err-code",
		.time = "message-timestamp",
		.tells_each_part = true,
		.sender = "msisdn",
		.said = "text",
	},
	{
		.kind = "vonage_messages",
		.reference = "client_ref",
		.message_id = "message_uuid",
		.word = "status",
		.code = "error/title|error/code",
		.text = "error/detail|error/reason",
		.time = "timestamp",
		.sender = "from",
		.said = "text",
	},
	{
		.kind = "messagebird",
		.reference = "reference",
		.message_id = "id",
		.word = "status",
		.code = "statusErrorCode",
		.text = "statusReason",
		.time = "statusDatetime",
		.sender = "originator",
		.said = "body|payload",
	},
	{
		.kind = "plivo",
		.message_id = "MessageUUID",
		.word = "Status",
		.code = "ErrorCode",
		.time = "DeliveryReportTime|SentTime",
		.sender = "From",
		.said = "Text",
	},
	{
		.kind = "kannel",
		.message_id = "id",
		.word = "status|type",
		.text = "answer",
		.time = "time",
		.text_is_carrier_answer = true,
		.sender = "from",
		.said = "said",
	},
	{
		.kind = "sendgrid",
		.reference = "inv",
		.message_id = "sg_message_id",
		.word = "event",
		.detail = "type",
		.code = "status",
		.text = "reason|response",
		.time = "timestamp",
		.nonce = "sg_event_id",
	},
	{
		.kind = "postmark",
		.reference = "Metadata/inv",
		.message_id = "MessageID",
		.word = "RecordType",
		.detail = "Type|SuppressionReason",
		.text = "Details|Description",
		.time = "DeliveredAt|BouncedAt|ReceivedAt",
	},
	{
		.kind = "mailgun",
		.reference = "event-data/user-variables/inv",
		.message_id = "event-data/message/headers/message-id",
		.word = "event-data/event",
		.detail = "event-data/severity",
		.code = "event-data/delivery-status/enhanced-code|"
				"event-data/delivery-status/code",
		.text = "event-data/delivery-status/message|"
				"event-data/delivery-status/description|event-data/reason",
		.time = "event-data/timestamp",
		.nonce = "signature/token",
	},
	{
		.kind = "ses",
		.inside = "Message",
		.reference = "mail/tags/inv/0",
		.message_id = "mail/messageId",
		.word = "eventType|notificationType|Type",
		.detail = "bounce/bounceType|complaint/complaintFeedbackType",
		.subtype = "bounce/bounceSubType",
		.code = "bounce/bouncedRecipients/0/status",
		.text = "bounce/bouncedRecipients/0/diagnosticCode|reject/reason",
		.time = "bounce/timestamp|delivery/timestamp|complaint/timestamp|"
				"mail/timestamp",
	},
	{
		.kind = "resend",
		.reference = "data/tags/inv",
		.message_id = "data/email_id",
		.word = "type",
		.detail = "data/bounce/type",
		.subtype = "data/bounce/subType",
		.text = "data/bounce/message|data/failed/reason",
		.time = "created_at",
	},
	{
		.kind = "http",
		.reference = "key",
		.message_id = "id",
		.word = "status",
		.code = "code",
		.text = "text",
		.time = "time",
		.sender = "from",
		.said = "said",
	},
};

static const ReceiptRow *
find_row(const char *kind)
{
	for (int i = 0; i < lengthof(rows); i++)
		if (strcmp(rows[i].kind, kind) == 0)
			return &rows[i];
	return NULL;
}

bool
ga_receipt_kind_is_known(const char *kind)
{
	return find_row(kind) != NULL;
}

bool
ga_receipt_tells_each_part(const char *kind)
{
	const ReceiptRow *row = find_row(kind);

	return row != NULL && row->tells_each_part;
}

/* ---- one value ---------------------------------------------------------- */

/* What an event is read from: a JSON object, or fields. */
typedef struct Source
{
	JsonbContainer *json; /* NULL: fields */
	const GaFormFields *fields;
	bool is_lenient; /* of a value that is no text its beginning will do */
	bool is_broken;	 /* a value that was wanted is no text */
} Source;

static bool
is_number(const char *step, int length)
{
	return length > 0 && strspn(step, "0123456789") >= (size_t) length;
}

/* {"name": step, "value": ...} of a list. */
static bool
step_to_pair(JsonbContainer *list, const char *step, int length,
			 JsonbValue *value)
{
	uint32 count = JsonContainerSize(list);

	for (uint32 i = 0; i < count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(list, i);
		JsonbValue name;

		if (element->type != jbvBinary ||
			!JsonContainerIsObject(element->val.binary.data) ||
			getKeyJsonValueFromContainer(element->val.binary.data, "name", 4,
										 &name) == NULL ||
			name.type != jbvString || name.val.string.len != length ||
			memcmp(name.val.string.val, step, length) != 0)
			continue;
		return getKeyJsonValueFromContainer(element->val.binary.data, "value",
											5, value) != NULL;
	}
	return false;
}

static bool
step_into(JsonbContainer *from, const char *step, int length, JsonbValue *value)
{
	JsonbValue *element;

	if (JsonContainerIsObject(from))
		return getKeyJsonValueFromContainer(from, step, length, value) != NULL;
	if (!JsonContainerIsArray(from) || JsonContainerIsScalar(from))
		return false;
	if (!is_number(step, length))
		return step_to_pair(from, step, length, value);
	element = getIthJsonbValueFromContainer(from, (uint32) atoi(step));
	if (element == NULL)
		return false;
	*value = *element;
	return true;
}

/* Follows one path of JSON; NULL: there is nothing of a text. */
static const char *
json_at(JsonbContainer *from, const char *path, int length)
{
	const char *end = path + length;
	JsonbValue value;

	for (;;)
	{
		const char *slash = memchr(path, '/', end - path);
		int step = (int) ((slash ? slash : end) - path);

		if (!step_into(from, path, step, &value))
			return NULL;
		if (slash == NULL)
			return ga_soft_json_text(&value);
		if (value.type != jbvBinary)
			return NULL;
		from = value.val.binary.data;
		path = slash + 1;
	}
}

static const char *
field_at(Source *source, const char *name)
{
	const GaFormField *field = ga_form_find(source->fields, name);

	if (field == NULL)
		return NULL;
	if (ga_bytes_are_text(field->value))
		return field->value.data;
	if (source->is_lenient)
		return ga_bytes_beginning(field->value);
	source->is_broken = true;
	return NULL;
}

/* The text of the first path there is; control characters become blanks. */
static const char *
value_at(Source *source, const char *paths, int room)
{
	while (paths != NULL && *paths)
	{
		int length = (int) strcspn(paths, "|");
		const char *found = source->json
								? json_at(source->json, paths, length)
								: field_at(source, pnstrdup(paths, length));

		if (found != NULL && *found)
		{
			char *text =
				pnstrdup(found, pg_mbcliplen(found, (int) strlen(found), room));

			for (char *c = text; *c; c++)
				if ((unsigned char) *c < 0x20 || *c == 0x7F)
					*c = ' ';
			return text;
		}
		paths += length;
		paths += *paths == '|';
	}
	return NULL;
}

/* ---- events ------------------------------------------------------------- */

/* "000" and "0" say that there is no error. */
static const char *
code_or_null(const char *code)
{
	return code != NULL && strspn(code, "0") == strlen(code) ? NULL : code;
}

/* The word with what the path tells behind it, where the table knows that. */
static const char *
refine(Source *source, const ReceiptRow *row, const char *word,
	   const char *path)
{
	const char *detail = path ? value_at(source, path, CODE_MAX) : NULL;
	const char *both = detail ? psprintf("%s/%s", word, detail) : NULL;
	GaReceiptStatus status;

	if (both != NULL && (ga_receipt_status_find(row->kind, both, &status) ||
						 ga_receipt_code_find(row->kind, both) != NULL))
		return both;
	return word;
}

static const char *
refined_word(Source *source, const ReceiptRow *row)
{
	const char *word = value_at(source, row->word, CODE_MAX);
	const char *refined = word ? refine(source, row, word, row->detail) : NULL;

	/* A subtype refines the type alone. */
	return refined != word ? refine(source, row, refined, row->subtype) : word;
}

/*
 * Words for people only.  Carriers put the first bytes of the message there, in
 * the message's own encoding; that must not cost the event.
 */
static const char *
words_at(Source *source, const char *paths)
{
	const char *words;

	source->is_lenient = true;
	words = value_at(source, paths, TEXT_MAX);
	source->is_lenient = false;
	return words;
}

/* What a person said, in the encoding their phone and the gateway made of it. */
static const char *
said_at(Source *source, const char *paths)
{
	while (source->json == NULL && *paths)
	{
		int length = (int) strcspn(paths, "|");
		const GaFormField *field =
			ga_form_find(source->fields, pnstrdup(paths, length));

		if (field != NULL && field->value.length > 0)
			return ga_carrier_text_read(field->value);
		paths += length;
		paths += *paths == '|';
	}
	return source->json ? words_at(source, paths) : NULL;
}

/* What is said need not be a text: only a few words in it matter. */
static void
read_incoming(Source *source, const ReceiptRow *row, GaReceiptEvent *event)
{
	const char *said;

	if (event->word != NULL && pg_strcasecmp(event->word, "received") != 0)
		return;
	said = row->said ? said_at(source, row->said) : NULL;
	event->sender = said ? value_at(source, row->sender, CODE_MAX) : NULL;
	event->said = event->sender ? said : NULL;
	if (event->said != NULL)
		event->word = "received";
}

/* false: it has no word, or a value in it is no text. */
static bool
read_event(Source *source, const ReceiptRow *row, GaReceiptEvent *event)
{
	event->reference = value_at(source, row->reference, ID_MAX);
	event->message_id = value_at(source, row->message_id, ID_MAX);
	event->word = refined_word(source, row);
	event->code = code_or_null(value_at(source, row->code, CODE_MAX));
	event->text = words_at(source, row->text);
	if (row->text_is_carrier_answer)
		ga_carrier_answer_read(&event->text, &event->code);
	event->time = value_at(source, row->time, CODE_MAX);
	event->nonce = value_at(source, row->nonce, ID_MAX);
	read_incoming(source, row, event);
	return event->word != NULL && !source->is_broken;
}

/* An Amazon topic wraps the event as a text into its own message. */
static Jsonb *
unwrap(Jsonb *json, const ReceiptRow *row)
{
	const char *text = row->inside ? json_at(&json->root, row->inside,
											 (int) strlen(row->inside))
								   : NULL;
	Jsonb *inner = text ? ga_soft_json(text, strlen(text)) : NULL;

	return inner != NULL && JB_ROOT_IS_OBJECT(inner) ? inner : json;
}

static int
read_list(Jsonb *list, const ReceiptRow *row, GaReceiptEvent **events)
{
	int size = (int) Min(JB_ROOT_COUNT(list), EVENTS_MAX);
	int count = 0;

	*events = palloc0(sizeof(GaReceiptEvent) * Max(size, 1));
	for (int i = 0; i < size; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&list->root, i);
		GaReceiptEvent *event = &(*events)[count];
		Source source = {0};

		if (element->type != jbvBinary ||
			!JsonContainerIsObject(element->val.binary.data))
			continue;
		source.json = element->val.binary.data;
		if (!read_event(&source, row, event))
			continue;
		event->raw = ga_bytes(JsonbToCString(NULL, element->val.binary.data,
											 element->val.binary.len));
		count++;
	}
	return count;
}

/* The query as it came, without what is ours: the token opens doors. */
static GaBytes
foreign_part(const char *query)
{
	StringInfoData out;

	initStringInfo(&out);
	while (*query)
	{
		int length = (int) strcspn(query, "&");

		if (strncmp(query, GA_CALLBACK_RECEIPT "=",
					strlen(GA_CALLBACK_RECEIPT "=")) != 0)
			appendStringInfo(&out, "%s%.*s", out.len ? "&" : "", length, query);
		query += length;
		query += *query == '&';
	}
	return (GaBytes){out.data, out.len};
}

int
ga_receipt_read(const GaCallback *callback, GaReceiptEvent **events)
{
	const ReceiptRow *row = find_row(callback->kind);
	bool is_empty = callback->body.length == 0;
	Source source = {.fields =
						 is_empty ? &callback->query_fields : &callback->form};

	if (row == NULL)
		return 0;
	if (callback->json != NULL && JB_ROOT_IS_ARRAY(callback->json))
		return read_list(callback->json, row, events);
	if (callback->json != NULL)
		source.json = &unwrap(callback->json, row)->root;
	*events = palloc0(sizeof(GaReceiptEvent));
	(*events)->raw = is_empty ? foreign_part(callback->query) : callback->body;
	return read_event(&source, row, *events) ? 1 : 0;
}
