/*
 * event_queue.c
 *		The events of one webhook that the dispatcher has read.
 *
 * Within a group one event is told after the other, so that the receiver hears of
 * things in the order in which they happened; different groups go side by side.  A
 * group whose event was not taken waits as a whole until that one is tried again:
 * what of it is read meanwhile is put off in the table, so that the events of a group
 * nobody can be told of do not fill the memory that others need.
 *
 * Each group keeps its own events, and those that may be told of stand in a line.  So
 * what is next is known without a look at those that are busy, which are most of them
 * while much is under way.  A group that was told of goes to the line's end.
 *
 * Must never: hand out an event while an earlier one of its group is in flight.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "dispatch/events/event_queue.h"
#include "lib/ilist.h"
#include "store/row.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

typedef struct Pending
{
	dlist_node node;  /* of its group, or of those without one */
	GaDueEvent event; /* its document stands behind */
	char document[FLEXIBLE_ARRAY_MEMBER];
} Pending;

/* The line in which a group stands. */
typedef enum QueueLine
{
	LINE_NONE, /* it is busy, or has nothing pending */
	LINE_READY,
	LINE_WAITING
} QueueLine;

typedef struct Group
{
	pg_uuid_t id;	   /* hash key */
	int64 in_flight;   /* the id of an event; 0: none */
	TimestampTz until; /* it waits; 0: it does not */
	dlist_head pending;
	int count; /* of these */
	QueueLine line;
	dlist_node node; /* in it */
} Group;

/* The ids in flight of events that are of no group. */
typedef struct InFlight
{
	int64 id; /* hash key */
} InFlight;

struct GaEventQueue
{
	MemoryContext context;
	int count;			   /* of those pending */
	HTAB *groups;		   /* of Group: those with something to be known of */
	dlist_head ready;	   /* of Group: the first of each may be told */
	dlist_head waiting;	   /* of Group: those with something pending */
	dlist_head loose;	   /* of Pending: of no group */
	HTAB *loose_in_flight; /* of InFlight */
};

static const pg_uuid_t no_group;

static bool
is_of_a_group(const pg_uuid_t *group)
{
	return memcmp(group, &no_group, sizeof(no_group)) != 0;
}

GaEventQueue *
ga_event_queue_make(void)
{
	HASHCTL groups = {.keysize = sizeof(pg_uuid_t), .entrysize = sizeof(Group)};
	HASHCTL in_flight = {.keysize = sizeof(int64),
						 .entrysize = sizeof(InFlight)};
	GaEventQueue *queue =
		MemoryContextAllocZero(TopMemoryContext, sizeof(GaEventQueue));

	queue->context = AllocSetContextCreate(TopMemoryContext, "group_api events",
										   ALLOCSET_DEFAULT_SIZES);
	dlist_init(&queue->ready);
	dlist_init(&queue->waiting);
	dlist_init(&queue->loose);
	groups.hcxt = in_flight.hcxt = queue->context;
	queue->groups = hash_create("group_api groups of events", 64, &groups,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	queue->loose_in_flight =
		hash_create("group_api events in flight", 64, &in_flight,
					HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return queue;
}

int
ga_event_queue_count(const GaEventQueue *queue)
{
	return queue->count;
}

/* ---- what is known -------------------------------------------------------- */

static int
put_ids(const dlist_head *pending, Datum *ids, int count)
{
	dlist_iter iter;

	dlist_foreach(iter, unconstify(dlist_head *, pending)) ids[count++] =
		Int64GetDatum(dlist_container(Pending, node, iter.cur)->event.id);
	return count;
}

Datum
ga_event_queue_known(GaEventQueue *queue)
{
	/* One of each group may be in flight. */
	int room = queue->count + (int) hash_get_num_entries(queue->groups) +
			   (int) hash_get_num_entries(queue->loose_in_flight);
	Datum *ids = palloc(sizeof(Datum) * Max(room, 1));
	int count = put_ids(&queue->loose, ids, 0);
	HASH_SEQ_STATUS status;
	const InFlight *entry;
	const Group *group;

	hash_seq_init(&status, queue->groups);
	while ((group = hash_seq_search(&status)) != NULL)
	{
		count = put_ids(&group->pending, ids, count);
		if (group->in_flight != 0)
			ids[count++] = Int64GetDatum(group->in_flight);
	}
	hash_seq_init(&status, queue->loose_in_flight);
	while ((entry = hash_seq_search(&status)) != NULL)
		ids[count++] = Int64GetDatum(entry->id);
	return ga_row_datum_array(ids, NULL, count, INT8OID);
}

Datum
ga_event_queue_full(GaEventQueue *queue, int pending, int *count)
{
	Datum *ids = palloc(sizeof(Datum) * (queue->count / pending + 1));
	HASH_SEQ_STATUS status;
	Group *group;

	*count = 0;
	hash_seq_init(&status, queue->groups);
	while ((group = hash_seq_search(&status)) != NULL)
		if (group->count >= pending)
			ids[(*count)++] = UUIDPGetDatum(&group->id);
	return ga_row_datum_array(ids, NULL, *count, UUIDOID);
}

/* ---- groups --------------------------------------------------------------- */

static Group *
find_group(GaEventQueue *queue, const pg_uuid_t *id)
{
	return hash_search(queue->groups, id, HASH_FIND, NULL);
}

static Group *
enter_group(GaEventQueue *queue, const pg_uuid_t *id)
{
	bool found;
	Group *group = hash_search(queue->groups, id, HASH_ENTER, &found);

	if (!found)
	{
		memset((char *) group + sizeof(pg_uuid_t), 0,
			   sizeof(Group) - sizeof(pg_uuid_t));
		dlist_init(&group->pending);
	}
	return group;
}

/* The line in which it is to stand. */
static QueueLine
line_of(const Group *group)
{
	if (group->in_flight != 0 || group->count == 0)
		return LINE_NONE;
	return group->until != 0 ? LINE_WAITING : LINE_READY;
}

/* After whatever changed of it; forgets one of which nothing is to be known. */
static void
settle(GaEventQueue *queue, Group *group)
{
	QueueLine line = line_of(group);

	if (group->line != line)
	{
		if (group->line != LINE_NONE)
			dlist_delete(&group->node);
		group->line = line;
		if (line != LINE_NONE)
			dlist_push_tail(line == LINE_READY ? &queue->ready
											   : &queue->waiting,
							&group->node);
	}
	if (group->in_flight == 0 && group->count == 0 && group->until == 0)
		hash_search(queue->groups, &group->id, HASH_REMOVE, NULL);
}

/* Those whose time has come may be told of. */
static void
end_waits(GaEventQueue *queue, TimestampTz now)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &queue->waiting)
	{
		Group *group = dlist_container(Group, node, iter.cur);

		if (group->until > now)
			continue;
		group->until = 0;
		settle(queue, group);
	}
}

