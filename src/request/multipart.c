/*
 * multipart.c
 *		multipart/form-data as browsers and their libraries write it.
 *
 * The boundary is read off the first line, since the type that declares it does
 * not come along.  Line ends may be CRLF or LF.  Never throws; every byte is
 * looked at a bounded number of times.
 */
#include "postgres.h"

#include "request/form_fields.h"
#include "request/multipart.h"

/* RFC 2046, 5.1.1: 70; some libraries write longer ones. */
#define BOUNDARY_MAX 200

typedef struct Reader
{
	const char *at;
	const char *end;
	/* A line feed, two hyphens, the boundary. */
	char delimiter[BOUNDARY_MAX + 4];
	size_t delimiter_length;
} Reader;

bool
ga_multipart_is(GaBytes body)
{
	return body.length >= 2 && memcmp(body.data, "--", 2) == 0;
}

/* The line at the reader without its end; false: there is no whole line. */
static bool
next_line(Reader *reader, GaBytes *line)
{
	const char *feed = memchr(reader->at, '\n', reader->end - reader->at);

	if (feed == NULL)
		return false;
	*line = (GaBytes){reader->at, (size_t) (feed - reader->at)};
	if (line->length > 0 && line->data[line->length - 1] == '\r')
		line->length--;
	reader->at = feed + 1;
	return true;
}

static GaBytes
without_blanks(GaBytes text)
{
	while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
		text = (GaBytes){text.data + 1, text.length - 1};
	while (text.length > 0 && (text.data[text.length - 1] == ' ' ||
							   text.data[text.length - 1] == '\t'))
		text.length--;
	return text;
}

/* What stands before the separator; the rest goes behind it. */
static GaBytes
cut(GaBytes *rest, char separator)
{
	const char *found = memchr(rest->data, separator, rest->length);
	GaBytes head = *rest;

	if (found == NULL)
	{
		*rest = (GaBytes){rest->data + rest->length, 0};
		return head;
	}
	head.length = (size_t) (found - rest->data);
	*rest = (GaBytes){found + 1, rest->length - head.length - 1};
	return head;
}

static bool
is_word(GaBytes text, const char *word)
{
	return text.length == strlen(word) &&
		   pg_strncasecmp(text.data, word, text.length) == 0;
}

/*
 * A parameter's value, quoted or not.  Browsers write a quote inside as %22, so
 * the next one ends it.
 */
static GaBytes
read_value(GaBytes *rest)
{
	GaBytes value;

	*rest = without_blanks(*rest);
	if (rest->length == 0 || rest->data[0] != '"')
		return without_blanks(cut(rest, ';'));
	*rest = (GaBytes){rest->data + 1, rest->length - 1};
	value = cut(rest, '"');
	(void) cut(rest, ';');
	return value;
}

/* Content-Disposition: form-data; name="a"; filename="b.png" */
static void
read_disposition(GaBytes value, GaPart *part, bool *has_file_name)
{
	(void) cut(&value, ';');
	while (value.length > 0)
	{
		GaBytes name = without_blanks(cut(&value, '='));
		GaBytes text = read_value(&value);

		if (is_word(name, "name"))
			part->name = text;
		else if (is_word(name, "filename") || is_word(name, "filename*"))
		{
			part->is_file = true;
			*has_file_name = *has_file_name || text.length > 0;
		}
	}
}

/* Up to the empty line; false: there is none, or no name. */
static bool
read_head(Reader *reader, GaPart *part, bool *has_file_name)
{
	GaBytes line;

	while (next_line(reader, &line))
	{
		GaBytes value = line;
		GaBytes name = cut(&value, ':');

		if (line.length == 0)
			return part->name.data != NULL;
		if (is_word(without_blanks(name), "content-disposition"))
			read_disposition(value, part, has_file_name);
	}
	return false;
}

/* Up to the next boundary, whose line feed belongs to it. */
static bool
read_content(Reader *reader, GaPart *part)
{
	const char *start = reader->at;
	/* The feed that ends the head may be the boundary's as well. */
	const char *from = start - 1;
	const char *found = memmem(from, reader->end - from, reader->delimiter,
							   reader->delimiter_length);

	if (found == NULL)
		return false;
	reader->at = found + reader->delimiter_length;
	part->value =
		(GaBytes){start, found > start ? (size_t) (found - start) : 0};
	if (part->value.length > 0 && found[-1] == '\r')
		part->value.length--;
	return true;
}

/* False: the first line is no boundary. */
static bool
begin(Reader *reader, GaBytes body)
{
	GaBytes line;

	*reader = (Reader){.at = body.data, .end = body.data + body.length};
	if (!next_line(reader, &line))
	{
		line = body;
		reader->at = reader->end;
	}
	line = without_blanks(line);
	if (line.length <= 2 || line.length > BOUNDARY_MAX + 2)
		return false;
	reader->delimiter[0] = '\n';
	memcpy(reader->delimiter + 1, line.data, line.length);
	reader->delimiter_length = line.length + 1;
	return true;
}

/* Behind a boundary: two hyphens, or the line's end and another part. */
static bool
is_the_last(const Reader *reader)
{
	return reader->end - reader->at >= 2 && memcmp(reader->at, "--", 2) == 0;
}

GaMultipart
ga_multipart_read(GaBytes body)
{
	GaMultipart form = {.list = palloc(sizeof(GaPart) * GA_PARTS_MAX)};
	Reader reader;
	GaBytes rest_of_line;

	if (!begin(&reader, body))
		form.complaint = "begins with -- and not with a boundary";
	/* A form without a field is its last boundary alone. */
	while (form.complaint == NULL && reader.at < reader.end &&
		   !form.has_too_many_parts)
	{
		GaPart part = {.is_file = false};
		bool has_file_name = false;

		if (!read_head(&reader, &part, &has_file_name))
			form.complaint = "has a part without a name";
		else if (!read_content(&reader, &part))
			form.complaint = "ends inside a part";
		else if (part.is_file && !has_file_name && part.value.length == 0)
			; /* none was chosen */
		else if (form.count == GA_PARTS_MAX)
			form.has_too_many_parts = true;
		else
			form.list[form.count++] = part;
		if (is_the_last(&reader))
			break;
		if (form.complaint == NULL && !next_line(&reader, &rest_of_line))
			form.complaint = "ends behind a boundary that is not the last";
	}
	return form;
}
