/*
 * group_store.h
 *		Groups, and reading them.
 */
#ifndef GA_STORE_GROUP_GROUP_STORE_H
#define GA_STORE_GROUP_GROUP_STORE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "store/group/member_store.h"
#include "utils/uuid.h"

struct GaOwnerScope;

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
	bool is_first; /* the database's: the data became ours by it */
	bool is_named; /* the data bore this cluster and database before */
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

/* The same as of now, not as of the caller's statement. */
extern bool ga_group_find_latest(const struct GaOwnerScope *scope, pg_uuid_t id,
								 GaGroup *group);

/* Its members are left to ga_group_read_members(), as not everybody may see them. */
extern bool ga_group_find_alone(const struct GaOwnerScope *scope, pg_uuid_t id,
								GaGroup *group);

/* The id of the group that links name by this number; false: none has it. */
extern bool ga_group_find_number(int64 number, pg_uuid_t *id);

#endif /* GA_STORE_GROUP_GROUP_STORE_H */