void
ga_event_queue_wait(GaEventQueue *queue, pg_uuid_t id, TimestampTz until)
{
	Group *group;

	if (!is_of_a_group(&id))
		return;
	group = enter_group(queue, &id);
	group->until = until;
	settle(queue, group);
}

TimestampTz
ga_event_queue_waits_until(GaEventQueue *queue, pg_uuid_t id, TimestampTz now)
{
	Group *group = find_group(queue, &id);

	if (group == NULL)
		return 0;
	if (group->until != 0 && group->until <= now)
	{
		group->until = 0;
		settle(queue, group);
		return 0;
	}
	return group->until;
}

/* ---- events --------------------------------------------------------------- */

void
ga_event_queue_add(GaEventQueue *queue, const GaDueEvent *event)
{
	size_t length = strlen(event->document) + 1;
	Pending *pending = MemoryContextAlloc(queue->context,
										  offsetof(Pending, document) + length);
	Group *group;

	pending->event = *event;
	pending->event.document = pending->document;
	memcpy(pending->document, event->document, length);
	queue->count++;
	if (!is_of_a_group(&event->group_id))
	{
		dlist_push_tail(&queue->loose, &pending->node);
		return;
	}
	group = enter_group(queue, &event->group_id);
	dlist_push_tail(&group->pending, &pending->node);
	group->count++;
	settle(queue, group);
}

/* Out of its line, and still to be freed. */
static Pending *
take_out(GaEventQueue *queue, dlist_node *at)
{
	dlist_delete(at);
	queue->count--;
	return dlist_container(Pending, node, at);
}

static void
drop_all(GaEventQueue *queue, dlist_head *pending)
{
	while (!dlist_is_empty(pending))
		pfree(take_out(queue, dlist_head_node(pending)));
}

void
ga_event_queue_forget(GaEventQueue *queue)
{
	HASH_SEQ_STATUS status;
	Group *group;

	drop_all(queue, &queue->loose);
	hash_seq_init(&status, queue->groups);
	while ((group = hash_seq_search(&status)) != NULL)
	{
		drop_all(queue, &group->pending);
		group->count = 0;
		group->until = 0;
		settle(queue, group);
	}
}

bool
ga_event_queue_has_next(GaEventQueue *queue, TimestampTz now)
{
	end_waits(queue, now);
	return !dlist_is_empty(&queue->loose) || !dlist_is_empty(&queue->ready);
}

/* The first one of no group, which is in flight from now on. */
static Pending *
next_loose(GaEventQueue *queue)
{
	Pending *next = take_out(queue, dlist_head_node(&queue->loose));

	hash_search(queue->loose_in_flight, &next->event.id, HASH_ENTER, NULL);
	return next;
}

/* Likewise of the group that stands first in the line. */
static Pending *
next_of_group(GaEventQueue *queue)
{
	Group *group = dlist_container(Group, node, dlist_head_node(&queue->ready));
	Pending *next = take_out(queue, dlist_head_node(&group->pending));

	group->in_flight = next->event.id;
	group->count--;
	settle(queue, group);
	return next;
}

int
ga_event_queue_take(GaEventQueue *queue, TimestampTz now, int limit,
					GaEventHandler handle, void *arg)
{
	int taken = 0;

	while (taken < limit && ga_event_queue_has_next(queue, now))
	{
		Pending *next = dlist_is_empty(&queue->loose) ? next_of_group(queue)
													  : next_loose(queue);

		handle(&next->event, arg);
		pfree(next);
		taken++;
	}
	return taken;
}

void
ga_event_queue_done(GaEventQueue *queue, int64 id, pg_uuid_t group_id)
{
	Group *group = find_group(queue, &group_id);

	if (group == NULL)
	{
		hash_search(queue->loose_in_flight, &id, HASH_REMOVE, NULL);
		return;
	}
	group->in_flight = 0;
	settle(queue, group);
}

Datum
ga_event_queue_take_group(GaEventQueue *queue, pg_uuid_t id, int *count)
{
	Group *group = find_group(queue, &id);
	Datum *ids = palloc(sizeof(Datum) * (group == NULL ? 1 : group->count + 1));

	*count = 0;
	if (group != NULL)
	{
		*count = put_ids(&group->pending, ids, 0);
		drop_all(queue, &group->pending);
		group->count = 0;
		settle(queue, group);
	}
	return ga_row_datum_array(ids, NULL, *count, INT8OID);
}
