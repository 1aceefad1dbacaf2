/*
 * evidence.h
 *		Whom a refusal blames, decided by what else the provider does.
 *
 * Pure C: no PostgreSQL header, no allocation, so that a test needs no server.
 */
#ifndef GA_DISPATCH_PROVIDER_EVIDENCE_H
#define GA_DISPATCH_PROVIDER_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The same refusal of so many recipients without an acceptance between is ours. */
#define GA_EVIDENCE_ENOUGH 3
/* Refusals that are told apart at one time. */
#define GA_EVIDENCE_KINDS 4
/* A message that paused its provider alone so often does so no more. */
#define GA_EVIDENCE_PAUSES_MAX 2

/* One refusal, and whom it met since the provider accepted something last. */
typedef struct GaRefusals
{
	uint64_t words; /* a digest; 0: none */
	uint64_t recipients[GA_EVIDENCE_ENOUGH];
	int count; /* different recipients, as far as they are counted */
} GaRefusals;

/* What is known of one provider; zero at the beginning. */
typedef struct GaEvidence
{
	bool has_accepted; /* something, with these settings */
	GaRefusals kinds[GA_EVIDENCE_KINDS];
	int next; /* the kind that is forgotten first */
} GaEvidence;

/* A refusal of which it is not sure whom it blames. */
typedef struct GaDoubt
{
	uint64_t words;		 /* ga_evidence_words() */
	uint64_t recipient;	 /* ga_evidence_recipient() */
	bool blames_us;		 /* the guess: the account, else the recipient */
	bool is_others_turn; /* other messages are under way */
	int refusals;		 /* of this message that were put off before */
	int pauses;			 /* that this message alone was the reason of */
} GaDoubt;

typedef enum GaRuling
{
	GA_RULING_PUT_OFF,	   /* not known yet: back for ga_evidence_wait_ms() */
	GA_RULING_REJECT,	   /* it is this recipient's */
	GA_RULING_PAUSE,	   /* it is ours: everybody is refused */
	GA_RULING_PAUSE_ALONE, /* it seems to be ours, but one message says so */
	GA_RULING_SET_ASIDE	   /* that message has said so too often */
} GaRuling;

/* Of a code and words; not zero-terminated.  Addresses and numbers do not count. */
extern uint64_t ga_evidence_words(const char *code, size_t code_length,
								  const char *words, size_t length);
extern uint64_t ga_evidence_recipient(const char *contact);

/* The provider accepted a message: no refusal before it is about everybody. */
extern void ga_evidence_accept(GaEvidence *evidence);
/* Takes a refusal down and decides. */
extern GaRuling ga_evidence_rule(GaEvidence *evidence, const GaDoubt *doubt);
/* How long a message waits that was put off `refusals` times before. */
extern int64_t ga_evidence_wait_ms(int refusals);

#endif /* GA_DISPATCH_PROVIDER_EVIDENCE_H */
