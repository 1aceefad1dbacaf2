/*
 * unstructured.h
 *		Reading a returned mail that holds no report.
 */
#ifndef GA_COURIER_BOUNCE_UNSTRUCTURED_H
#define GA_COURIER_BOUNCE_UNSTRUCTURED_H

#include "courier/bounce/findings.h"

/*
 * Reads the text that was kept of the mail, by the rules of the software that seems
 * to have written it.
 */
extern void ga_bounce_unstructured_read(GaBounceFindings *findings);

#endif /* GA_COURIER_BOUNCE_UNSTRUCTURED_H */
