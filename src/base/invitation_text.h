/*
 * invitation_text.h
 *		What an invitation tells its person, as the table and the page share it.
 */
#ifndef GA_BASE_INVITATION_TEXT_H
#define GA_BASE_INVITATION_TEXT_H

#include "datatype/timestamp.h"

/* NULL: was not given. */
typedef struct GaInvitationText
{
	const char *group_name;
	const char *description;
	const char *image;
	const char *message;
	const char *inviter;
	const char *member;
	TimestampTz expires_at;	  /* 0: never */
	TimestampTz responded_at; /* 0: not yet */
} GaInvitationText;

#endif /* GA_BASE_INVITATION_TEXT_H */
