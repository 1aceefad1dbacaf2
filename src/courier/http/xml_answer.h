/*
 * xml_answer.h
 *		The XML that providers' answers are made of.
 */
#ifndef GA_COURIER_HTTP_XML_ANSWER_H
#define GA_COURIER_HTTP_XML_ANSWER_H

#include <jansson.h>
#include <stddef.h>

/*
 * The elements that hold nothing but text, as an object of strings: the first
 * of each name counts, up to where the text stops to be XML or has a document
 * type.  Never NULL; what is not XML gives an empty object.
 */
extern json_t *ga_xml_answer_read(const char *text, size_t length);

#endif /* GA_COURIER_HTTP_XML_ANSWER_H */
