/*
 * server_json.c
 *		The walk over the text of a JSON body, for what jsonb cannot keep.
 */
#include "postgres.h"

#include <jansson.h>

#include "fuzz.h"
#include "request/json_text.h"
#include "stand_in.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	char *mended = ga_json_text_mend(text, size);
	GaViolations violations = {0};
	json_t *read =
		json_loadb(mended ? mended : text, size, JSON_DECODE_ANY, NULL);

	/* It is walked only where it is JSON, but for escapes that mean nothing. */
	if (read != NULL)
		ga_json_text_check(text, size, &violations);
	json_decref(read);
	if (mended != NULL)
		PROMISE(ga_json_text_mend(mended, size) == NULL);
	free(text);
	stand_in_forget();
	return 0;
}
