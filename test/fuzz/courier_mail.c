/*
 * courier_mail.c
 *		Names, addresses and words on their way into the head of a mail, and what
 *		an SMS is counted as.
 */
#include "fuzz.h"

#include <jansson.h>

#include "base/shared/mailbox.h"
#include "base/shared/peer_address.h"
#include "base/shared/sms_text.h"
#include "courier/smtp/header_words.h"
#include "courier/text.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	json_t *word = json_string(text);
	struct sockaddr_storage address;
	GaMailbox mailbox;
	GaSmsCount count;
	GaText out = {0};
	char name[200];

	if (ga_mailbox_split(text, &mailbox))
	{
		PROMISE(mailbox.address >= text &&
				mailbox.address + mailbox.address_length <= text + size);
		(void) ga_mailbox_is_address(mailbox.address, mailbox.address_length);
	}
	if (ga_sms_count(text, strlen(text), &count))
		PROMISE((count.units == 0) == (count.segments == 0));
	if (ga_peer_read(text, strlen(text), &address))
		(void) ga_peer_is_private((struct sockaddr *) &address);
	(void) ga_peer_is_literal(text);
	if (word != NULL)
	{
		ga_header_put_text(&out, text);
		/* A line that is folded goes on with a blank. */
		for (const char *end = ga_text_string(&out);
			 (end = strchr(end, '\n')) != NULL; end++)
			PROMISE(end[1] == ' ' || end[1] == '\t' || end[1] == '\0');
		ga_text_free(&out);
		ga_header_put_phrase(&out, text);
		ga_text_free(&out);
		PROMISE(ga_text_clean_name(text, name, sizeof(name)) < sizeof(name));
	}
	json_decref(word);
	free(text);
	return 0;
}
