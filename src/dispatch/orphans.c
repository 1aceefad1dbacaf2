/*
 * orphans.c
 *		Takes back what earlier dispatchers left in flight.
 *
 * A million rows may wait, and rows in the state sending are in no index of their
 * own.  So the queue is searched in slices, one each turn, while messages leave:
 * such a row cannot be claimed until it was taken back.  What was claimed last
 * stands at the front of the queue, so in the first slice, before the first claim.
 *
 * Rows that somebody holds locked are remembered and tried again by their keys, so
 * that the search need not begin anew for them.  For those that are set aside it does,
 * when their time has come (dispatch/steps/recheck); a dispatcher that ends before says
 * that they are left.
 */
#include "postgres.h"

#include "dispatch/due_rows.h"
#include "dispatch/one_by_one.h"
#include "dispatch/provider/providers.h"
#include "dispatch/reading.h"
#include "dispatch/orphans.h"
#include "dispatch/work.h"
#include "store/queue/orphan_store.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Before rows that somebody else holds are tried again. */
#define LOCKED_RETRY_MS 1000

static bool is_searching;
static GaOrphanSearch search;
static uint64 taken_back; /* since the last line in the log */

/* Found and locked by somebody; TopMemoryContext. */
static GaOrphan *locked;
static int locked_count;
static GaMonotonic locked_not_before;

void
ga_orphans_search(void)
{
	memset(&search, 0, sizeof(search));
	is_searching = true;
	locked_count = 0;
}

bool
ga_orphans_are_left(void)
{
	return is_searching || locked_count > 0 || search.leaves_some;
}

GaMonotonic
ga_orphans_next_turn(void)
{
	GaMonotonic next = GA_MONOTONIC_NEVER;

	if (is_searching)
		next = 0;
	else if (locked_count > 0)
		next = locked_not_before;
	return next == GA_MONOTONIC_NEVER
			   ? next
			   : Max(next, ga_work_not_before(GA_STEP_TAKE_BACK));
}

static uint64
take_back(int64 incarnation, const GaOrphan *orphans, int count)
{
	if (count == 0)
		return 0;
	return ga_work_is_careful(GA_STEP_TAKE_BACK)
			   ? ga_one_by_one_take_back(incarnation, orphans, count)
			   : ga_orphans_take_back(incarnation, ga_providers_that_hold(),
									  orphans, count, true);
}

/* What went back kept its place: it is read again. */
static void
read_again(const GaOrphan *orphans, int count)
{
	GaTagRange tags[GA_CHANNEL_COUNT];

	for (int i = 0; i < GA_CHANNEL_COUNT; i++)
		ga_fair_queue_reset_range(&tags[i]);
	for (int i = 0; i < count; i++)
		ga_fair_queue_add_range(&tags[orphans[i].list], orphans[i].start_tag,
								orphans[i].start_tag);
	if (tags[GA_CHANNEL_NONE].from <= tags[GA_CHANNEL_NONE].to)
		ga_due_rows_recheck(DT_NOBEGIN);
	for (int i = GA_CHANNEL_MOBILE; i < GA_CHANNEL_COUNT; i++)
		ga_readings_read_again((GaChannel) i, tags[i]);
}

static void
tell(void)
{
	if (taken_back > 0)
		ereport(LOG, (errmsg("group_api took back " UINT64_FORMAT
							 " invitations that were in flight",
							 taken_back)));
	taken_back = 0;
}

/* Room for `count` more; before the transaction, so that nothing fails behind it. */
static void
remember(const GaOrphan *orphans, int count)
{
	if (locked == NULL)
		locked = MemoryContextAlloc(TopMemoryContext,
									sizeof(GaOrphan) * (count + 1));
	else
		locked = repalloc_huge(locked,
							   sizeof(GaOrphan) * (locked_count + count + 1));
	memcpy(&locked[locked_count], orphans, sizeof(GaOrphan) * count);
}

static void
search_slice(GaMonotonic now, int64 incarnation)
{
	GaOrphanSearch next = search;
	uint64 taken;
	GaOrphan *found;
	GaOrphan *kept;
	bool is_over;
	int count;
	int kept_count = 0;

	count =
		ga_orphans_find(ga_work_scope(), incarnation, &next, &found, &is_over);
	taken = take_back(incarnation, found, count);
	kept = palloc(sizeof(GaOrphan) * Max(count, 1));
	memcpy(kept, found, sizeof(GaOrphan) * count);
	if (taken < (uint64) count)
		kept_count = ga_orphans_keep_locked(incarnation, kept, count);
	remember(kept, kept_count);
	ga_work_end();
	search = next;
	/* What was neither taken back nor locked was set aside, or somebody changed it. */
	search.leaves_some |= taken + kept_count < (uint64) count;
	is_searching = !is_over;
	taken_back += taken;
	if (kept_count > 0)
		locked_not_before = now + LOCKED_RETRY_MS * 1000;
	locked_count += kept_count;
	read_again(found, taken > 0 ? count : 0);
}

/* What is made inside the transaction ends with it, unless it is made for the turn. */
static GaOrphan *
copy_of_locked(void)
{
	size_t size = sizeof(GaOrphan) * locked_count;

	return memcpy(MemoryContextAlloc(ga_work_scope()->caller_context, size),
				  locked, size);
}

static void
retry_locked(GaMonotonic now, int64 incarnation)
{
	int count = locked_count;
	uint64 taken = take_back(incarnation, locked, count);
	GaOrphan *kept = copy_of_locked();
	GaOrphan *before = copy_of_locked();
	int kept_count;

	kept_count = ga_orphans_keep_locked(incarnation, kept, count);
	ga_work_end();
	memcpy(locked, kept, sizeof(GaOrphan) * kept_count);
	locked_count = kept_count;
	search.leaves_some |= taken + kept_count < (uint64) count;
	locked_not_before = now + LOCKED_RETRY_MS * 1000;
	taken_back += taken;
	read_again(before, taken > 0 ? count : 0);
}

void
ga_orphans_take_back_some(GaMonotonic now, int64 incarnation)
{
	if (ga_orphans_next_turn() > now || !ga_work_begin(GA_STEP_TAKE_BACK))
		return;
	if (is_searching)
		search_slice(now, incarnation);
	else
		retry_locked(now, incarnation);
	if (!is_searching)
		tell();
}
