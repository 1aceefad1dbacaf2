/*
 * invitation_row.c
 *		The columns of the table invitations.
 */
#include "postgres.h"

#include "store/queue/invitation_row.h"

const char *const ga_invitation_columns[] = {
	"group_id",		   "number",	 "channel",
	"delivery",		   "response",	 "attempts",
	"link_version",	   "reminders",	 "contact_since",
	"refusals",		   "pauses",	 "crashes",
	"incarnation",	   "due",		 "start_tag",
	"changed_at",	   "expires_at", "responded_at",
	"contact",		   "server",	 "message_id",
	"reason",		   "locale",	 "accepted_at",
	"accepted_us",	   "segments",	 "accepted_code",
	"accepted_detail", NULL};
