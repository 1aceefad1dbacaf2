/*
 * json_reader.h
 *		Reads a jsonb object into a struct, as a table of fields says.
 *
 * Every fault becomes a violation and reading goes on: a missing, null,
 * mistyped, blank, overlong, malformed or unknown field.  Faults come in the
 * order of the table, unknown fields last.  Nothing here throws for what a
 * caller can cause, except when memory runs out or the query is canceled.
 */
#ifndef GA_REQUEST_JSON_READER_H
#define GA_REQUEST_JSON_READER_H

#include "postgres.h"

#include "request/text.h"
#include "request/violation.h"
#include "utils/jsonb.h"

/* Where a value stands; put into words only for a violation. */
typedef struct GaJsonPath
{
	const struct GaJsonPath *parent; /* NULL = the body itself */
	const char *name;				 /* of a field; NULL = an element */
	int name_length;
	int index; /* of an element */
} GaJsonPath;

typedef struct GaJsonReader
{
	GaViolations *violations;
	int max_items; /* bounds every list */
	/* where a mobile contact may be; see ga_contact_is_allowed() */
	const char *mobile_countries;
	bool is_partial; /* nothing is required: an update */
	/* where faults are kept; NULL: in the current context */
	MemoryContext faults;
} GaJsonReader;

/*
 * Looks at a text that has passed the table's rules, and stores what it means
 * in `target`.  Adds violations itself.
 */
typedef void (*GaJsonCheck)(GaJsonReader *reader, const GaJsonPath *path,
							const char *text, void *target);

/* Reads an object or a list into `target`. */
typedef void (*GaJsonRead)(GaJsonReader *reader, const GaJsonPath *path,
						   JsonbContainer *container, void *target);

/* Inspects any value but null, to find fault or to note it in `target`. */
typedef void (*GaJsonInspect)(GaJsonReader *reader, const GaJsonPath *path,
							  const JsonbValue *value, void *target);

typedef enum GaJsonKind
{
	GA_JSON_TEXT,	 /* const char *, or what `check` makes of it */
	GA_JSON_BOOLEAN, /* bool */
	GA_JSON_INTEGER, /* int64 */
	GA_JSON_OBJECT,	 /* what `read` makes of it */
	GA_JSON_LIST,	 /* what `read` makes of it */
	GA_JSON_IGNORED	 /* known, no part of the request; `inspect` may be NULL */
} GaJsonKind;

#define GA_JSON_REQUIRED 0x01
#define GA_JSON_NULLABLE 0x02	   /* null empties it; else null = not given */
#define GA_JSON_BLANK_IS_NULL 0x04 /* "" too */
#define GA_JSON_MULTI_LINE 0x08	   /* text: line feeds and tabs allowed */
#define GA_JSON_LENIENT 0x10	   /* "true", "12": forms have texts only */
#define GA_JSON_FILE 0x20		   /* text: a file of a form is taken, too */
#define GA_JSON_ADDRESS 0x40	   /* text: read by GA_TEXT_ADDRESS */

/* How the text begins that a file of a form becomes; base64 follows. */
#define GA_JSON_FILE_HEAD "data:;base64,"

typedef struct GaJsonField
{
	const char *name;
	GaJsonKind kind;
	int flags;
	int max_chars; /* characters; 0 = whatever `check` says */
	size_t offset; /* of the target in the struct */
	GaJsonCheck check;
	GaJsonRead read;
	const char *alias; /* another spelling of the name, or NULL */
	GaJsonInspect inspect;
} GaJsonField;

/* The fields of one object: at most 32. */
typedef struct GaJsonTable
{
	const GaJsonField *fields;
	int count;
} GaJsonTable;

#define GA_JSON_TABLE(array)                                                   \
	{                                                                          \
		(array), lengthof(array)                                               \
	}

/*
 * Reads the whole body.  Returns a bit for each field of the table that was
 * present.  null is absence where a field is not required, and a fault where it is;
 * where it empties a field (GA_JSON_NULLABLE) that was present, too.
 */
extern uint32 ga_json_read_body(GaJsonReader *reader, Jsonb *body,
								const GaJsonTable *table, void *target);

extern uint32 ga_json_read_object(GaJsonReader *reader, const GaJsonPath *path,
								  JsonbContainer *object,
								  const GaJsonTable *table, void *target);

/* false and a violation unless the value is a whole number of 64 bits */
extern bool ga_json_read_integer(GaJsonReader *reader, const GaJsonPath *path,
								 const JsonbValue *value, bool is_lenient,
								 int64 *result);

/*
 * Adds a violation; its message is the path followed by the formatted text.
 */
extern void ga_json_fault(GaJsonReader *reader, const GaJsonPath *path,
						  GaViolationCode code, const char *hint,
						  const char *format, ...) pg_attribute_printf(5, 6);

/* "must be a list, not a number" */
extern void ga_json_fault_type(GaJsonReader *reader, const GaJsonPath *path,
							   GaViolationCode code, const char *expected,
							   const JsonbValue *value);

/* The longest unknown key that is named whole; bytes. */
#define GA_JSON_KEY_SHOWN 64

/* "members[1].contact.value"; palloc'ed */
extern char *ga_json_path_text(const GaJsonPath *path);

static inline GaJsonPath
ga_json_path_field(const GaJsonPath *parent, const char *name)
{
	GaJsonPath path = {parent, name, (int) strlen(name), 0};

	return path;
}

static inline GaJsonPath
ga_json_path_element(const GaJsonPath *parent, int index)
{
	GaJsonPath path = {parent, NULL, 0, index};

	return path;
}

#endif /* GA_REQUEST_JSON_READER_H */
