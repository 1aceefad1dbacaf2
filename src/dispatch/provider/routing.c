/*
 * routing.c
 *		Whose rows a provider takes, where several serve a channel.  No SQL.
 *
 * A row goes to the first provider that takes its recipient and is well: first by the
 * lower priority value, then the one made for recipients like this (prefixes) before
 * the one for all.  A filter says so to each provider's claim: `taken` are the
 * recipients it serves, `left` those of the providers before it.  One that is only
 * probed leads nobody: while one message shows whether it works again, the rows it
 * would take stay free for the others.
 */
#include "postgres.h"

#include "dispatch/provider/providers.h"
#include "dispatch/provider/routing.h"
#include "dispatch/reading.h"
#include "store/row.h"
#include "utils/memutils.h"

/* Whether `other` takes rows it shares with `provider` first. */
static bool
goes_first(const GaProvider *other, const GaProvider *provider)
{
	if (other == provider || other->channel != provider->channel ||
		ga_provider_is_webhook(other))
		return false;
	if (other->priority != provider->priority)
		return other->priority < provider->priority;
	/* Of equals, the one made for these recipients. */
	return other->prefixes != NIL && provider->prefixes == NIL;
}

static List *
add_patterns(List *patterns, const GaProvider *provider)
{
	ListCell *cell;

	if (provider->prefixes == NIL)
		return lappend(patterns, "%");
	foreach (cell, provider->prefixes)
		patterns =
			lappend(patterns, provider->channel == GA_CHANNEL_MOBILE
								  ? psprintf("%s%%", (char *) lfirst(cell))
								  : psprintf("%%@%s", (char *) lfirst(cell)));
	return patterns;
}

static Datum
pattern_array(List *patterns)
{
	const char **texts = palloc(sizeof(char *) * Max(list_length(patterns), 1));
	ListCell *cell;
	int count = 0;

	foreach (cell, patterns)
		texts[count++] = lfirst(cell);
	return ga_row_text_array(texts, count);
}

/* Whose rows it takes, as a text that tells two filters apart. */
static char *
describe(List *taken, List *left)
{
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, taken)
		appendStringInfo(&text, "%s\n", (char *) lfirst(cell));
	appendStringInfoChar(&text, '\n');
	foreach (cell, left)
		appendStringInfo(&text, "%s\n", (char *) lfirst(cell));
	return text.data;
}

/* Whether it takes other rows than before; `route` lives in TopMemoryContext. */
static bool
note_route(GaProvider *provider, const char *route)
{
	MemoryContext old;

	if (provider->route != NULL && strcmp(provider->route, route) == 0)
		return false;
	old = MemoryContextSwitchTo(TopMemoryContext);
	if (provider->route != NULL)
		pfree(provider->route);
	provider->route = pstrdup(route);
	MemoryContextSwitchTo(old);
	return true;
}

/*
 * One whose rows are the same as before reads on where it stands: from the front it
 * would walk over everything that waits.
 */
static void
make_filter(GaProvider *provider, GaMonotonic now)
{
	List *taken = provider->prefixes == NIL ? NIL : add_patterns(NIL, provider);
	List *left = NIL;
	ListCell *cell;

	provider->has_nothing = false;

	foreach (cell, ga_providers)
	{
		GaProvider *other = lfirst(cell);

		if (!ga_provider_leads(other, now) || !goes_first(other, provider))
			continue;
		left = add_patterns(left, other);
		provider->has_nothing |= other->prefixes == NIL;
	}
	provider->filter.has_taken = provider->prefixes != NIL;
	provider->filter.taken = pattern_array(taken);
	provider->filter.left = pattern_array(left);
	provider->filter.has_left = left != NIL;
	if (note_route(provider, describe(taken, left)) || provider->routed_anew)
		ga_reading_begin_anew(provider);
	provider->routed_anew = false;
}

void
ga_providers_route(GaMonotonic now)
{
	static MemoryContext context = NULL;
	MemoryContext old;
	ListCell *cell;
	bool changed = false;

	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);
		bool usable = ga_provider_is_usable(provider, now);

		provider->routed_anew |= usable != provider->was_usable;
		changed |= provider->routed_anew ||
				   ga_provider_leads(provider, now) != provider->led;
		provider->was_usable = usable;
		provider->led = ga_provider_leads(provider, now);
	}
	if (!changed)
		return;
	if (context == NULL)
		context = AllocSetContextCreate(
			TopMemoryContext, "group_api routes context", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(context);
	old = MemoryContextSwitchTo(context);
	foreach (cell, ga_providers)
		make_filter(lfirst(cell), now);
	MemoryContextSwitchTo(old);
}
