/*
 * error_hint.c
 *		Hints for errors that PostgreSQL itself raises about what is the extension's:
 *		a right that is missing, a word that an enum does not have, a deferred
 *		trigger of somebody else.
 *
 * PostgreSQL asks for the right to a schema while it parses a statement, and reads an
 * enum's label there, too: before any hook, so that no code of ours is on the way.
 * What is left is the hook that sees each error before it is told (emit_log_hook).  It runs when
 * the error leaves the statement; one that a function catches never comes here,
 * and neither does one that log_min_messages keeps out of the log.  Citus
 * rewords errors in the same place.
 *
 * A transaction that failed must not be asked anything.  So which object is meant is
 * read from the words at hand: the error's, and those of the statement, where the
 * object stands behind the name of our schema.
 *
 * Locks: none.
 *
 * Must never: read a catalog, raise an error, or touch a hint that is there.
 */
#include "postgres.h"

#include "api/error_hint.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* Of a statement no more is read: a body of megabytes may stand in it. */
#define TEXT_READ 65536

static emit_log_hook_type next_log_hook = NULL;

/* The schemas that levels of access lead to. */
static const char *const schemas[] = {"group_api_v2", "group_api"};

static const char levels_hint[] =
	"The owner of extension group_api gives the right: SELECT "
	"group_api.grant_access(%s, LEVEL); where LEVEL is 'anonymous', 'caller', "
	"'listener', 'mailer', 'monitor' or 'operator' (docs/security.md).";
static const char operators_hint[] =
	"The owner of extension group_api gives the right: SELECT "
	"group_api.grant_access(%s, 'operator');";
static const char owners_hint[] =
	"Only the owner of extension group_api may call it.";

/* Frameworks make their foreign keys so, and our statements may put off none. */
static const char deferred_hint[] =
	"A deferrable constraint that is not the extension's is in the way: SELECT "
	"c.conrelid::regclass, c.conname FROM pg_constraint c JOIN pg_class t ON "
	"t.oid IN (c.conrelid, c.confrelid) WHERE c.condeferrable AND "
	"t.relnamespace = 'group_api_private'::regnamespace; names it. Of a "
	"foreign key: ALTER TABLE ... ALTER CONSTRAINT ... NOT DEFERRABLE; of a "
	"trigger: ALTER TABLE ... DISABLE TRIGGER ...;";

/* The labels of the extension's enums, in their order. */
static const struct
{
	const char *type;
	const char *labels;
} enums[] = {
	{"group_api.channel", "MOBILE, EMAIL"},
	{"group_api.delivery", "held, queued, sending, sent, delivered, failed, "
						   "suppressed, canceled, uncertain"},
	{"group_api.response", "pending, accepted, declined, revoked, expired"},
	{"group_api.suppression",
	 "bounced, complained, unsubscribed, opted_out, operator"},
	{"group_api.group_status", "ACTIVE, ARCHIVED"},
};

static bool
is_word_char(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' ||
		   IS_HIGHBIT_SET(c);
}

/* Where the word stands in the text, in whichever case; NULL: nowhere. */
static const char *
find_word(const char *text, const char *word, size_t length)
{
	for (const char *at = text; *at != '\0' && at - text < TEXT_READ; at++)
		if (pg_strncasecmp(at, word, length) == 0 &&
			(at == text || !is_word_char(at[-1])) && !is_word_char(at[length]))
			return at;
	return NULL;
}

/* What separates a schema from its object. */
static const char *
skip_to_object(const char *text)
{
	while (*text == '"' || *text == '.' || isspace((unsigned char) *text))
		text++;
	return text;
}

/*
 * Whether the text names an object of one of our schemas whose name stands in the
 * message; then also what it is called.
 */
