/*
 * evidence.c
 *		Whom a refusal blames, decided by what else the provider does.
 *
 * Words alone do not tell whether a refusal is about one recipient or about our
 * account, sender or host.  The same refusal of several recipients, with nothing
 * accepted between, is about us; one while others are accepted is about its
 * recipient.  Until that is known the message waits for a moment, so that others
 * go first.
 *
 * It must end whatever the provider says: a message is put off at most
 * PUT_OFF_MAX times, and pauses the provider alone at most
 * GA_EVIDENCE_PAUSES_MAX times.
 */
#include "dispatch/provider/evidence.h"

#include <string.h>

/* While other messages are under way their outcomes are waited for: one minute. */
#define PUT_OFF_MAX 5
#define FIRST_WAIT_MS 2000
#define LONGEST_WAIT_MS 30000

/* Enough to tell refusals apart; what follows names hosts and accounts. */
#define WORDS_COUNTED 6

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
#define FNV_BASIS UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

static uint64_t
digest(uint64_t sum, const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		unsigned char byte = (unsigned char) data[i];

		if (byte >= 'A' && byte <= 'Z')
			byte += 'a' - 'A';
		sum = (sum ^ byte) * FNV_PRIME;
	}
	return sum;
}

static uint64_t
not_zero(uint64_t sum)
{
	return sum == 0 ? 1 : sum;
}

static bool
is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
		   (unsigned char) byte >= 0x80;
}

/*
 * A word of letters alone, with what may stand around it.  Whatever else it has
 * within is an address, a number, a host or an id.
 */
static bool
trim_word(const char **word, size_t *length)
{
	while (*length > 0 && strchr("\"'(<[", **word) != NULL)
	{
		(*word)++;
		(*length)--;
	}
	while (*length > 0 && strchr("\"')>].,:;!?", (*word)[*length - 1]) != NULL)
		(*length)--;
	for (size_t i = 0; i < *length; i++)
		if (!is_letter((*word)[i]) && (*word)[i] != '-' && (*word)[i] != '\'')
			return false;
	return *length > 0;
}

uint64_t
ga_evidence_words(const char *code, size_t code_length, const char *words,
				  size_t length)
{
	uint64_t sum = digest(FNV_BASIS, code, code_length);
	int counted = 0;
	size_t at = 0;

	while (at < length && counted < WORDS_COUNTED)
	{
		size_t end = at;
		const char *word = words + at;
		size_t size;

		while (end < length && words[end] != ' ')
			end++;
		size = end - at;
		if (trim_word(&word, &size))
		{
			sum = digest(digest(sum, " ", 1), word, size);
			counted++;
		}
		at = end + 1;
	}
	return not_zero(sum);
}

uint64_t
ga_evidence_recipient(const char *contact)
{
	return not_zero(digest(FNV_BASIS, contact, strlen(contact)));
}

void
ga_evidence_accept(GaEvidence *evidence)
{
	memset(evidence, 0, sizeof(*evidence));
	evidence->has_accepted = true;
}

/* The refusals with these words; the oldest kind makes room. */
static GaRefusals *
find_kind(GaEvidence *evidence, uint64_t words)
{
	GaRefusals *kind;

	for (int i = 0; i < GA_EVIDENCE_KINDS; i++)
		if (evidence->kinds[i].words == words)
			return &evidence->kinds[i];
	kind = &evidence->kinds[evidence->next];
	evidence->next = (evidence->next + 1) % GA_EVIDENCE_KINDS;
	memset(kind, 0, sizeof(*kind));
	kind->words = words;
	return kind;
}

/* False: this recipient is one of them already. */
static bool
add_recipient(GaRefusals *kind, uint64_t recipient)
{
	for (int i = 0; i < kind->count; i++)
		if (kind->recipients[i] == recipient)
			return false;
	if (kind->count < GA_EVIDENCE_ENOUGH)
		kind->recipients[kind->count++] = recipient;
	return true;
}

GaRuling
ga_evidence_rule(GaEvidence *evidence, const GaDoubt *doubt)
{
	GaRefusals *kind = find_kind(evidence, doubt->words);
	bool is_new = add_recipient(kind, doubt->recipient);

	if (kind->count >= GA_EVIDENCE_ENOUGH)
		return GA_RULING_PAUSE;
	/* Its last refusal is forgotten, so others were accepted since. */
	if (is_new && evidence->has_accepted &&
		(doubt->refusals > 0 || doubt->pauses > 0))
		return GA_RULING_REJECT;
	if (doubt->refusals == 0)
		return GA_RULING_PUT_OFF;
	if (doubt->refusals < PUT_OFF_MAX &&
		(doubt->is_others_turn || doubt->refusals < kind->count))
		return GA_RULING_PUT_OFF;
	/* There is nothing to compare it with: the guess counts. */
	if (!doubt->blames_us)
		return GA_RULING_REJECT;
	return doubt->pauses < GA_EVIDENCE_PAUSES_MAX ? GA_RULING_PAUSE_ALONE
												  : GA_RULING_SET_ASIDE;
}

int64_t
ga_evidence_wait_ms(int refusals)
{
	int64_t ms = FIRST_WAIT_MS;

	for (int i = 0; i < refusals && ms < LONGEST_WAIT_MS; i++)
		ms *= 2;
	return ms < LONGEST_WAIT_MS ? ms : LONGEST_WAIT_MS;
}
