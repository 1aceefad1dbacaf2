/*
 * preview.c
 *		What would be sent, as the answers of both contracts tell it.
 */
#include "postgres.h"

#include "api/answer/preview.h"
#include "api/answer/json_pieces.h"
#include "mb/pg_wchar.h"

static void
put_preview_message(StringInfo out, const GaPreviewMessage *entry)
{
	const GaMessage *message = &entry->message;
	bool is_sms = entry->member->channel == GA_CHANNEL_MOBILE;
	size_t bytes = strlen(message->text);

	if (message->subject != NULL)
		bytes += strlen(message->subject);
	if (message->html != NULL)
		bytes += strlen(message->html);
	appendStringInfo(out, "{\"number\":%d,", entry->member->number);
	ga_json_put_member(out, "member", entry->member->name);
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "channel",
					   entry->member->is_withheld ? NULL
					   : is_sms					  ? "MOBILE"
												  : "EMAIL");
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "to", entry->member->contact);
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "locale", message->locale);
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "subject", message->subject);
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "text", message->text);
	appendStringInfoChar(out, ',');
	ga_json_put_member(out, "html", message->html);
	if (is_sms)
		appendStringInfo(out, ",\"segments\":%d,\"encoding\":\"%s\"",
						 message->segments,
						 message->is_ucs2 ? "UCS-2" : "GSM-7");
	else
		appendStringInfoString(out, ",\"segments\":null,\"encoding\":null");
	appendStringInfo(out, ",\"characters\":%d,\"bytes\":%zu}",
					 pg_mbstrlen(message->text), bytes);
}

void
ga_answer_put_preview(StringInfo out, const GaPreview *preview)
{
	appendStringInfoString(
		out, "\"preview\":{\"note\":\"The token in each link is a dummy as "
			 "long as the real one.");
	if (preview->withheld > 0)
		appendStringInfoString(
			out, " Whether, how and in which language a user is written to is "
				 "not told: the mail in the group's language stands for it.");
	appendStringInfoString(out, "\",\"messages\":[");
	for (int i = 0; i < preview->shown; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		put_preview_message(out, &preview->messages[i]);
	}
	appendStringInfo(out,
					 "],\"shown\":%d,\"total\":%d,\"totals\":{"
					 "\"messages\":%d,",
					 preview->shown, preview->total, preview->total);
	if (preview->withheld > 0)
		appendStringInfoString(
			out, "\"sms\":null,\"segments\":null,\"emails\":null}}");
	else
		appendStringInfo(
			out, "\"sms\":%d,\"segments\":" INT64_FORMAT ",\"emails\":%d}}",
			preview->sms, preview->segments, preview->emails);
}
