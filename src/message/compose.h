/*
 * compose.h
 *		What an invitation says: the words of its e-mail and its SMS.
 */
#ifndef GA_MESSAGE_COMPOSE_H
#define GA_MESSAGE_COMPOSE_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "base/message_template.h"
#include "datatype/timestamp.h"

/* What the words are made of; names and texts are what a caller typed. */
typedef struct GaInvitationWords
{
	GaChannel channel;
	const char *contact; /* whom it goes to; NULL: not told */
	const char *inviter; /* NULL: not told */
	const char *member;
	const char *group_name;
	const char *description; /* NULL: none */
	const char *image;		 /* URL; NULL: none */
	const char *message;	 /* NULL: none */
	const char *link;		 /* opens the invitation */
	TimestampTz expires_at;	 /* 0: never */
	const char *locale;		 /* wanted; NULL: not known */
	bool is_reminder;
} GaInvitationWords;

typedef struct GaMessage
{
	const char *subject; /* NULL for SMS */
	const char *text;
	const char *html;	/* NULL for SMS, and where the template has none */
	const char *locale; /* what it is written in */
	int segments;		/* of an SMS; 0 for e-mail */
	bool is_ucs2;		/* of an SMS: not in the GSM 7-bit alphabet */
} GaMessage;

/* Composes in the current memory context; the locale is the template's. */
extern void ga_message_compose(const GaInvitationWords *words,
							   const GaTemplates *own, GaMessage *message);

/* The URL with the token in the place of "{token}", or at its end. */
extern const char *ga_message_url(const char *url, const char *token);

#endif /* GA_MESSAGE_COMPOSE_H */
