/*
 * jsonb_writer.h
 *		JSON to jsonb without a tree in between.
 */
#ifndef GA_REQUEST_JSONB_WRITER_H
#define GA_REQUEST_JSONB_WRITER_H

#include "postgres.h"

#include "utils/jsonb.h"

/*
 * The very bytes that jsonb's input function would make, palloc'ed; they take up to
 * twice their size meanwhile, where PostgreSQL's way takes twenty times the text.
 * NULL: it is no JSON in the server's encoding, and `complaint` is why.  The caller
 * has looked at depth and numbers.  Error: 54000 for more than jsonb can hold.
 */
extern Jsonb *ga_jsonb_write(const char *text, size_t length,
							 const char **complaint);

#endif /* GA_REQUEST_JSONB_WRITER_H */
