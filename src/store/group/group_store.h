/*
 * group_store.h
 *		Groups and members, and reading them.
 */
#ifndef GA_STORE_GROUP_GROUP_STORE_H
#define GA_STORE_GROUP_GROUP_STORE_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "datatype/timestamp.h"
#include "store/invitation_state.h"
#include "utils/uuid.h"

struct GaOwnerScope;

/* One person of a group with what is known of the invitation. */
typedef struct GaMember
{
	int32 number;
	bool is_leader;
	int64 user_id; /* 0: no user known */
	const char *name;
	const char *picture; /* NULL: none */
	GaChannel channel;	 /* GA_CHANNEL_NONE: no message is sent */
	const char *contact;
	GaDelivery delivery;
	const char *reason; /* NULL: nothing to tell */
	TimestampTz delivery_at;
	GaResponse response;
	TimestampTz responded_at;
	const char *locale; /* NULL: the group's */
	TimestampTz expires_at;
	int32 link_version;
	int32 reminders;
	/* Contact and language are the directory's; else the caller typed them. */
	bool is_from_directory;
	bool is_suppressed; /* looked up by ga_group_explain_waiting() alone */
	/* What depends on a user's contact was taken out (api/disclosure). */
	bool is_withheld;
} GaMember;

typedef struct GaGroup
{
	pg_uuid_t id;
	int64 number;
	char contract; /* 'A' or 'B' */
	bool is_archived;
	const char *name;
	const char *description;
	const char *image;
	const char *message;
	const char *inviter;
	const char *locale; /* of its messages; NULL: not known */
	bool has_product;
	bool
		is_first; /* writing it made the data ours: the dispatcher must hear it */
	pg_uuid_t product_id;
	int64 created_by;
	TimestampTz created_at;
	TimestampTz expires_at; /* of the invitations written with the group */
	/* contract B */
	const char *slug;
	const char *color;
	bool is_private;
	bool visible;
	bool active;
	const char *emotional_image;
	int32 emotional_image_position;
	int member_count;
	GaMember *members; /* the leader first */
} GaGroup;

/* All run inside ga_owner_enter()/leave(). */

/* Reads a group with its members; false when there is none. */
extern bool ga_group_find(const struct GaOwnerScope *scope, pg_uuid_t id,
						  GaGroup *group);

/* The same in two steps: what is to be seen is not read for others. */
extern bool ga_group_find_alone(const struct GaOwnerScope *scope, pg_uuid_t id,
								GaGroup *group);
extern void ga_group_read_members(const struct GaOwnerScope *scope,
								  GaGroup *group);
/* Whether the user is a member, were there no such group. */
extern bool ga_group_has_member(pg_uuid_t id, int64 user_id);

/* The same as of now, not as of the caller's statement. */
extern bool ga_group_find_latest(const struct GaOwnerScope *scope, pg_uuid_t id,
								 GaGroup *group);

/* The id of the group that links name by this number; false: none has it. */
extern bool ga_group_find_number(int64 number, pg_uuid_t *id);

#endif /* GA_STORE_GROUP_GROUP_STORE_H */
