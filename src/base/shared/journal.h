/*
 * journal.h
 *		What providers took over and is not yet recorded in the database.
 *
 * The dispatcher and its courier share this memory, and it outlives both.  Before a
 * message is handed over the dispatcher notes it in a slot; when the provider has taken
 * it over the courier adds the answer; when the outcome is recorded the dispatcher frees
 * the slot.  So whoever comes after a dispatcher that died without recording finds here
 * what need not be sent again.
 *
 * A slot belongs to the messages whose job ids leave the same remainder.  One of them
 * that takes so long that its slot is used for another is not noted: it is sent again
 * after a crash, as it would be without a journal.
 *
 * Whatever happens in between, no slot says of a message that it was taken over when it
 * was not: an answer bears the job id and the dispatcher's generation, and only one side
 * at a time changes a slot.
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_SHARED_JOURNAL_H
#define GA_BASE_SHARED_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shared/monotonic.h"

/* Twice the default of group_api.max_in_flight; a power of two. */
#define GA_JOURNAL_SLOTS 2048
/* An outcome without the provider's words, which are told only once. */
#define GA_JOURNAL_ANSWER_MAX 376
#define GA_JOURNAL_GROUP_LENGTH 16
#define GA_JOURNAL_SERVER_SIZE 64
/* So long a courier whose dispatcher is gone may still send what is under way; a
 * restart of the server after a crash takes about a third of that. */
#define GA_JOURNAL_LINGER_MS 1000
/* Then it ends itself, so that it has ended when it is no longer waited for. */
#define GA_JOURNAL_SENDS_MS 900

/* A message that is handed over, with what its record will need. */
typedef struct GaJournalMessage
{
	/* never used twice by an extension; one that is made anew may use it again */
	uint64_t job_id;
	int64_t handed_at;
	uint8_t group_id[GA_JOURNAL_GROUP_LENGTH];
	int32_t number;
	int32_t attempt;
	int32_t segments;
	char server[GA_JOURNAL_SERVER_SIZE];
} GaJournalMessage;

typedef struct GaJournal GaJournal;

/* What a journal takes, in bytes. */
extern size_t ga_journal_size(void);

/* Whether it has this layout, which a program of another version may not know. */
extern bool ga_journal_is_known(const GaJournal *journal);
extern void ga_journal_clear(GaJournal *journal);
/* Whether all that was handed over is recorded. */
extern bool ga_journal_is_empty(const GaJournal *journal);

/* ---- the dispatcher ------------------------------------------------------ */

/*
 * Takes memory of that size for a journal, and begins a generation: a courier of an
 * earlier one notes nothing of what is handed over from here on.  false: what is there
 * is of no known layout, or was never a journal, and is emptied.
 */
extern bool ga_journal_take(GaJournal *journal);
/* Before what is left behind is read; false: that was begun so often without an end
 * (ga_journal_clear) that it may be what ends the dispatchers. */
extern bool ga_journal_begin(GaJournal *journal);
/* What was begun could not be done, and did not end the dispatcher: it is tried again. */
extern void ga_journal_put_off(GaJournal *journal);
/* Before the message is handed over. */
extern void ga_journal_put(GaJournal *journal, const GaJournalMessage *message);
/* Its outcome is recorded. */
extern void ga_journal_release(GaJournal *journal, uint64_t job_id);
/*
 * What the slot `at`, below GA_JOURNAL_SLOTS, says that a provider took over; false:
 * nothing.  `answer` has room for GA_JOURNAL_ANSWER_MAX bytes.
 */
extern bool ga_journal_read(const GaJournal *journal, int at,
							GaJournalMessage *message, char *answer,
							uint32_t *length);
/* Until when at the longest a courier whose dispatcher is gone still sends. */
extern GaMonotonic ga_journal_busy_until(const GaJournal *journal);

/* ---- the courier --------------------------------------------------------- */

/* That of the dispatcher: to be asked before its end can be outlived. */
extern uint32_t ga_journal_generation(const GaJournal *journal);
/* The payload of an OUTCOME frame that says ACCEPTED, before it is told. */
extern void ga_journal_note(GaJournal *journal, uint32_t generation,
							uint64_t job_id, const char *answer, size_t length);
/* 0: nothing is under way any more. */
extern void ga_journal_set_busy(GaJournal *journal, GaMonotonic until);

#endif /* GA_BASE_SHARED_JOURNAL_H */
