/*
 * reading.c
 *		How far each provider has read the queue.  No SQL, no network.
 *
 * A provider reads its channel in the order of the start tags and stands behind
 * the row it claimed last.  What is committed with tags it has passed is told by
 * its range of tags: that range alone is read once more, so that neither a backlog
 * nor dead index entries are walked over again.  Where both have much, they take
 * turns: who committed late does not go before all others.
 *
 * Before a provider goes idle it asks once for the first row from the front,
 * which finds whatever a lock or a rollback left behind.
 */
#include "postgres.h"

#include "dispatch/reading.h"
#include "utils/timestamp.h"

#define LOCKED_RETRY_MS 1000

static bool
reads_again(const GaProvider *provider)
{
	return provider->again.from <= provider->again.to;
}

void
ga_reading_begin_anew(GaProvider *provider)
{
	memset(&provider->cursor, 0, sizeof(provider->cursor));
	provider->cursor.start_tag = GA_START_TAG_MIN;
	ga_fair_queue_reset_range(&provider->again);
	provider->is_reading_again = false;
	provider->goes_on_next = false;
	provider->drained = false;
	provider->due_is_known = false;
	provider->not_before = 0;
}

void
ga_readings_begin_anew(void)
{
	ListCell *cell;

	foreach (cell, ga_providers)
		ga_reading_begin_anew(lfirst(cell));
}

bool
ga_reading_has_more(const GaProvider *provider)
{
	return !provider->drained || reads_again(provider);
}

GaQueueCursor *
ga_reading_cursor(GaProvider *provider, int64 *last_tag)
{
	if (!reads_again(provider) ||
		(provider->goes_on_next && !provider->drained))
	{
		*last_tag = GA_START_TAG_MAX;
		return &provider->cursor;
	}
	*last_tag = provider->again.to;
	if (!provider->is_reading_again)
	{
		memset(&provider->again_cursor, 0, sizeof(provider->again_cursor));
		/* No tag is the lowest number there is. */
		provider->again_cursor.start_tag = provider->again.from - 1;
		provider->is_reading_again = true;
	}
	return &provider->again_cursor;
}

static void
has_claimed_again(GaProvider *provider, int count, int limit)
{
	provider->goes_on_next = true;
	provider->read_to = provider->again_cursor.start_tag;
	if (count == limit)
		return;
	ga_fair_queue_reset_range(&provider->again);
	provider->is_reading_again = false;
	provider->due_is_known = false;
	provider->read_to = provider->cursor.start_tag;
}

bool
ga_reading_claimed(GaProvider *provider, const GaQueueCursor *cursor,
				   bool from_front, int count, int limit)
{
	provider->found_nothing_from_front = from_front && count == 0;
	if (cursor == &provider->again_cursor)
	{
		has_claimed_again(provider, count, limit);
		return ga_reading_has_more(provider);
	}
	provider->goes_on_next = false;
	/* What is read again is further behind: newcomers stand behind that. */
	if (count > 0 && !provider->is_reading_again)
		provider->read_to = provider->cursor.start_tag;
	if (count == limit)
		return true;
	provider->drained = true;
	provider->due_is_known = false;
	return reads_again(provider);
}

static void
read_again(GaProvider *provider, GaTagRange tags)
{
	/* What lies ahead comes by itself. */
	if (tags.to > provider->cursor.start_tag)
		provider->drained = false;
	provider->due_is_known = false;
	if (tags.from > provider->cursor.start_tag)
		return;
	ga_fair_queue_add_range(&provider->again, tags.from,
							Min(tags.to, provider->cursor.start_tag));
	/* What lies ahead there comes by itself, too. */
	if (tags.from <= provider->again_cursor.start_tag)
		provider->is_reading_again = false;
}

void
ga_readings_read_again(GaChannel channel, GaTagRange tags)
{
	ListCell *cell;

	/* A row written by hand may bear any. */
	tags.from = Max(tags.from, GA_START_TAG_MIN + 1);
	if (tags.from > tags.to)
		return;
	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);

		if (provider->channel == channel)
			read_again(provider, tags);
	}
}

/*
 * The queue beyond the cursor is empty: when is the next row due?  One that is
 * due already stands before the cursor, or is locked by somebody.
 */
void
ga_reading_note_next_due(GaProvider *provider, TimestampTz next_due)
{
	provider->due_is_known = true;
	provider->next_due = next_due;
	provider->not_before = 0;
	if (next_due == 0 || next_due > GetCurrentTimestamp())
		return;
	if (provider->found_nothing_from_front)
		provider->not_before = ga_monotonic_in_ms(LOCKED_RETRY_MS);
	else
		ga_reading_begin_anew(provider);
}

void
ga_reading_check_due(GaProvider *provider, GaMonotonic now)
{
	if (provider->drained && provider->due_is_known &&
		provider->next_due != 0 && provider->not_before <= now &&
		provider->next_due <= GetCurrentTimestamp())
		ga_reading_begin_anew(provider);
}

/*
 * Of several providers it is the one furthest behind, among those that have not
 * read all: whoever waits for it must not stand behind what others have done.
 */
void
ga_readings_tell_position(GaChannel channel)
{
	int64 last = GA_START_TAG_MAX;
	int64 first = GA_START_TAG_MIN;
	ListCell *cell;

	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);

		if (provider->channel != channel ||
			provider->read_to == GA_START_TAG_MIN)
			continue;
		first = Max(first, provider->read_to);
		if (ga_reading_has_more(provider) && provider->was_usable &&
			!provider->has_nothing)
			last = Min(last, provider->read_to);
	}
	if (last != GA_START_TAG_MAX)
		ga_fair_queue_move_to(channel, last);
	else if (first != GA_START_TAG_MIN)
		ga_fair_queue_move_to(channel, first);
}

void
ga_readings_tell_empty(GaChannel channel)
{
	ListCell *cell;

	foreach (cell, ga_providers)
	{
		const GaProvider *provider = lfirst(cell);

		if (provider->channel == channel &&
			(ga_reading_has_more(provider) || !provider->due_is_known ||
			 provider->next_due != 0))
			return;
	}
	ga_fair_queue_is_empty(channel);
}
