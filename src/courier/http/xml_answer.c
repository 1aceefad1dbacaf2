/*
 * xml_answer.c
 *		The XML that providers' answers are made of, read by expat.
 *
 * Who answers is a stranger.  Expat opens nothing for itself: an external entity
 * has no handler, so it is passed over.  A document type is where entities are
 * made, also those that grow to gigabytes; no provider sends one, so the reading
 * ends there.  What an answer can hold is bounded by http.c before it comes here.
 */
#include "courier/http/xml_answer.h"

#include <expat.h>
#include <stdbool.h>

#include "courier/text.h"

typedef struct Reading
{
	XML_Parser parser;
	json_t *leaves;
	GaText value;
	bool is_leaf; /* nothing but text since the last tag that opened */
} Reading;

static void
open_element(void *context, const XML_Char *name, const XML_Char **attributes)
{
	Reading *reading = context;

	(void) name, (void) attributes;
	ga_text_truncate(&reading->value, 0);
	reading->is_leaf = true;
}

static void
close_element(void *context, const XML_Char *name)
{
	Reading *reading = context;

	if (reading->is_leaf && json_object_get(reading->leaves, name) == NULL)
		json_object_set_new(reading->leaves, name,
							json_string(ga_text_string(&reading->value)));
	reading->is_leaf = false;
}

static void
take_text(void *context, const XML_Char *text, int length)
{
	Reading *reading = context;

	if (reading->is_leaf)
		ga_text_append(&reading->value, text, (size_t) length);
}

static void
refuse_document_type(void *context, const XML_Char *name,
					 const XML_Char *system_id, const XML_Char *public_id,
					 int has_internal_subset)
{
	Reading *reading = context;

	(void) name, (void) system_id, (void) public_id, (void) has_internal_subset;
	XML_StopParser(reading->parser, XML_FALSE);
}

json_t *
ga_xml_answer_read(const char *text, size_t length)
{
	Reading reading = {.parser = XML_ParserCreate(NULL),
					   .leaves = json_object()};

	if (reading.parser == NULL)
		return reading.leaves;
	XML_SetUserData(reading.parser, &reading);
	XML_SetElementHandler(reading.parser, open_element, close_element);
	XML_SetCharacterDataHandler(reading.parser, take_text);
	XML_SetStartDoctypeDeclHandler(reading.parser, refuse_document_type);
	/* Up to the first fault: an answer that was cut short says something. */
	(void) XML_Parse(reading.parser, text, (int) length, XML_TRUE);
	XML_ParserFree(reading.parser);
	ga_text_free(&reading.value);
	return reading.leaves;
}
