/*
 * asked_members.h
 *		The members that a body of contract A asks for, as they will be.
 */
#ifndef GA_API_CONTRACT_A_ASKED_MEMBERS_H
#define GA_API_CONTRACT_A_ASKED_MEMBERS_H

#include "postgres.h"

#include "request/contract_body.h"
#include "store/group/group_store.h"

/*
 * Fills as many views as the request has members, numbered from `first` on; what
 * is to be sent at all is queued since `moment`.
 */
extern void ga_asked_members_fill(const GaGroupRequest *request, int32 first,
								  TimestampTz moment, GaMember *members);

#endif /* GA_API_CONTRACT_A_ASKED_MEMBERS_H */
