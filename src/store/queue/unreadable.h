/*
 * unreadable.h
 *		Rows of the queue that stand on pages of the disk that cannot be read, and
 *		how the queue is read around them.
 */
#ifndef GA_STORE_QUEUE_UNREADABLE_H
#define GA_STORE_QUEUE_UNREADABLE_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "store/queue/queue_cursor.h"
#include "store/queue/set_aside_store.h"

/*
 * The lists that are read in the order of an index.  Those of a channel are numbered
 * by it; in the others the tag is a time: when a row without a tag is due, when a
 * provider is to be asked, when a group is to be looked at (of which the number is 0).
 */
#define GA_LIST_DUE GA_CHANNEL_NONE
#define GA_LIST_POLLS GA_CHANNEL_COUNT
#define GA_LIST_DEADLINES (GA_CHANNEL_COUNT + 1)

/*
 * A part of a list of the queue in which every row can be read, as far as is
 * known: what stands behind `after`, up to `last`.
 */
typedef struct GaQueueRange
{
	int list;  /* a GaChannel, or one of those above */
	int64 end; /* of all parts together */
	GaQueueCursor after;
	GaQueueCursor last;
	bool is_last; /* there is none behind it */
} GaQueueRange;

/* The first part behind `after`, of what bears tags up to `end`. */
extern void ga_queue_range_begin(GaQueueRange *range, int list,
								 const GaQueueCursor *after, int64 end);
/* The next part; false: there is none. */
extern bool ga_queue_range_next(GaQueueRange *range);

/*
 * Within a transaction: reads the lists' indexes, and of the tables each page they
 * lead to.  Rows on those that cannot be read are set aside, and left out by
 * ga_queue_range_begin() from then on.  Returns whether it found what was not known.
 * Error: 54000 when they are too many to be one fault of a disk.
 */
extern bool ga_unreadable_find(void);
/* They are tried again. */
extern void ga_unreadable_forget(void);
/*
 * Whether an invitation or its member is on a page that cannot be read, or, if that
 * is asked for, its group: then `key` becomes that of the group.
 */
extern bool ga_unreadable_has_row(GaRowKey *key, bool with_group);
/* How many are known. */
extern int ga_unreadable_count(void);

#endif /* GA_STORE_QUEUE_UNREADABLE_H */
