/*
 * fields.h
 *		Reading a block of header fields.
 */
#ifndef GA_COURIER_BOUNCE_FIELDS_H
#define GA_COURIER_BOUNCE_FIELDS_H

#include <stddef.h>

#include "courier/bounce/findings.h"

/* Told each field, unfolded; neither string may be kept. */
typedef void (*GaBounceTakeField)(GaBounceFindings *findings, const char *name,
								  const char *value);

/*
 * Reads fields up to the first empty line, whose end it returns.  Bytes that are
 * no text are dropped, lines that are no fields as well.
 */
extern size_t ga_bounce_fields_read(GaBounceFindings *findings,
									const char *text, size_t length,
									GaBounceTakeField take);

#endif /* GA_COURIER_BOUNCE_FIELDS_H */
