/*
 * suspects.c
 *		The list of suspects, and when the fault is not theirs.
 *
 * How many couriers died of a row stands with the row (invitations.crashes,
 * polls.crashes), so a suspect remains one whichever dispatcher claims it next.
 */
#include "postgres.h"

#include "dispatch/courier/suspects.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

/* So many set aside and nothing that got through: the courier is broken. */
#define BLAMED_MAX 3

typedef struct Suspect
{
	uint64 job_id;
	size_t length;
	char payload[FLEXIBLE_ARRAY_MEMBER];
} Suspect;

static List *suspects; /* of Suspect *, in TopMemoryContext */
static int blamed;	   /* since the last outcome */

void
ga_suspects_add(GaJob *job, const GaJobFrame *frame)
{
	size_t length = ga_wire_job_length(frame);
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Suspect *suspect = palloc(offsetof(Suspect, payload) + length);

	suspect->job_id = job->id;
	suspect->length = length;
	ga_wire_write_job(frame, suspect->payload);
	suspects = lappend(suspects, suspect);
	MemoryContextSwitchTo(old);
	ga_job_suspect(job);
}

bool
ga_suspects_wait(void)
{
	return suspects != NIL;
}

GaJob *
ga_suspects_take(char **payload, size_t *length)
{
	GaJob *job = NULL;

	while (job == NULL && suspects != NIL)
	{
		Suspect *suspect = linitial(suspects);

		suspects = list_delete_first(suspects);
		job = ga_job_find(suspect->job_id);
		if (job != NULL)
		{
			*length = suspect->length;
			*payload = MemoryContextAlloc(TopMemoryContext, suspect->length);
			memcpy(*payload, suspect->payload, suspect->length);
		}
		pfree(suspect);
	}
	return job;
}

void
ga_suspects_forget(void)
{
	list_free_deep(suspects);
	suspects = NIL;
}

void
ga_suspects_note_success(void)
{
	blamed = 0;
}

bool
ga_suspects_is_courier_broken(void)
{
	return blamed >= BLAMED_MAX;
}

bool
ga_suspects_blame(void)
{
	if (ga_suspects_is_courier_broken())
		return false;
	blamed++;
	return true;
}
