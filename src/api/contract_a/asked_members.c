/*
 * asked_members.c
 *		The members that a body of contract A asks for, as they will be.
 */
#include "postgres.h"

#include "api/contract_a/asked_members.h"

void
ga_asked_members_fill(const GaGroupRequest *request, int32 first,
					  TimestampTz moment, GaMember *members)
{
	for (int i = 0; i < request->member_count; i++)
	{
		const GaMemberRequest *asked = &request->members[i];
		GaMember *member = &members[i];

		member->number = first + i;
		member->name = asked->nick_name;
		member->channel = asked->contact.channel;
		member->contact = asked->contact.value;
		member->delivery =
			request->send_invitations ? GA_DELIVERY_QUEUED : GA_DELIVERY_HELD;
		member->delivery_at = moment;
		member->response = GA_RESPONSE_PENDING;
	}
}
