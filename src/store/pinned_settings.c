/*
 * pinned_settings.c
 *		Settings that our statements run under, whatever the session has set.
 *
 * A statement of the store runs as the owner, but in a session of somebody else,
 * who may set all that a user may set.  Two kinds of settings must not reach it:
 * those that show what runs inside (its plans hold addresses and secrets once
 * parameters have become constants), and those by which the same statement means
 * something else, or leaves out what triggers and foreign keys do.  Of what a plan
 * costs only its session has the harm, so the planner's settings are left alone.
 *
 * A call enters the owner's scope several times, so values are compared first:
 * where nothing differs, as nearly always, this costs nothing to speak of.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "parser/parse_expr.h"
#include "parser/parser.h"
#include "store/pinned_settings.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/rls.h"

typedef struct Switch
{
	const char *name;
	const bool *value;
	bool wanted;
} Switch;

typedef struct Number
{
	const char *name;
	const int *value;
	int wanted;
	const char *text; /* of what is wanted */
} Number;

static const Switch switches[] = {
	/* These print trees with every constant, to the client as to the log. */
	{"debug_print_parse", &Debug_print_parse, false},
	{"debug_print_rewritten", &Debug_print_rewritten, false},
	{"debug_print_plan", &Debug_print_plan, false},
	/* Off, a table under row security is an error. */
	{"row_security", &row_security, true},
	/* What literals in our statements and functions mean. */
	{"standard_conforming_strings", &standard_conforming_strings, true},
	{"transform_null_equals", &Transform_null_equals, false},
	{"array_nulls", &Array_nulls, true},
	{"quote_all_identifiers", &quote_all_identifiers, false},
};

/* How values are written that our statements hand on as text. */
static const Number numbers[] = {
	{"datestyle", &DateStyle, USE_ISO_DATES, "ISO"},
	{"intervalstyle", &IntervalStyle, INTSTYLE_POSTGRES, "postgres"},
	{"bytea_output", &bytea_output, BYTEA_OUTPUT_HEX, "hex"},
	{"extra_float_digits", &extra_float_digits, 1, "1"},
};

void
ga_settings_set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * A session that applies changes of elsewhere fires no triggers, so a group would be
 * deleted and its members and invitations stay.  Only superusers, and whom they let,
 * may set it, so the caller's right is not what decides.
 */
static void
pin_triggers(void)
{
	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
		(void) set_config_option("session_replication_role", "origin",
								 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
}

void
ga_settings_pin(void)
{
	/* The dispatcher's is so all its life. */
	if (strcmp(namespace_search_path, GA_PINNED_SEARCH_PATH) != 0)
		ga_settings_set("search_path", GA_PINNED_SEARCH_PATH);
	for (int i = 0; i < lengthof(switches); i++)
		if (*switches[i].value != switches[i].wanted)
			ga_settings_set(switches[i].name,
							switches[i].wanted ? "on" : "off");
	for (int i = 0; i < lengthof(numbers); i++)
		if (*numbers[i].value != numbers[i].wanted)
			ga_settings_set(numbers[i].name, numbers[i].text);
	pin_triggers();
	/* What the server logs of our statements is for its log. */
	if (client_min_messages < NOTICE)
		ga_settings_set("client_min_messages", "notice");
}
