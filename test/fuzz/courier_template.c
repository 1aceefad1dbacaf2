/*
 * courier_template.c
 *		An operator's templates of requests, and their fields, filled with the
 *		values of a message whose text is fuzzed, too.
 */
#include "fuzz.h"

#include "../unit/sample_job.h"
#include "courier/http/json_path.h"
#include "courier/http/http_plan.h"
#include "courier/http/request_template.h"
#include "courier/values.h"

static const char *
lookup(const void *context, const char *name)
{
	(void) context;
	return strcmp(name, "account_sid") == 0 ? "A C{1" : NULL;
}

static void
fill(const char *source, const GaValues *values, GaEscape escape)
{
	GaRequestTemplate template;
	GaText out = {0};
	char complaint[256] = "";

	if (!ga_request_template_compile(&template, source, escape, false, lookup,
									 NULL, complaint, sizeof(complaint)))
	{
		PROMISE(complaint[0] != '\0');
		return;
	}
	ga_request_template_render(&template, values, escape, &out);
	PROMISE(strlen(ga_text_string(&out)) == out.length);
	ga_request_template_free(&template);
	ga_text_free(&out);
}

static void
fill_fields(const char *source, const GaValues *values, GaBodyKind kind)
{
	json_t *object = json_loads(source, 0, NULL);
	char complaint[256] = "";
	GaText out = {0};
	GaRequestField *field;

	if (object == NULL)
		return;
	field = ga_request_field_compile(object, kind, lookup, NULL, complaint,
									 sizeof(complaint));
	if (field != NULL)
	{
		ga_request_field_render(field, kind, values, &out);
		if (kind == GA_BODY_JSON)
		{
			json_t *read = json_loads(ga_text_string(&out), 0, NULL);

			/* Whatever the values are, a JSON body is JSON. */
			PROMISE(read != NULL);
			json_decref(read);
		}
	}
	ga_request_field_free(field);
	ga_text_free(&out);
	json_decref(object);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The message's words, a zero, the template. */
	char *words = fuzz_text(data, size);
	size_t length = strlen(words);
	const char *source = length < size ? words + length + 1 : words;
	GaCourierJob job = sample_job;
	GaValues values;
	json_t *text = json_stringn(words, length);

	/* What is no UTF-8 never gets this far. */
	if (text != NULL)
		job.text = json_string_value(text);
	ga_values_of_job(&values, &job, &(GaValueRules){.validity_max = 36000},
					 GA_CHANNEL_MOBILE);
	fill(source, &values, GA_ESCAPE_NONE);
	fill(source, &values, GA_ESCAPE_URL);
	fill(source, &values, GA_ESCAPE_JSON);
	fill_fields(source, &values, GA_BODY_JSON);
	fill_fields(source, &values, GA_BODY_FORM);
	(void) ga_json_path_is_valid(source);
	(void) ga_http_plan_success_is_valid(source);
	json_decref(text);
	free(words);
	return 0;
}
