/*
 * sms_text.h
 *		How many parts an SMS takes, and the UTF-8 reader that counts them.
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_SHARED_SMS_TEXT_H
#define GA_BASE_SHARED_SMS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 3GPP TS 23.040: 140 octets of user data, six of them lost to the header
 * that strings the parts of a long message together. */
#define GA_SMS_GSM7_SINGLE 160
#define GA_SMS_GSM7_PART 153
#define GA_SMS_UCS2_SINGLE 70
#define GA_SMS_UCS2_PART 67

typedef enum GaSmsEncoding
{
	GA_SMS_GSM7,
	GA_SMS_UCS2
} GaSmsEncoding;

typedef struct GaSmsCount
{
	GaSmsEncoding encoding;
	uint32_t units;	   /* septets or UTF-16 units of the whole text */
	uint32_t segments; /* 0 for an empty text */
} GaSmsCount;

/*
 * Counts the parts `text` is sent in.  One character outside the GSM 7-bit
 * alphabet turns the whole message into UCS-2.  false: not valid UTF-8.
 */
extern bool ga_sms_count(const char *text, size_t length, GaSmsCount *count);

#endif /* GA_BASE_SHARED_SMS_TEXT_H */
