/*
 * unstructured.h
 *		Reading a returned mail that holds no report.
 */
#ifndef GA_COURIER_BOUNCE_UNSTRUCTURED_H
#define GA_COURIER_BOUNCE_UNSTRUCTURED_H

#include "courier/bounce/findings.h"

/* Reads the text that was kept of the mail, if a mail server sent it. */
extern void ga_bounce_unstructured_read(GaBounceFindings *findings);

#endif /* GA_COURIER_BOUNCE_UNSTRUCTURED_H */
