/*
 * json_path.h
 *		Reading one value out of a provider's answer: "messages[0].status".
 */
#ifndef GA_COURIER_HTTP_JSON_PATH_H
#define GA_COURIER_HTTP_JSON_PATH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* false: not a path. */
extern bool ga_json_path_is_valid(const char *path);

/*
 * Calls `visit` for every string, number or boolean the path leads to ([*]
 * leads to every element), as text, until it returns false.
 */
typedef bool (*GaJsonVisitor)(void *context, const char *value);
extern void ga_json_path_walk(json_t *document, const char *path,
							  GaJsonVisitor visit, void *context);

/* Copies the first value; false: there is none, `value` is "". */
extern bool ga_json_path_first(json_t *document, const char *path, char *value,
							   size_t size);

#endif /* GA_COURIER_HTTP_JSON_PATH_H */
