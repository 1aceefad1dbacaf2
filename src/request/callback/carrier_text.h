/*
 * carrier_text.h
 *		The text of a message that came in, whatever its encoding.
 */
#ifndef GA_REQUEST_CALLBACK_CARRIER_TEXT_H
#define GA_REQUEST_CALLBACK_CARRIER_TEXT_H

#include "postgres.h"

#include "request/form_fields.h"

/*
 * UTF-8 of what a gateway handed over as UTF-8, UTF-16 (UCS-2) or Latin-1; the
 * first some hundred characters.  NULL: it is no text.
 */
extern const char *ga_carrier_text_read(GaBytes bytes);

#endif /* GA_REQUEST_CALLBACK_CARRIER_TEXT_H */
