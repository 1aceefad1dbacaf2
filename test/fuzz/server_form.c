/*
 * server_form.c
 *		Bodies that are forms: multipart/form-data, and name=value.
 */
#include "postgres.h"

#include "fuzz.h"
#include "request/form_fields.h"
#include "request/multipart.h"
#include "stand_in.h"

static void
try_multipart(GaBytes body)
{
	GaMultipart read;

	if (!ga_multipart_is(body))
		return;
	read = ga_multipart_read(body);
	if (read.complaint != NULL)
		return;
	for (int i = 0; i < read.count; i++)
	{
		const GaPart *part = &read.list[i];

		PROMISE(
			part->value.length == 0 ||
			(part->value.data >= body.data &&
			 part->value.data + part->value.length <= body.data + body.length));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	GaBytes body = {copy, size};
	GaFormFields fields;

	memcpy(copy, data, size);
	try_multipart(body);
	fields = ga_form_read(body);
	ga_form_sort(&fields);
	for (int i = 1; i < fields.count; i++)
		PROMISE(ga_bytes_compare(fields.list[i - 1].name,
								 fields.list[i].name) <= 0);
	(void) ga_form_find(&fields, "receipt");
	free(copy);
	stand_in_forget();
	return 0;
}
