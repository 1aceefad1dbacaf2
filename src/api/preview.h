/*
 * preview.h
 *		What would be sent, without sending it.
 *
 * The messages are those of the dispatcher to the last byte, but for the token
 * in the link: a leader must not be able to answer for the invited person.
 */
#ifndef GA_API_PREVIEW_H
#define GA_API_PREVIEW_H

#include "postgres.h"

#include "api/caller.h"
#include "message/compose.h"
#include "store/group/group_store.h"
#include "store/plan_cache.h"

/* As many messages are shown; the totals count all. */
#define GA_PREVIEW_SHOWN 100

/* No member has this number. */
#define GA_PREVIEW_EVERY (-1)

typedef struct GaPreviewMessage
{
	const GaMember *member;
	GaMessage message;
} GaPreviewMessage;

typedef struct GaPreview
{
	int shown;
	GaPreviewMessage *messages;
	/* of all, shown or not */
	int total;
	int withheld; /* of them: those whose channel is not told */
	int sms;
	int64 segments;
	int emails;
} GaPreview;

/* Which members' messages are wanted. */
typedef bool (*GaPreviewFilter)(const GaMember *member);

/* Those that leave as soon as the transaction commits. */
extern bool ga_preview_queued(const GaMember *member);

/*
 * Inside ga_owner_enter()/leave().  The group is limited to what the caller may
 * be told; of a member that is withheld the message is a mail in the group's
 * language, whatever would be sent.  `number`: of one member, or
 * GA_PREVIEW_EVERY; `locale` NULL: the language each would be written to in.  The results
 * are in the scope's caller context and point into the group.
 */
extern void ga_preview_make(const GaOwnerScope *scope, const GaCaller *caller,
							GaGroup *group, GaPreviewFilter filter,
							int32 number, const char *locale,
							GaPreview *preview);

#endif /* GA_API_PREVIEW_H */
