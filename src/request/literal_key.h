/*
 * literal_key.h
 *		Keys of gateways that were written where everybody reads them.
 *
 * Options of a server are public within the database, those of a user mapping
 * are not; a template fetches one from there by {password}.
 */
#ifndef GA_REQUEST_LITERAL_KEY_H
#define GA_REQUEST_LITERAL_KEY_H

#include "postgres.h"

/*
 * The name of the first header or field, or of the URL's first parameter, whose
 * value looks like a key that stands there as it is; NULL: none.  `json` is valid
 * JSON; a name in an object of an array counts like any other.
 */
extern const char *ga_literal_key_in_json(const char *json);
extern const char *ga_literal_key_in_url(const char *url);

#endif /* GA_REQUEST_LITERAL_KEY_H */
