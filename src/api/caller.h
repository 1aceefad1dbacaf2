/*
 * caller.h
 *		Who calls, and in which dialect to answer.
 */
#ifndef GA_API_CALLER_H
#define GA_API_CALLER_H

#include "postgres.h"

#include "store/group/group_store.h"
#include "store/group/user_store.h"
#include "utils/jsonb.h"

typedef struct GaCaller
{
	bool is_http;		   /* a gateway set request.method */
	bool is_authenticated; /* user.subject is set */
	bool is_operator;	   /* may read and change every group */
	bool is_role;		   /* the identity is the session's role */
	GaUser user;		   /* as the claims tell; id from the directory */
	/* of the gateway's request, read once when first asked for; NULL: no HTTP */
	struct GaCallerHeaders *headers;
} GaCaller;

/*
 * request.jwt.claims ->> 'sub' counts only from a session whose own user is a
 * superuser, or in group_api.trusted_roles and made a gateway by
 * grant_access(); otherwise the caller is the current role.  Error: 55000 where a role
 * was made a gateway, speaks for somebody and is not in the setting.  Empty, malformed or
 * non-object claims are none, so are those of an issuer that is not accepted.  Call it before
 * ga_owner_enter().
 */
extern void ga_caller_read(GaCaller *caller);

/*
 * From here to ga_caller_speak_for_nobody() callers are not this session's: a proxy
 * (api/shard/call_as) calls for a session of its own, whose login role is this, or
 * InvalidOid where there is none of that name here.
 */
extern void ga_caller_speak_for(Oid login, bool is_superuser);
extern void ga_caller_speak_for_nobody(void);

/*
 * Inside ga_owner_enter()/leave(): looks the caller up in the directory, and
 * adds it when `add` is set.
 */
extern void ga_caller_look_up(const struct GaOwnerScope *scope,
							  GaCaller *caller, bool add);

/* A setting of the session's gateway, such as request.method; NULL: empty or unset. */
extern const char *ga_caller_setting(const char *name);

/*
 * A header of the gateway's request, its name in lower case; NULL: none, or none that
 * can be shown.
 */
extern const char *ga_caller_header(const GaCaller *caller, const char *name);

/*
 * The header may be there, but ga_caller_header() has none: it is too long, or has
 * characters that cannot be shown.  Where leaving the header out means something, such
 * a request is refused.
 */
extern bool ga_caller_header_is_unreadable(const GaCaller *caller,
										   const char *name);

/* All of them, their names as the gateway writes them; NULL: none. */
extern Jsonb *ga_caller_headers(const GaCaller *caller);

/*
 * The request may only read: GET, HEAD and whatever else is no POST, or a
 * transaction that can write nothing.
 */
extern bool ga_caller_only_reads(const GaCaller *caller);

/*
 * Inside ga_owner_enter()/leave(): reads a group with its members by contract A's
 * functions, for its leader, operators, and a member of a group of A; for all
 * others there is none.
 */
extern bool ga_caller_finds(const struct GaOwnerScope *scope,
							const GaCaller *caller, pg_uuid_t id,
							GaGroup *group);
/* May change the group: leader or operator. */
extern bool ga_caller_may_change(const GaCaller *caller, const GaGroup *group);

/* A language as claims or the directory name it, in BCP 47's form, or NULL. */
extern const char *ga_caller_locale(const char *locale);

/* The name the caller is shown by in a group; of a role never its own. */
extern const char *ga_caller_name(const GaCaller *caller);

#endif /* GA_API_CALLER_H */
