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
	dlist_node node;
	GaDueEvent event; /* its document is the queue's */
} Pending;

typedef struct Group
{
	pg_uuid_t id; /* hash key */
	bool in_flight;
	TimestampTz until; /* it waits; 0: it does not */
} Group;

/* The ids that are in flight. */
typedef struct InFlight
{
	int64 id; /* hash key */
} InFlight;

struct GaEventQueue
{
	MemoryContext context;
	dlist_head pending;
	int count;
	/*
	 * Of none pending may be told now, as was seen when all were looked at: their groups
	 * are busy, or wait until then (DT_NOEND: none waits).
	 */
	bool none_is_free;
	TimestampTz none_until;
	HTAB *groups;	 /* of Group: those that are busy or wait */
	HTAB *in_flight; /* of InFlight */
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
	dlist_init(&queue->pending);
	groups.hcxt = in_flight.hcxt = queue->context;
	queue->groups = hash_create("group_api groups of events", 64, &groups,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	queue->in_flight = hash_create("group_api events in flight", 64, &in_flight,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return queue;
}

int
ga_event_queue_count(const GaEventQueue *queue)
{
	return queue->count;
}

Datum
ga_event_queue_known(GaEventQueue *queue)
{
	int room = queue->count + (int) hash_get_num_entries(queue->in_flight);
	Datum *ids = palloc(sizeof(Datum) * Max(room, 1));
	bool *nulls = palloc0(sizeof(bool) * Max(room, 1));
	HASH_SEQ_STATUS status;
	dlist_iter iter;
	InFlight *entry;
	int count = 0;

	dlist_foreach(iter, &queue->pending) ids[count++] =
		Int64GetDatum(dlist_container(Pending, node, iter.cur)->event.id);
	hash_seq_init(&status, queue->in_flight);
	while ((entry = hash_seq_search(&status)) != NULL)
		ids[count++] = Int64GetDatum(entry->id);
	return ga_row_datum_array(ids, nulls, count, INT8OID);
}

typedef struct Share
{
	pg_uuid_t group; /* hash key */
	int pending;
} Share;

Datum
ga_event_queue_full(GaEventQueue *queue, int pending, int *count)
{
	HASHCTL control = {.keysize = sizeof(pg_uuid_t),
					   .entrysize = sizeof(Share),
					   .hcxt = CurrentMemoryContext};
	HTAB *shares = hash_create("group_api shares of events", 64, &control,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	Datum *ids = palloc(sizeof(Datum) * Max(queue->count, 1));
	dlist_iter iter;

	*count = 0;
	dlist_foreach(iter, &queue->pending)
	{
		Pending *event = dlist_container(Pending, node, iter.cur);
		bool found;
		Share *share;

		if (!is_of_a_group(&event->event.group_id))
			continue;
		share = hash_search(shares, &event->event.group_id, HASH_ENTER, &found);
		share->pending = found ? share->pending + 1 : 1;
		if (share->pending == pending)
			ids[(*count)++] = UUIDPGetDatum(&event->event.group_id);
	}
	hash_destroy(shares);
	return ga_row_datum_array(ids, NULL, *count, UUIDOID);
}

void
ga_event_queue_add(GaEventQueue *queue, const GaDueEvent *event)
{
	MemoryContext old = MemoryContextSwitchTo(queue->context);
	Pending *pending = palloc(sizeof(Pending));

	pending->event = *event;
	pending->event.document = pstrdup(event->document);
	dlist_push_tail(&queue->pending, &pending->node);
	queue->count++;
	queue->none_is_free = false;
	MemoryContextSwitchTo(old);
}

static void
drop(GaEventQueue *queue, Pending *pending)
{
	dlist_delete(&pending->node);
	queue->count--;
	pfree(pending->event.document);
	pfree(pending);
}

void
ga_event_queue_forget(GaEventQueue *queue)
{
	dlist_mutable_iter iter;
	HASH_SEQ_STATUS status;
	Group *group;

	queue->none_is_free = false;
	dlist_foreach_modify(iter, &queue->pending)
		drop(queue, dlist_container(Pending, node, iter.cur));
	hash_seq_init(&status, queue->groups);
	while ((group = hash_seq_search(&status)) != NULL)
	{
		group->until = 0;
		if (!group->in_flight)
			hash_search(queue->groups, &group->id, HASH_REMOVE, NULL);
	}
}

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
		group->in_flight = false;
		group->until = 0;
	}
	return group;
}

static void
forget_if_free(GaEventQueue *queue, Group *group)
{
	if (!group->in_flight && group->until == 0)
		hash_search(queue->groups, &group->id, HASH_REMOVE, NULL);
}

void
ga_event_queue_wait(GaEventQueue *queue, pg_uuid_t group, TimestampTz until)
{
	queue->none_is_free = false;
	if (is_of_a_group(&group))
		enter_group(queue, &group)->until = until;
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
		forget_if_free(queue, group);
		return 0;
	}
	return group->until;
}

