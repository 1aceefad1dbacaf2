/*
 * server_template.c
 *		An operator's own templates: what has no fault is rendered, and what is
 *		rendered as HTML has no mark-up of a value in it.
 */
#include "postgres.h"

#include "fuzz.h"
#include "lib/stringinfo.h"
#include "message/template.h"
#include "stand_in.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const GaFieldInfo fields[] = {
		{"link", GA_FIELD_AS_VALUE},
		{"group_name", GA_FIELD_AS_VALUE | GA_FIELD_AS_CONDITION},
		{"message", GA_FIELD_AS_VALUE | GA_FIELD_AS_CONDITION},
		{"is_reminder", GA_FIELD_AS_CONDITION},
	};
	static const GaFieldSet set = {fields, lengthof(fields)};
	/* The value, a zero, the template. */
	char *value = fuzz_text(data, size);
	size_t length = strlen(value);
	const char *text = length < size ? value + length + 1 : value;
	const char *values[] = {"https://a.example/", value, "<script>", NULL};
	StringInfoData out;

	if (ga_template_fault(&set, text) == NULL)
	{
		for (int rendering = GA_RENDER_TEXT; rendering <= GA_RENDER_HTML_LINES;
			 rendering++)
		{
			initStringInfo(&out);
			ga_template_render(&out, &set, text, values, rendering);
			PROMISE((int) strlen(out.data) == out.len);
			if (rendering != GA_RENDER_TEXT && strchr(text, '<') == NULL)
				PROMISE(strstr(out.data, "<script") == NULL);
		}
	}
	(void) ga_template_always_has(&set, text, 0);
	(void) ga_template_has(&set, text, 1);
	free(value);
	stand_in_forget();
	return 0;
}
