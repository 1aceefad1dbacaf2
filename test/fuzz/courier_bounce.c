/*
 * courier_bounce.c
 *		Mail that came back: reports, complaints, prose, and MIME of any kind.
 */
#include "fuzz.h"

#include "courier/bounce/bounce.h"
#include "courier/smtp/mail.h"

extern int LLVMFuzzerInitialize(int *count, char ***arguments);

int
LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void) count, (void) arguments;
	ga_mail_start();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *mail = malloc(size ? size : 1);
	json_t *report;
	char *text;

	if (size > 0)
		memcpy(mail, data, size);
	report = ga_bounce_read(mail, size);
	if (report != NULL)
	{
		text = json_dumps(report, JSON_COMPACT);
		/* All of it is UTF-8. */
		PROMISE(text != NULL);
		free(text);
	}
	json_decref(report);
	free(mail);
	return 0;
}