/* Of one that waits, `until` becomes the earliest end of a wait. */
static bool
is_free(GaEventQueue *queue, const pg_uuid_t *id, TimestampTz now,
		TimestampTz *until)
{
	TimestampTz waits;
	Group *group;

	if (!is_of_a_group(id))
		return true;
	waits = ga_event_queue_waits_until(queue, *id, now);
	if (waits != 0)
	{
		*until = Min(*until, waits);
		return false;
	}
	group = find_group(queue, id);
	return group == NULL || !group->in_flight;
}

static bool
is_known_to_be_busy(const GaEventQueue *queue, TimestampTz now)
{
	return queue->none_is_free && now < queue->none_until;
}

static void
note_all_busy(GaEventQueue *queue, TimestampTz until)
{
	queue->none_is_free = true;
	queue->none_until = until;
}

bool
ga_event_queue_has_next(GaEventQueue *queue, TimestampTz now)
{
	TimestampTz until = DT_NOEND;
	dlist_iter iter;

	if (is_known_to_be_busy(queue, now))
		return false;
	dlist_foreach(iter, &queue->pending)
	{
		Pending *pending = dlist_container(Pending, node, iter.cur);

		if (is_free(queue, &pending->event.group_id, now, &until))
			return true;
	}
	note_all_busy(queue, until);
	return false;
}

static void
note_in_flight(GaEventQueue *queue, const GaDueEvent *event)
{
	if (is_of_a_group(&event->group_id))
		enter_group(queue, &event->group_id)->in_flight = true;
	hash_search(queue->in_flight, &event->id, HASH_ENTER, NULL);
}

int
ga_event_queue_take(GaEventQueue *queue, TimestampTz now, int limit,
					GaEventHandler handle, void *arg)
{
	TimestampTz until = DT_NOEND;
	dlist_mutable_iter iter;
	int taken = 0;

	if (is_known_to_be_busy(queue, now))
		return 0;
	dlist_foreach_modify(iter, &queue->pending)
	{
		Pending *pending = dlist_container(Pending, node, iter.cur);

		if (taken == limit)
			return taken;
		if (!is_free(queue, &pending->event.group_id, now, &until))
			continue;
		note_in_flight(queue, &pending->event);
		handle(&pending->event, arg);
		drop(queue, pending);
		taken++;
	}
	note_all_busy(queue, until);
	return taken;
}

void
ga_event_queue_done(GaEventQueue *queue, int64 id, pg_uuid_t group_id)
{
	Group *group = find_group(queue, &group_id);

	queue->none_is_free = false;
	hash_search(queue->in_flight, &id, HASH_REMOVE, NULL);
	if (group == NULL)
		return;
	group->in_flight = false;
	forget_if_free(queue, group);
}

Datum
ga_event_queue_take_group(GaEventQueue *queue, pg_uuid_t group, int *count)
{
	Datum *ids = palloc(sizeof(Datum) * Max(queue->count, 1));
	bool *nulls = palloc0(sizeof(bool) * Max(queue->count, 1));
	dlist_mutable_iter iter;

	*count = 0;
	dlist_foreach_modify(iter, &queue->pending)
	{
		Pending *pending = dlist_container(Pending, node, iter.cur);

		if (!is_of_a_group(&group) ||
			memcmp(&pending->event.group_id, &group, sizeof(group)) != 0)
			continue;
		ids[(*count)++] = Int64GetDatum(pending->event.id);
		drop(queue, pending);
	}
	return ga_row_datum_array(ids, nulls, *count, INT8OID);
}