static bool
names_object(const char *text, const char *message, const char **object,
			 size_t *length)
{
	for (int i = 0; text != NULL && i < lengthof(schemas); i++)
	{
		size_t size = strlen(schemas[i]);
		const char *at = text;

		while ((at = find_word(at, schemas[i], size)) != NULL)
		{
			const char *behind = at + size;

			at = skip_to_object(behind);
			for (*length = 0; is_word_char(at[*length]);)
				(*length)++;
			if (memchr(behind, '.', at - behind) != NULL && *length > 0 &&
				find_word(message, at, *length) != NULL)
			{
				*object = at;
				return true;
			}
		}
	}
	return false;
}

/*
 * The role that lacks the right, as a literal for the hint.  In a function that runs with
 * its owner's rights the settings speak of somebody else, so a placeholder stands there.
 */
static const char *
lacking_role(void)
{
	const char *name = GetConfigOption("role", true, false);

	if (GetUserId() != GetOuterUserId())
		return "'ROLE'";
	if (name == NULL || strcmp(name, "none") == 0)
		name = GetConfigOption("session_authorization", true, false);
	return name == NULL ? "'ROLE'" : quote_literal_cstr(quote_identifier(name));
}

static bool
is_word(const char *word, const char *object, size_t length)
{
	return strlen(word) == length && pg_strncasecmp(word, object, length) == 0;
}

/* The hint for a right that is missing; NULL where it would not help. */
static const char *
hint_for_right(const ErrorData *error)
{
	const char *message = error->message;
	const char *object;
	size_t length;

	if (strcmp(error->message_id,
			   "permission denied for foreign-data wrapper %s") == 0)
		return strstr(message, " group_api_") == NULL
				   ? NULL
				   : psprintf(operators_hint, lacking_role());
	if (strcmp(error->message_id, "permission denied for schema %s") == 0)
	{
		for (int i = 0; i < lengthof(schemas); i++)
			if (find_word(message, schemas[i], strlen(schemas[i])) != NULL)
				return psprintf(levels_hint, lacking_role());
		return NULL;
	}
	if (!names_object(error->internalquery, message, &object, &length) &&
		!names_object(error->context, message, &object, &length) &&
		!names_object(debug_query_string, message, &object, &length))
		return NULL;
	if (is_word("grant_access", object, length) ||
		is_word("revoke_access", object, length))
		return pstrdup(owners_hint);
	return psprintf(levels_hint, lacking_role());
}

static const char *
hint_for_label(const ErrorData *error)
{
	for (int i = 0; i < lengthof(enums); i++)
		if (find_word(error->message, enums[i].type, strlen(enums[i].type)) !=
			NULL)
			return psprintf("The values are %s.", enums[i].labels);
	return NULL;
}

/* Refreshing a materialized view, say, meets deferred triggers, too. */
static const char *
hint_for_deferred(const ErrorData *error)
{
	static const char ours[] = "group_api_private";

	return error->context != NULL &&
				   find_word(error->context, ours, strlen(ours)) != NULL
			   ? pstrdup(deferred_hint)
			   : NULL;
}

/* The memory context is that of the error. */
static void
add_hint(ErrorData *error)
{
	const char *hint = NULL;

	if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE &&
		strncmp(error->message_id, "permission denied for ", 22) == 0)
		hint = hint_for_right(error);
	else if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE &&
			 strcmp(error->message_id, "cannot fire deferred trigger within "
									   "security-restricted operation") == 0)
		hint = hint_for_deferred(error);
	else if (error->sqlerrcode == ERRCODE_INVALID_TEXT_REPRESENTATION &&
			 strcmp(error->message_id,
					"invalid input value for enum %s: \"%s\"") == 0)
		hint = hint_for_label(error);
	if (hint != NULL)
		error->hint = unconstify(char *, hint);
}

static void
see_error(ErrorData *error)
{
	if (error->elevel == ERROR && error->hint == NULL &&
		error->message != NULL && error->message_id != NULL)
		add_hint(error);
	if (next_log_hook)
		next_log_hook(error);
}

void
ga_error_hint_init(void)
{
	next_log_hook = emit_log_hook;
	emit_log_hook = see_error;
}
