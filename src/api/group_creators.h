/*
 * group_creators.h
 *		Who may create groups: group_api.group_creators.
 */
#ifndef GA_API_GROUP_CREATORS_H
#define GA_API_GROUP_CREATORS_H

#include "postgres.h"

#include "api/caller.h"

/*
 * Operators, and callers whose current role is one of the setting or a member of
 * one; all while it is empty.  Outside of ga_owner_enter()/leave(), which changes
 * the current role.
 */
extern bool ga_group_creators_have(const GaCaller *caller);

#endif /* GA_API_GROUP_CREATORS_H */
