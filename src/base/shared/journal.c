/*
 * journal.c
 *		What providers took over and is not yet recorded in the database.
 *
 * A slot goes from FREE to HANDED (the dispatcher), to WRITING and ACCEPTED (the courier)
 * and back to FREE (the dispatcher).  What is in a slot is written by whoever holds it,
 * before the state says so.  Two threads of the courier may hold answers for one slot,
 * of which one came too late: the exchange of HANDED for WRITING decides, and then whose
 * the slot is is looked at once more.  They may be of two couriers, the one of a
 * dispatcher that died, and the extension made anew meanwhile, so that the same ids are
 * used again: therefore each dispatcher is a generation of its own.
 *
 * A process that dies in between leaves WRITING behind, which says nothing.
 */
#include "base/shared/journal.h"

#include <string.h>

/* Another layout has another number, also where sizes are the same. */
#define LAYOUT 0x67614a32u

/* A second time, since a dispatcher may be killed at any moment for another reason. */
#define BEGUN_MAX 2

typedef enum State
{
	FREE,
	HANDED,
	WRITING,
	ACCEPTED
} State;

typedef struct JournalSlot
{
	uint32_t state;
	uint32_t answer_length;
	GaJournalMessage message;
	uint32_t generation; /* of the message */
	uint32_t answered_generation;
	uint64_t answered; /* the job id of the answer */
	char answer[GA_JOURNAL_ANSWER_MAX];
} JournalSlot;

struct GaJournal
{
	uint32_t layout;
	uint32_t size;
	GaMonotonic busy_until;
	uint32_t begun;		 /* how many died while they read, since the last end */
	uint32_t generation; /* of the dispatcher that took it last */
	JournalSlot slots[GA_JOURNAL_SLOTS];
};

size_t
ga_journal_size(void)
{
	return sizeof(GaJournal);
}

static uint32_t
state_of(const JournalSlot *slot)
{
	return __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
}

static void
set_state(JournalSlot *slot, State state)
{
	__atomic_store_n(&slot->state, (uint32_t) state, __ATOMIC_RELEASE);
}

/* False: it is in another state meanwhile. */
static bool
change_state(JournalSlot *slot, uint32_t from, State to)
{
	return __atomic_compare_exchange_n(&slot->state, &from, (uint32_t) to,
									   false, __ATOMIC_ACQ_REL,
									   __ATOMIC_RELAXED);
}

static JournalSlot *
slot_of(GaJournal *journal, uint64_t job_id)
{
	return &journal->slots[job_id % GA_JOURNAL_SLOTS];
}

void
ga_journal_clear(GaJournal *journal)
{
	for (int i = 0; i < GA_JOURNAL_SLOTS; i++)
		set_state(&journal->slots[i], FREE);
	ga_journal_set_busy(journal, 0);
	journal->begun = 0;
}

bool
ga_journal_begin(GaJournal *journal)
{
	return journal->begun++ < BEGUN_MAX;
}

void
ga_journal_put_off(GaJournal *journal)
{
	/* What was too much to be read was cleared, and counts from zero. */
	if (journal->begun > 0)
		journal->begun--;
}

bool
ga_journal_is_empty(const GaJournal *journal)
{
	for (int i = 0; i < GA_JOURNAL_SLOTS; i++)
		if (state_of(&journal->slots[i]) != FREE)
			return false;
	return true;
}

bool
ga_journal_is_known(const GaJournal *journal)
{
	return journal->layout == LAYOUT && journal->size == sizeof(GaJournal);
}

bool
ga_journal_take(GaJournal *journal)
{
	bool is_known = ga_journal_is_known(journal);

	if (!is_known)
		memset(journal, 0, sizeof(*journal));
	journal->size = sizeof(GaJournal);
	journal->layout = LAYOUT;
	journal->generation++;
	return is_known;
}

uint32_t
ga_journal_generation(const GaJournal *journal)
{
	return journal->generation;
}

void
ga_journal_put(GaJournal *journal, const GaJournalMessage *message)
{
	JournalSlot *slot = slot_of(journal, message->job_id);
	uint32_t state = state_of(slot);

	if (state == WRITING || !change_state(slot, state, FREE))
		return;
	slot->message = *message;
	slot->generation = journal->generation;
	set_state(slot, HANDED);
}

void
ga_journal_release(GaJournal *journal, uint64_t job_id)
{
	JournalSlot *slot = slot_of(journal, job_id);

	if (slot->message.job_id == job_id)
		set_state(slot, FREE);
}

bool
ga_journal_read(const GaJournal *journal, int at, GaJournalMessage *message,
				char *answer, uint32_t *length)
{
	const JournalSlot *slot = &journal->slots[at];

	if (state_of(slot) != ACCEPTED)
		return false;
	*message = slot->message;
	message->server[GA_JOURNAL_SERVER_SIZE - 1] = '\0';
	*length = slot->answer_length;
	if (slot->answered != message->job_id ||
		slot->answered_generation != slot->generation ||
		*length > GA_JOURNAL_ANSWER_MAX)
		return false;
	memcpy(answer, slot->answer, *length);
	return state_of(slot) == ACCEPTED;
}

GaMonotonic
ga_journal_busy_until(const GaJournal *journal)
{
	return __atomic_load_n(&journal->busy_until, __ATOMIC_ACQUIRE);
}

static bool
is_of(const JournalSlot *slot, uint32_t generation, uint64_t job_id)
{
	return slot->message.job_id == job_id && slot->generation == generation;
}

void
ga_journal_note(GaJournal *journal, uint32_t generation, uint64_t job_id,
				const char *answer, size_t length)
{
	JournalSlot *slot = slot_of(journal, job_id);

	if (length > GA_JOURNAL_ANSWER_MAX || state_of(slot) != HANDED ||
		!is_of(slot, generation, job_id) ||
		!change_state(slot, HANDED, WRITING))
		return;
	/* It may have been handed out to another one just now. */
	if (!is_of(slot, generation, job_id))
	{
		set_state(slot, HANDED);
		return;
	}
	slot->answered = job_id;
	slot->answered_generation = generation;
	slot->answer_length = (uint32_t) length;
	memcpy(slot->answer, answer, length);
	set_state(slot, ACCEPTED);
}

void
ga_journal_set_busy(GaJournal *journal, GaMonotonic until)
{
	__atomic_store_n(&journal->busy_until, until, __ATOMIC_RELEASE);
}
