/*
 * server_words.c
 *		What people answer and what carriers say of a message, in any encoding.
 */
#include "postgres.h"

#include "base/locale_tag.h"
#include "fuzz.h"
#include "request/callback/callback.h"
#include "request/callback/carrier_answer.h"
#include "request/callback/carrier_text.h"
#include "request/callback/keyword.h"
#include "stand_in.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	char tag[GA_LOCALE_MAX];
	const char *read;
	const char *answer = text;
	const char *code = NULL;

	(void) ga_keyword_read(text);
	read = ga_carrier_text_read((GaBytes){text, size});
	if (read != NULL)
	{
		PROMISE(ga_callback_bytes_are_text((GaBytes){read, strlen(read)}));
		(void) ga_keyword_read(read);
	}
	ga_carrier_answer_read(&answer, &code);
	if (ga_locale_read(text, tag))
		while (ga_locale_shorten(tag))
			PROMISE(strlen(tag) < sizeof(tag));
	free(text);
	stand_in_forget();
	return 0;
}
