/*
 * capture.h
 *		The provider that sends nothing: it hands the message back.
 */
#ifndef GA_COURIER_CAPTURE_H
#define GA_COURIER_CAPTURE_H

#include "courier/provider.h"

extern const GaTransport ga_capture_transport;

#endif /* GA_COURIER_CAPTURE_H */
