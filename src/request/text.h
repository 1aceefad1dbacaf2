/*
 * text.h
 *		What a text may consist of, and how it is tidied.
 *
 * Pure C over UTF-8: no PostgreSQL header, no allocation.
 */
#ifndef GA_REQUEST_TEXT_H
#define GA_REQUEST_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum GaTextPolicy
{
	/* names: no control character, line or direction change */
	GA_TEXT_SINGLE_LINE,
	/* addresses: marks of direction are left to who reads them */
	GA_TEXT_ADDRESS,
	/* prose: line feeds and tabs too; CR LF and CR become LF */
	GA_TEXT_MULTI_LINE
} GaTextPolicy;

typedef struct GaTextScan
{
	size_t start; /* the text without white space at its ends */
	size_t end;
	size_t chars;	 /* code points in there; CR LF is one */
	bool is_visible; /* something of it can be seen */
	bool has_cr;
	uint32_t refused; /* first code point the policy refuses; 0 */
} GaTextScan;

/*
 * `text` should be UTF-8; any other byte counts as one visible character and
 * hides nothing behind it.
 */
extern void ga_text_scan(const char *text, size_t length, GaTextPolicy policy,
						 GaTextScan *scan);

/*
 * Copies the scanned part with its line ends made LF.  `out` has room for
 * end - start + 1 bytes.
 */
extern void ga_text_tidy(const char *text, const GaTextScan *scan, char *out);

#endif /* GA_REQUEST_TEXT_H */
