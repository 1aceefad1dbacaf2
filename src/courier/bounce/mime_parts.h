/*
 * mime_parts.h
 *		Taking a mail apart.
 */
#ifndef GA_COURIER_BOUNCE_MIME_PARTS_H
#define GA_COURIER_BOUNCE_MIME_PARTS_H

#include <stddef.h>

#include "courier/bounce/findings.h"

/* Reads each part of the mail by its type. */
extern void ga_bounce_mime_parts_read(GaBounceFindings *findings,
									  const char *mail, size_t length);

#endif /* GA_COURIER_BOUNCE_MIME_PARTS_H */
