/*
 * contract_body.h
 *		The two contracts' create requests: jsonb to checked structs.
 *
 * Returns structs and violations, never stores and never throws for anything a
 * caller can cause.  Knows no SQL.
 */
#ifndef GA_REQUEST_CONTRACT_BODY_H
#define GA_REQUEST_CONTRACT_BODY_H

#include "postgres.h"

#include "request/contact/contact.h"
#include "request/picture.h"
#include "request/violation.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#define GA_IDEMPOTENCY_KEY_MAX_CHARS 255

typedef struct GaMemberRequest
{
	const char *nick_name;
	GaContact contact;
} GaMemberRequest;

/* Contract A: POST /group/create */
typedef struct GaGroupRequest
{
	pg_uuid_t product_id;
	const char *name;
	const char *description;
	const char *image;
	const char *message;
	bool send_invitations; /* default true */
	int member_count;
	GaMemberRequest *members;
	const char *idempotency_key; /* NULL = not given */
	bool dry_run;				 /* default false */
	pg_uuid_t group_id;			 /* not of create: which group is meant */
	bool has_group_id;			 /* it was given, and is one */
} GaGroupRequest;

/* Users that a list names: distinct, in the order given. */
typedef struct GaNamedUsers
{
	int count;
	int64 *ids;
	int *places; /* where in the list each stands first, from 0 */
} GaNamedUsers;

/*
 * What an update says of a field that its answers have and it cannot change: a text
 * as it is, of an object its id, of all else the JSON.
 */
typedef struct GaSaidField
{
	const char *name;
	const char *text;
} GaSaidField;

/* Contract B: POST /api/v2/group/ */
typedef struct GaGroupRequestV2
{
	const char *name;
	const char *description;   /* NULL = not given */
	const char *color;		   /* NULL = not given */
	bool is_private;		   /* default false */
	bool is_visible;		   /* default true */
	GaPicture image;		   /* image_original */
	GaPicture emotional_image; /* emotional_image_original */
	GaNamedUsers invite_users;
	bool has_image_position;
	int image_position;			 /* emotional_image_position */
	bool dry_run;				 /* default false; not of an update */
	const char *idempotency_key; /* NULL = not given; not of an update */
	uint32 given;				 /* GA_GROUP_V2_* of the fields in the body */
	List *said;					 /* of GaSaidField; of an update */
} GaGroupRequestV2;

/* Which fields a body named, whatever their value: what an update changes. */
#define GA_GROUP_V2_NAME 0x0001
#define GA_GROUP_V2_DESCRIPTION 0x0002
#define GA_GROUP_V2_COLOR 0x0004
#define GA_GROUP_V2_PRIVACY 0x0008
#define GA_GROUP_V2_VISIBLE 0x0010
#define GA_GROUP_V2_INVITE_USERS 0x0020
#define GA_GROUP_V2_IMAGE 0x0040
#define GA_GROUP_V2_EMOTIONAL_IMAGE 0x0080
#define GA_GROUP_V2_IMAGE_POSITION 0x0100

/*
 * Both read everything they can and add one violation per fault; the struct is
 * complete only when none was added.  `max_members` bounds the lists;
 * `mobile_countries`: see ga_contact_is_allowed().
 */
extern void ga_contract_a_read(Jsonb *body, int max_members,
							   const char *mobile_countries,
							   GaGroupRequest *request,
							   GaViolations *violations);
/*
 * POST /group/{id}/members of contract A; the same struct, of which group_id,
 * send_invitations, members, idempotency_key and dry_run are set.  `path_id` is
 * the group as the address has it; NULL: the body has it as groupId.
 */
extern void ga_contract_a_read_members(Jsonb *body, const char *path_id,
									   int max_members,
									   const char *mobile_countries,
									   GaGroupRequest *request,
									   GaViolations *violations);
/* POST /group/load of contract A: {groupId}; false: there is a violation. */
extern bool ga_contract_a_read_load(Jsonb *body, pg_uuid_t *group_id,
									GaViolations *violations);
/*
 * Adds a violation for each member of the request whose contact one of these
 * has already: `numbers` are their places in the group.
 */
extern void ga_contract_a_check_known(const GaGroupRequest *request,
									  const GaContact *known,
									  const int32 *numbers, int count,
									  GaViolations *violations);
extern void ga_contract_b_read(Jsonb *body, int max_members,
							   GaGroupRequestV2 *request,
							   GaViolations *violations);

/*
 * PUT (all that creation requires) and PATCH (`is_partial`: whatever is given)
 * of contract B.  invite_users is not theirs and is ignored.
 */
extern void ga_contract_b_read_update(Jsonb *body, bool is_partial,
									  GaGroupRequestV2 *request,
									  GaViolations *violations);

/*
 * {"users": [1, 2]} of contract B's invite and subscribe, palloc'ed: those that are
 * ids, whatever else is wrong.  None when the field is absent, a fault if
 * `is_required`.
 */
extern GaNamedUsers ga_contract_b_read_users(Jsonb *body, bool is_required,
											 int max_users,
											 GaViolations *violations);

/* The same list as an array of SQL, whose element i is null where nulls[i]. */
extern GaNamedUsers ga_contract_b_users_of_array(const int64 *ids,
												 const bool *nulls, int count,
												 int max_users,
												 GaViolations *violations);

/* {"user": 1} of contract B's DELETE subscribe; 0: absent, null or a fault. */
extern int64 ga_contract_b_read_user(Jsonb *body, GaViolations *violations);
/* The same from a path or a query. */
extern int64 ga_contract_b_user_of_text(const char *text,
										GaViolations *violations);

#endif /* GA_REQUEST_CONTRACT_BODY_H */
