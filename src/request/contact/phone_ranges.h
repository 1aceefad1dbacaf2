/*
 * phone_ranges.h
 *		Mobile numbers that are newer than libphonenumber's tables.
 */
#ifndef GA_REQUEST_CONTACT_PHONE_RANGES_H
#define GA_REQUEST_CONTACT_PHONE_RANGES_H

#include <string>

namespace ga
{

/* The month of what is listed here. */
constexpr int NEWER_RANGES_YEAR = 2026;
constexpr int NEWER_RANGES_MONTH = 11;

/*
 * Whether a number is one of a mobile range that older tables do not know:
 * calling code and national number as digits.  May throw what std::regex throws.
 */
bool is_newer_mobile(const std::string &calling_code,
					 const std::string &national);

} // namespace ga

#endif /* GA_REQUEST_CONTACT_PHONE_RANGES_H */
