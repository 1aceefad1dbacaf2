/*
 * hex.h
 *		Hexadecimal digits.
 */
#ifndef GA_BASE_SHARED_HEX_H
#define GA_BASE_SHARED_HEX_H

/* Of a digit of either case; -1: it is none. */
static inline int
ga_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#endif /* GA_BASE_SHARED_HEX_H */
