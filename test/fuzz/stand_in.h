/*
 * stand_in.h
 *		What stands in for the server behind its parsers.
 */
#ifndef GA_TEST_FUZZ_STAND_IN_H
#define GA_TEST_FUZZ_STAND_IN_H

/* Frees what was allocated since the last time: the end of a run. */
extern void stand_in_forget(void);

#endif /* GA_TEST_FUZZ_STAND_IN_H */
