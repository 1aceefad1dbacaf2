/*
 * memory.h
 *		Memory of the courier.
 *
 * Running out of memory ends the courier: the dispatcher starts another and
 * knows which messages were in flight, so nothing is gained by limping on.
 */
#ifndef GA_COURIER_MEMORY_H
#define GA_COURIER_MEMORY_H

#include <stddef.h>

/* Never NULL; zeroed. */
extern void *ga_memory_alloc(size_t size);
/* As above, but not zeroed. */
extern void *ga_memory_alloc_raw(size_t size);
/* NULL stays NULL. */
extern char *ga_memory_strdup(const char *string);
/* Overwrites a secret before it is freed; NULL is fine. */
extern void ga_memory_wipe(char *secret);
/* Overwrites all of a piece of memory, whatever it holds, before it is freed; NULL is
 * fine. */
extern void ga_memory_wipe_and_free(void *memory);
/* As realloc(), but what was there before is overwritten if it has to move. */
extern void *ga_memory_resize(void *memory, size_t size);
/*
 * Once, before anything else of them is called: from then on libcurl and jansson, which
 * make copies of passwords and of what they are sent in, overwrite what they free.
 */
extern void ga_memory_init_libraries(void);
/* Ends the process: there is no memory left. */
extern void ga_memory_exhausted(void) __attribute__((noreturn));

#endif /* GA_COURIER_MEMORY_H */
