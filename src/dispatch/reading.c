/*
 * reading.c
 *		How far each provider has read the queue.  No SQL, no network.
 *
 * A provider reads its channel in the order of the start tags, over rows that others
 * take, a bounded number of them in a claim.  Its cursor stands behind what it read:
 *
 *                a claim read to the end              the next row's date
 *     READING_ON ---------------------------> AT_END ---------------------> KNOWS_NEXT
 *         ^                                     ^                               |
 *         | rows came with tags ahead           | some came with tags behind    |
 *         | that date has come: from the front  +-------------------------------+
 *         +---------------------------------------------------------------------+
 *
 * Rows come behind the cursor, too: a transaction that took its tags early and
 * commits late, or a message that goes back to the queue and keeps its place.  Going
 * back to the front for them would walk over a whole backlog and its dead index
 * entries again.  So their range of tags is noted, and that range alone is read once
 * more, by a second cursor:
 *
 *               noted           the first claim            a claim read to its end
 *     NOTHING ----------> TO_BEGIN -----------> UNDER_WAY -----------> NOTHING
 *                            ^                      |
 *                            +----------------------+  more came behind that cursor
 *
 * Where both cursors have rows they claim in turn: who committed late does not go
 * before all others, nor after them.
 *
 * Rows that a lock hid from a claim are noted, too, and read again a second later, or
 * when somebody says that he holds none any more.  A claim by a statement does not
 * tell which they were, and nobody tells of rows that were changed by hand.  Before a
 * provider goes idle it therefore asks once for the first row from the front.  If that
 * is due although nothing was found from there, somebody holds it locked, and it is
 * tried again a second later.
 *
 * That question walks over what others wait for, and over dead index entries, as many
 * as some old snapshot keeps.  So it is not asked again before a thousand times the
 * CPU it took is over.
 */
#include "postgres.h"

#include "dispatch/clock.h"
#include "dispatch/reading.h"
#include "utils/timestamp.h"

#define LOCKED_RETRY_MS 1000

/* Of the question for the next row: what costs less is free. */
#define FREE_CPU_US 1000
/* The others take a thousandth of the time, or this one a minute. */
#define ASK_PART 1000
#define ASK_LATEST_MS 60000

void
ga_reading_begin_anew(GaProvider *provider)
{
	GaReading *reading = &provider->reading;

	reading->state = GA_READING_ON;
	memset(&reading->cursor, 0, sizeof(reading->cursor));
	reading->cursor.start_tag = GA_START_TAG_MIN;
	reading->claimed_to = GA_START_TAG_MIN;
	reading->not_before = 0;
	reading->found_nothing = true;
	reading->is_blind = false;
	ga_fair_queue_reset_range(&reading->locked);
	memset(&reading->reread, 0, sizeof(reading->reread));
	ga_fair_queue_reset_range(&reading->reread.range);
}

void
ga_readings_begin_anew(void)
{
	ListCell *cell;

	foreach (cell, ga_providers)
		ga_reading_begin_anew(lfirst(cell));
}

/* What was known of the next row is not true any more. */
static void
forget_next(GaReading *reading)
{
	if (reading->state == GA_READING_KNOWS_NEXT)
		reading->state = GA_READING_AT_END;
}

bool
ga_reading_has_more(const GaProvider *provider)
{
	return provider->reading.state == GA_READING_ON ||
		   provider->reading.reread.state != GA_REREAD_NOTHING;
}

GaQueueCursor *
ga_reading_cursor(GaProvider *provider, int64 *last_tag)
{
	GaReading *reading = &provider->reading;

	if (reading->reread.state == GA_REREAD_NOTHING ||
		(reading->reread.had_turn && reading->state == GA_READING_ON))
	{
		*last_tag = GA_START_TAG_MAX;
		return &reading->cursor;
	}
	*last_tag = reading->reread.range.to;
	if (reading->reread.state == GA_REREAD_TO_BEGIN)
	{
		memset(&reading->reread.cursor, 0, sizeof(reading->reread.cursor));
		/* No tag is the lowest number there is. */
		reading->reread.cursor.start_tag = reading->reread.range.from - 1;
		reading->reread.state = GA_REREAD_UNDER_WAY;
	}
	return &reading->reread.cursor;
}

static bool
is_empty(const GaTagRange *range)
{
	return range->from > range->to;
}

static void
note_locked(GaReading *reading, const GaQueueScan *scan)
{
	reading->is_blind |= !scan->tells_locked;
	if (is_empty(&scan->locked))
		return;
	ga_fair_queue_add_range(&reading->locked, scan->locked.from,
							scan->locked.to);
	reading->locked_not_before = ga_monotonic_in_ms(LOCKED_RETRY_MS);
}

static void
has_reread(GaReading *reading, const GaQueueScan *scan, int count)
{
	reading->reread.had_turn = true;
	if (count > 0)
		reading->read_to = scan->claimed_to;
	if (scan->goes_on)
		return;
	ga_fair_queue_reset_range(&reading->reread.range);
	reading->reread.state = GA_REREAD_NOTHING;
	forget_next(reading);
	if (reading->claimed_to != GA_START_TAG_MIN)
		reading->read_to = reading->claimed_to;
}

