/*
 * http.h
 *		Messages by HTTP, as a row of the provider table describes it.
 */
#ifndef GA_COURIER_HTTP_HTTP_H
#define GA_COURIER_HTTP_HTTP_H

#include "courier/provider.h"

extern const GaTransport ga_http_transport;

#endif /* GA_COURIER_HTTP_HTTP_H */
