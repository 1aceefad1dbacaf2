/*
 * percent.h
 *		Percent-encoding (RFC 3986, 2.1).
 */
#ifndef GA_BASE_PERCENT_H
#define GA_BASE_PERCENT_H

#include "postgres.h"

#include "base/bytes.h"
#include "lib/stringinfo.h"

/* RFC 3986, 2.3: what stands for itself everywhere, besides letters and digits. */
#define GA_PERCENT_UNRESERVED "-._~"

/*
 * Appends the bytes, each as %XX that is neither a letter or digit of ASCII nor
 * one of `kept`.
 */
extern void ga_percent_put(StringInfo out, GaBytes bytes, const char *kept);

#endif /* GA_BASE_PERCENT_H */
