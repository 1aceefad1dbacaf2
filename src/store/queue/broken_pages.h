/*
 * broken_pages.h
 *		Keeping new rows away from pages of the disk that cannot be read.
 */
#ifndef GA_STORE_QUEUE_BROKEN_PAGES_H
#define GA_STORE_QUEUE_BROKEN_PAGES_H

#include "postgres.h"

#include "storage/block.h"
#include "utils/relcache.h"

/* Remembers what an error XX001, XX002 or 58030 says; the text is copied. */
extern void ga_broken_pages_hear(const char *message);

/*
 * Within a transaction that holds RowExclusiveLock on the tables: has no new row, of
 * whomever, go to the pages of them that were heard of and indeed cannot be read.  Returns
 * how many there are.
 */
extern int ga_broken_pages_avoid(const char *const *tables, int count);
/* The same for one page, of which it is known. */
extern void ga_broken_page_avoid(Relation table, BlockNumber page);

#endif /* GA_STORE_QUEUE_BROKEN_PAGES_H */
