/*
 * returned_head.h
 *		Reading the head of the mail that came back.
 */
#ifndef GA_COURIER_BOUNCE_RETURNED_HEAD_H
#define GA_COURIER_BOUNCE_RETURNED_HEAD_H

#include <stddef.h>

#include "courier/bounce/findings.h"

/* Reads the fields up to the first empty line; a body behind it is left alone. */
extern void ga_bounce_returned_head_read(GaBounceFindings *findings,
										 const char *text, size_t length);

#endif /* GA_COURIER_BOUNCE_RETURNED_HEAD_H */
