/*
 * phone_table.h
 *		A quick yes for numbers that need no interpretation.
 *
 * Private to phone.cpp.
 */
#ifndef GA_REQUEST_CONTACT_PHONE_TABLE_H
#define GA_REQUEST_CONTACT_PHONE_TABLE_H

#include <cstddef>

namespace ga
{

/* Reads the library's metadata; without it accepts() is always false. */
void phone_table_load();

/*
 * True only when libphonenumber would read the digits (after the "+") as they
 * stand, would find their length possible and their kind fit for SMS.  False
 * says nothing: ask the library.
 */
bool phone_table_accepts(const char *digits, size_t length);

} // namespace ga

#endif /* GA_REQUEST_CONTACT_PHONE_TABLE_H */
