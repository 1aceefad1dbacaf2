/*
 * utf8.h
 *		Reads UTF-8 one character at a time, and knows which characters do harm.
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_SHARED_UTF8_H
#define GA_BASE_SHARED_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads the character at *next and moves past it.  Returns its code point, or
 * -1 when the bytes are not UTF-8 (overlong, surrogate, cut off); *next then
 * moves by one byte.  *next must be before `end`.
 */
extern int32_t ga_utf8_next(const char **next, const char *end);

/* C0, DEL, C1 and the two Unicode line ends: nothing a header may carry. */
extern bool ga_utf8_is_control(int32_t character);

/* Marks and overrides of direction: they make a name read as another. */
extern bool ga_utf8_is_bidi(int32_t character);

/*
 * Joiners, marks of direction, fillers, tags: nothing is shown for them
 * (Default_Ignorable_Code_Point of Unicode 15.1, DerivedCoreProperties.txt).  The unique
 * index on groups' names is made without them (store/group/name_key): whoever changes
 * this list has to build that index anew.
 */
extern bool ga_utf8_is_ignorable(int32_t character);

/* In a block of a script that is written from right to left (Unicode's Blocks.txt). */
extern bool ga_utf8_is_right_to_left(int32_t character);

#endif /* GA_BASE_SHARED_UTF8_H */
