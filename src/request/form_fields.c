/*
 * form_fields.c
 *		application/x-www-form-urlencoded, as strangers write it.
 */
#include "postgres.h"

#include "base/shared/hex.h"
#include "request/form_fields.h"
#include "request/soft_json.h"

/* More than any provider sends; bounds the sorting. */
#define FIELDS_MAX 1000

static GaBytes
decode(const char *text, size_t length)
{
	char *out = palloc(length + 1);
	size_t at = 0;

	for (size_t i = 0; i < length; i++)
	{
		int high = -1;
		int low = -1;

		if (text[i] == '%' && i + 2 < length)
		{
			high = ga_hex_value(text[i + 1]);
			low = ga_hex_value(text[i + 2]);
		}
		if (high >= 0 && low >= 0)
		{
			out[at++] = (char) (high << 4 | low);
			i += 2;
		}
		else
			out[at++] = text[i] == '+' ? ' ' : text[i];
	}
	out[at] = '\0';
	return (GaBytes){out, at};
}

GaFormFields
ga_form_read(GaBytes text)
{
	GaFormFields fields = {
		.list = palloc(sizeof(GaFormField) * FIELDS_MAX),
	};
	const char *at = text.data;
	const char *end = text.data + text.length;

	while (at < end && fields.count < FIELDS_MAX)
	{
		const char *next = memchr(at, '&', end - at);
		const char *stop = next ? next : end;
		const char *equals = memchr(at, '=', stop - at);
		const char *name_end = equals ? equals : stop;
		const char *value = equals ? equals + 1 : stop;

		if (stop > at)
		{
			fields.list[fields.count].name = decode(at, name_end - at);
			fields.list[fields.count++].value = decode(value, stop - value);
		}
		at = stop + 1;
	}
	return fields;
}

GaFormFields
ga_form_of_json(Jsonb *object)
{
	GaFormFields fields = {
		.list = palloc(sizeof(GaFormField) * FIELDS_MAX),
	};
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbIteratorToken token;
	JsonbValue value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		const char *text;

		if (token != WJB_KEY)
			continue;
		fields.list[fields.count].name =
			(GaBytes){pnstrdup(value.val.string.val, value.val.string.len),
					  (size_t) value.val.string.len};
		if (JsonbIteratorNext(&iterator, &value, true) != WJB_VALUE ||
			(text = ga_soft_json_text(&value)) == NULL ||
			fields.count == FIELDS_MAX - 1)
			continue;
		fields.list[fields.count++].value = ga_bytes(text);
	}
	return fields;
}

const GaFormField *
ga_form_find(const GaFormFields *fields, const char *name)
{
	for (int i = 0; i < fields->count; i++)
		if (ga_bytes_are(fields->list[i].name, name))
			return &fields->list[i];
	return NULL;
}

static int
compare_fields(const void *a, const void *b)
{
	const GaFormField *first = a;
	const GaFormField *second = b;
	int order = ga_bytes_compare(first->name, second->name);

	return order != 0 ? order : ga_bytes_compare(first->value, second->value);
}

void
ga_form_sort(GaFormFields *fields)
{
	qsort(fields->list, fields->count, sizeof(GaFormField), compare_fields);
}
