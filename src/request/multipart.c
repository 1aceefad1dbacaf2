/*
 * multipart.c
 *		multipart/form-data as browsers and HTTP libraries write it.
 *
 * The boundary is read from the body itself: the gateway had to change the
 * Content-Type that tells it.  Lines end in CRLF, or in LF by hand.  A file
 * that was not chosen is an empty one without a name, and no field at all.
 */
#include "postgres.h"

#include "request/multipart.h"

/* RFC 2046, 5.1.1: 70 characters; and the two hyphens. */
#define BOUNDARY_MAX 72

/* The rest of a body that is being read. */
typedef struct Rest
{
	const char *at;
	const char *end;
} Rest;

/* The next line without its end; false: there is none. */
static bool
take_line(Rest *rest, GaBytes *line)
{
	const char *stop = memchr(rest->at, '\n', rest->end - rest->at);

	if (stop == NULL)
		return false;
	*line = (GaBytes){rest->at, (size_t) (stop - rest->at)};
	if (line->length > 0 && line->data[line->length - 1] == '\r')
		line->length--;
	rest->at = stop + 1;
	return true;
}

static bool
begins_with(GaBytes text, const char *word)
{
	return text.length >= strlen(word) &&
		   pg_strncasecmp(text.data, word, strlen(word)) == 0;
}

/* A parameter of a header, quoted or not: name="..."; NULL data: none. */
static GaBytes
parameter_of(GaBytes header, const char *name)
{
	const char *end = header.data + header.length;
	size_t length = strlen(name);

	for (const char *at = header.data; at + length < end; at++)
	{
		const char *value = at + length + 1;
		const char *stop;

		if ((at[-1] != ' ' && at[-1] != ';') || at[length] != '=' ||
			pg_strncasecmp(at, name, length) != 0)
			continue;
		if (value < end && *value == '"')
		{
			value++;
			stop = memchr(value, '"', end - value);
			return (GaBytes){value, (stop ? stop : end) - value};
		}
		stop = memchr(value, ';', end - value);
		return (GaBytes){value, (stop ? stop : end) - value};
	}
	return (GaBytes){NULL, 0};
}

#define DISPOSITION "content-disposition: form-data;"

/* The headers of a part; false: they end nowhere, or name no field. */
static bool
take_headers(Rest *rest, GaMultipartField *field, bool *has_file_name)
{
	GaBytes line;

	memset(field, 0, sizeof(*field));
	*has_file_name = false;
	while (take_line(rest, &line))
	{
		GaBytes file_name;

		if (line.length == 0)
			return field->name.data != NULL;
		if (!begins_with(line, DISPOSITION))
			continue;
		/* Behind the semicolon, which parameter_of() looks back at. */
		line.data += strlen(DISPOSITION);
		line.length -= strlen(DISPOSITION);
		field->name = parameter_of(line, "name");
		file_name = parameter_of(line, "filename");
		field->is_file = file_name.data != NULL;
		*has_file_name = file_name.length > 0;
	}
	return false;
}

/* As far as the line of the boundary, which is left where it is. */
static bool
take_value(Rest *rest, GaBytes boundary, GaBytes *value)
{
	const char *from = rest->at;
	const char *at = from;

	while ((at = memmem(at, rest->end - at, boundary.data, boundary.length)) !=
		   NULL)
	{
		if (at == from)
		{
			*value = (GaBytes){from, 0};
			rest->at = at;
			return true;
		}
		if (at[-1] == '\n')
		{
			const char *stop = at - 1;

			if (stop > from && stop[-1] == '\r')
				stop--;
			*value = (GaBytes){from, (size_t) (stop - from)};
			rest->at = at;
			return true;
		}
		at++;
	}
	return false;
}

static bool
take_boundary(GaBytes body, Rest *rest, GaBytes *boundary)
{
	*rest = (Rest){body.data, body.data + body.length};
	return take_line(rest, boundary) && boundary->length > 2 &&
		   boundary->length <= BOUNDARY_MAX && begins_with(*boundary, "--");
}

bool
ga_multipart_is_one(GaBytes body)
{
	GaBytes boundary;
	Rest rest;

	return take_boundary(body, &rest, &boundary) &&
		   begins_with((GaBytes){rest.at, (size_t) (rest.end - rest.at)},
					   "content-");
}

bool
ga_multipart_read(GaBytes body, int most, GaMultipart *fields)
{
	GaBytes boundary;
	GaBytes line;
	Rest rest;

	fields->count = 0;
	fields->list = palloc(sizeof(GaMultipartField) * most);
	if (!take_boundary(body, &rest, &boundary))
		return false;
	while (fields->count < most)
	{
		GaMultipartField *field = &fields->list[fields->count];
		bool has_file_name;

		if (!take_headers(&rest, field, &has_file_name) ||
			!take_value(&rest, boundary, &field->value))
			return false;
		if (!field->is_file || has_file_name || field->value.length > 0)
			fields->count++;
		/* The last boundary ends in two hyphens. */
		rest.at += boundary.length;
		if (begins_with((GaBytes){rest.at, (size_t) (rest.end - rest.at)},
						"--"))
			return true;
		if (!take_line(&rest, &line))
			return false;
	}
	return false;
}