bool
ga_reading_claimed(GaProvider *provider, const GaQueueScan *scan, int count)
{
	GaReading *reading = &provider->reading;

	note_locked(reading, scan);
	if (count > 0)
	{
		reading->found_nothing = false;
		reading->claimed_to = Max(reading->claimed_to, scan->claimed_to);
	}
	if (scan->cursor == &reading->reread.cursor)
	{
		has_reread(reading, scan, count);
		return ga_reading_has_more(provider);
	}
	reading->reread.had_turn = false;
	/* What is read again is further behind: newcomers stand behind that. */
	if (count > 0 && reading->reread.state != GA_REREAD_UNDER_WAY)
		reading->read_to = scan->claimed_to;
	if (scan->goes_on)
		return true;
	reading->state = GA_READING_AT_END;
	return reading->reread.state != GA_REREAD_NOTHING;
}

static void
read_again(GaReading *reading, GaTagRange tags)
{
	forget_next(reading);
	/* What lies ahead comes by itself. */
	if (tags.to > reading->cursor.start_tag)
		reading->state = GA_READING_ON;
	if (tags.from > reading->cursor.start_tag)
		return;
	ga_fair_queue_add_range(&reading->reread.range, tags.from,
							Min(tags.to, reading->cursor.start_tag));
	/* What lies ahead there comes by itself, too. */
	if (reading->reread.state == GA_REREAD_NOTHING ||
		tags.from <= reading->reread.cursor.start_tag)
		reading->reread.state = GA_REREAD_TO_BEGIN;
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
			read_again(&provider->reading, tags);
	}
}

static void
retry_locked(GaReading *reading)
{
	GaTagRange locked = reading->locked;

	ga_fair_queue_reset_range(&reading->locked);
	if (!is_empty(&locked))
		read_again(reading, locked);
}

void
ga_readings_retry_locked(void)
{
	ListCell *cell;

	foreach (cell, ga_providers)
	{
		GaProvider *provider = lfirst(cell);

		if (provider->reading.is_blind)
			ga_reading_begin_anew(provider);
		else
			retry_locked(&provider->reading);
	}
}

bool
ga_reading_is_at_end(const GaProvider *provider)
{
	return provider->reading.state == GA_READING_AT_END &&
		   provider->reading.ask_not_before <= ga_monotonic_now();
}

void
ga_reading_note_cost(GaProvider *provider, int64 cpu_us)
{
	int64 pause_ms = cpu_us / 1000 * ASK_PART;

	provider->reading.ask_not_before =
		cpu_us < FREE_CPU_US
			? 0
			: ga_monotonic_in_ms((int) Min(pause_ms, ASK_LATEST_MS));
}

/*
 * The queue beyond the cursor is empty: when is the next row due?  One that is
 * due already stands before the cursor, or is locked by somebody.
 */
void
ga_reading_note_next_due(GaProvider *provider, TimestampTz next_due)
{
	GaReading *reading = &provider->reading;
	TimestampTz now = GetCurrentTimestamp();

	reading->state = GA_READING_KNOWS_NEXT;
	reading->next_due = next_due;
	reading->not_before = 0;
	reading->asks_again = next_due > now && !reading->is_blind;
	if (next_due == 0 || next_due > now)
		return;
	if (!reading->is_blind && !is_empty(&reading->locked))
	{
		/* It is one of those, which are read again anyway. */
		reading->next_due = now + ASK_LATEST_MS * INT64CONST(1000);
		reading->asks_again = true;
	}
	else if (reading->found_nothing)
		reading->not_before = ga_monotonic_in_ms(LOCKED_RETRY_MS);
	else
		ga_reading_begin_anew(provider);
}

void
ga_reading_check_due(GaProvider *provider, GaMonotonic now)
{
	GaReading *reading = &provider->reading;

	if (!is_empty(&reading->locked) && reading->locked_not_before <= now)
		retry_locked(reading);
	if (reading->state != GA_READING_KNOWS_NEXT || reading->next_due == 0 ||
		reading->not_before > now || reading->next_due > GetCurrentTimestamp())
		return;
	if (reading->asks_again)
		reading->state = GA_READING_AT_END;
	else
		ga_reading_begin_anew(provider);
}

GaMonotonic
ga_reading_next_turn(const GaProvider *provider)
{
	const GaReading *reading = &provider->reading;
	GaMonotonic next = GA_MONOTONIC_NEVER;

	if (reading->state != GA_READING_KNOWS_NEXT)
		next = Max(reading->not_before, reading->ask_not_before);
	else if (reading->next_due != 0)
		next = Max(ga_clock_when(reading->next_due), reading->not_before);
	return is_empty(&reading->locked) ? next
									  : Min(next, reading->locked_not_before);
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
			provider->reading.read_to == GA_START_TAG_MIN)
			continue;
		first = Max(first, provider->reading.read_to);
		if (ga_reading_has_more(provider) && provider->was_usable &&
			!provider->has_nothing)
			last = Min(last, provider->reading.read_to);
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
			(ga_reading_has_more(provider) ||
			 provider->reading.state != GA_READING_KNOWS_NEXT ||
			 provider->reading.next_due != 0))
			return;
	}
	ga_fair_queue_is_empty(channel);
}
