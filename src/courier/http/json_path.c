/*
 * json_path.c
 *		Reading one value out of a provider's answer.
 *
 * Names separated by dots, [n] and [*] after them; nothing more, because an
 * answer that needs more needs code.
 */
#include "courier/http/json_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
ga_json_path_is_valid(const char *path)
{
	for (;;)
	{
		size_t name = strcspn(path, ".[]= ");

		path += name;
		if (name == 0 && *path != '[')
			return false;
		while (*path == '[')
		{
			size_t digits = strspn(path + 1, "0123456789");

			if (digits == 0 && path[1] == '*')
				digits = 1;
			if (digits == 0 || digits > 6 || path[1 + digits] != ']')
				return false;
			path += digits + 2;
		}
		if (*path == '\0')
			return true;
		if (*path++ != '.')
			return false;
	}
}

static bool
visit_value(json_t *value, GaJsonVisitor visit, void *context)
{
	char number[64];

	if (json_is_string(value))
		return visit(context, json_string_value(value));
	if (json_is_integer(value))
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
				 json_integer_value(value));
	else if (json_is_real(value))
		snprintf(number, sizeof(number), "%.17g", json_real_value(value));
	else if (json_is_boolean(value))
		snprintf(number, sizeof(number), "%s",
				 json_is_true(value) ? "true" : "false");
	else
		return true;
	return visit(context, number);
}

/* false: the visitor has seen enough. */
static bool
walk(json_t *value, const char *path, GaJsonVisitor visit, void *context)
{
	if (value == NULL)
		return true;
	if (*path == '\0')
		return visit_value(value, visit, context);
	if (*path == '.')
		return walk(value, path + 1, visit, context);
	if (*path == '[')
	{
		const char *rest = strchr(path, ']') + 1;
		json_t *element;
		size_t i;

		if (path[1] != '*')
			return walk(json_array_get(value, strtoul(path + 1, NULL, 10)),
						rest, visit, context);
		json_array_foreach(value, i, element)
		{
			if (!walk(element, rest, visit, context))
				return false;
		}
		return true;
	}
	else
	{
		size_t length = strcspn(path, ".[");

		return walk(json_object_getn(value, path, length), path + length, visit,
					context);
	}
}

void
ga_json_path_walk(json_t *document, const char *path, GaJsonVisitor visit,
				  void *context)
{
	walk(document, path, visit, context);
}

typedef struct FirstValue
{
	char *value;
	size_t size;
	bool found;
} FirstValue;

static bool
take_first(void *context, const char *value)
{
	FirstValue *first = context;

	snprintf(first->value, first->size, "%s", value);
	first->found = true;
	return false;
}

bool
ga_json_path_first(json_t *document, const char *path, char *value, size_t size)
{
	FirstValue first = {value, size, false};

	value[0] = '\0';
	walk(document, path, take_first, &first);
	return first.found;
}
