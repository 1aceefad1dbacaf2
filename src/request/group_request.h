/*
 * group_request.h
 *		The two contracts' create requests: jsonb to checked structs.
 *
 * Returns structs and violations, never stores and never throws for anything a
 * caller can cause.  Knows no SQL.
 */
#ifndef GA_REQUEST_GROUP_REQUEST_H
#define GA_REQUEST_GROUP_REQUEST_H

#include "postgres.h"

#include "request/contact.h"
#include "request/violation.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

typedef struct GaMemberRequest
{
	const char *nick_name;
	GaContact	contact;
}			GaMemberRequest;

/* Contract A: POST /group/create */
typedef struct GaGroupRequest
{
	pg_uuid_t	product_id;
	const char *name;
	const char *description;
	const char *image;
	const char *message;
	bool		send_invitations;	/* default true */
	int			member_count;
	GaMemberRequest *members;
}			GaGroupRequest;

/* Contract B: POST /api/v2/group/ */
typedef struct GaGroupRequestV2
{
	const char *name;
	const char *description;	/* NULL = not given */
	const char *color;			/* NULL = not given */
	bool		is_private;		/* default false */
	bool		is_visible;		/* default true */
	const char *image;			/* image_original; NULL = not given */
	const char *emotional_image;	/* emotional_image_original; NULL */
	int			user_count;
	int64	   *invite_users;	/* distinct, in the order given */
}			GaGroupRequestV2;

/*
 * Both read everything they can and add one violation per fault; the struct is
 * complete only when none was added.  `max_members` bounds the lists.
 */
extern void ga_group_request_read(Jsonb *body, int max_members,
								  GaGroupRequest *request,
								  GaViolations *violations);
extern void ga_group_request_v2_read(Jsonb *body, int max_members,
									 GaGroupRequestV2 *request,
									 GaViolations *violations);

#endif							/* GA_REQUEST_GROUP_REQUEST_H */
