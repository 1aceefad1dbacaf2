/*
 * member_store.h
 *		Members of groups, and reading them.
 */
#ifndef GA_STORE_GROUP_MEMBER_STORE_H
#define GA_STORE_GROUP_MEMBER_STORE_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "datatype/timestamp.h"
#include "store/invitation_state.h"
#include "utils/uuid.h"

struct GaGroup;
struct GaOwnerScope;

/*
 * One person of a group with what is known of the invitation.  A group may have a
 * hundred thousand, so the members stand in an order that leaves no gaps.
 */
typedef struct GaMember
{
	int32 number;
	GaChannel channel; /* GA_CHANNEL_NONE: no message is sent */
	GaDelivery delivery;
	GaResponse response;
	int64 user_id; /* 0: no user known */
	const char *name;
	const char *picture; /* NULL: none */
	const char *contact;
	const char *reason; /* NULL: nothing to tell */
	const char *locale; /* NULL: the group's */
	TimestampTz delivery_at;
	TimestampTz responded_at;
	TimestampTz expires_at;
	int32 link_version;
	int32 reminders;
	bool is_leader;
	/* Contact and language are the directory's; else the caller typed them. */
	bool is_from_directory;
	bool is_suppressed; /* looked up by ga_group_explain_waiting() alone */
	/* What depends on a user's contact was taken out (api/disclosure). */
	bool is_withheld;
} GaMember;

/* All run inside ga_owner_enter()/leave(). */

/* Reads the members of a group that ga_group_find_alone() found. */
extern void ga_group_read_members(const struct GaOwnerScope *scope,
								  struct GaGroup *group);
/* Whether the user is a member, were there no such group. */
extern bool ga_group_has_member(pg_uuid_t id, int64 user_id);

#endif /* GA_STORE_GROUP_MEMBER_STORE_H */
