/*
 * hex.h
 *		Hexadecimal digits, and the percent-encoding made of them.
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

/* Writes a byte as RFC 3986 2.1 has it, %XX: three characters, no zero behind. */
static inline void
ga_hex_put_percent(char *out, unsigned char byte)
{
	static const char digits[] = "0123456789ABCDEF";

	out[0] = '%';
	out[1] = digits[byte >> 4];
	out[2] = digits[byte & 15];
}

#endif /* GA_BASE_SHARED_HEX_H */
