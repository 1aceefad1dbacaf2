/*
 * callback_kind.h
 *		How one kind of provider calls back: how it signs, and where the parts of
 *		an event stand.
 *
 * A place is the name of a form's field, or the names of JSON members with a
 * slash between them; several, parted by |, are tried in turn.
 */
#ifndef GA_REQUEST_CALLBACK_CALLBACK_KIND_H
#define GA_REQUEST_CALLBACK_CALLBACK_KIND_H

#include "postgres.h"

#include "request/callback/signature.h"
#include "utils/jsonb.h"

typedef struct GaCallbackKind
{
	const char *kind;
	/* Whether the provider signed a callback; NULL: it does not sign. */
	GaSignatureCheck *check;
	/* The account's password signs, where no other secret is told. */
	bool is_signed_with_password;
	/* A good signature does not cover the event, and so proves one only. */
	bool is_signed_without_event;
	/* Places. */
	const char *reference; /* our key of the message */
	const char *message_id;
	const char *word;
	const char *detail;	 /* refines the word */
	const char *subtype; /* and this one the detail */
	const char *code;
	const char *text;
	const char *time;
	const char *nonce;
	/* Messages that come in have these, and no word or "received". */
	const char *sender;
	const char *said;
	/* The parts of a long message have ids and receipts of their own. */
	bool tells_each_part;
	/* The codes and texts of its failures are a mail server's. */
	bool is_mail;
	/* What one kind alone needs; NULL: nothing. */
	Jsonb *(*unwrap)(Jsonb *body); /* takes the event out of its envelope */
	/* Parts a text of a gateway's own into text and code. */
	void (*read_text)(const char **text, const char **code);
} GaCallbackKind;

/* NULL: no callbacks come from such a provider. */
extern const GaCallbackKind *ga_callback_kind_find(const char *kind);

#endif /* GA_REQUEST_CALLBACK_CALLBACK_KIND_H */
