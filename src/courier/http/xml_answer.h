/*
 * xml_answer.h
 *		The little of XML that providers' answers need.
 */
#ifndef GA_COURIER_HTTP_XML_ANSWER_H
#define GA_COURIER_HTTP_XML_ANSWER_H

#include <jansson.h>
#include <stddef.h>

/*
 * The elements that hold nothing but text, as an object of strings: the first
 * of each name counts.  What is not XML gives an empty object, never NULL.
 */
extern json_t *ga_xml_answer_read(const char *text, size_t length);

#endif /* GA_COURIER_HTTP_XML_ANSWER_H */
