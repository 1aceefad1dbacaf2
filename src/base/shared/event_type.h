/*
 * event_type.h
 *		The events an app can hear of: their names, and lists of them.
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_SHARED_EVENT_TYPE_H
#define GA_BASE_SHARED_EVENT_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of event_type.c's names; docs/events.md describes each. */
typedef enum GaEventType
{
	GA_EVENT_GROUP_CREATED,
	GA_EVENT_GROUP_UPDATED,
	GA_EVENT_GROUP_ARCHIVED,
	GA_EVENT_GROUP_DELETED,
	GA_EVENT_INVITATION_QUEUED,
	GA_EVENT_INVITATION_SENT,
	GA_EVENT_INVITATION_DELIVERED,
	GA_EVENT_INVITATION_FAILED,
	GA_EVENT_INVITATION_UNCERTAIN,
	GA_EVENT_INVITATION_SUPPRESSED,
	GA_EVENT_INVITATION_ACCEPTED,
	GA_EVENT_INVITATION_DECLINED,
	GA_EVENT_INVITATION_EXPIRED,
	GA_EVENT_INVITATION_REVOKED,
	GA_EVENT_INVITATION_RESENT,
	GA_EVENT_MEMBER_JOINED,
	GA_EVENT_MEMBER_LEFT,
	GA_EVENT_MEMBER_REMOVED,
	GA_EVENT_REQUEST_MADE,
	GA_EVENT_REQUEST_ACCEPTED,
	GA_EVENT_PROVIDER_PAUSED,
	GA_EVENT_PROVIDER_RESUMED,
	GA_EVENT_COUNT
} GaEventType;

/* A set of them: the bit of each is 1 << its number. */
typedef uint32_t GaEventTypes;

#define GA_EVENT_BIT(type) ((GaEventTypes) 1 << (type))

/* "invitation.sent" */
extern const char *ga_event_type_name(GaEventType type);

/*
 * Reads a list such as 'invitation.*, member.joined'; '*' is all.  False: the first
 * word that names none begins at `wrong` and has `length` bytes, 0 for an empty list.
 */
extern bool ga_event_types_read(const char *list, GaEventTypes *types,
								const char **wrong, size_t *length);

/* All names, with a comma between, for a hint. */
extern void ga_event_types_list(char *list, size_t size);

#define GA_EVENT_TYPES_LIST_MAX 600

#endif /* GA_BASE_SHARED_EVENT_TYPE_H */
