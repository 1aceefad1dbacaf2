/*
 * courier_reply.c
 *		What mail servers answer, and words of theirs that we keep.
 */
#include "fuzz.h"

#include "base/shared/mail_words.h"
#include "base/shared/utf8.h"
#include "courier/smtp/reply.h"
#include "courier/text.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;
	char code[16];
	char clean[64];
	GaVerdict verdict;

	if (size < 2)
		return 0;
	text = fuzz_text(data + 2, size - 2);
	verdict = ga_reply_judge_smtp((GaSmtpStage) (data[0] % 5),
								  200 + (data[1] * 100 + data[0]) % 400, text);
	PROMISE(verdict.outcome >= GA_OUTCOME_ACCEPTED &&
			verdict.outcome <= GA_OUTCOME_UNCERTAIN);
	PROMISE(verdict.retry_after_ms >= -1);
	PROMISE(ga_reply_retry_after(text, 1700000000) >= -1);
	if (ga_reply_enhanced(text, code, sizeof(code)))
		PROMISE(strlen(code) >= 5);
	PROMISE(ga_mail_words_read(text) <= GA_BLAME_RECIPIENT);
	PROMISE(ga_text_clean(text, size - 2, clean, sizeof(clean)) <
			sizeof(clean));
	PROMISE(ga_text_is_header_safe(clean));
	free(text);
	return 0;
}
