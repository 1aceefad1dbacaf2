/*
 * smtp.h
 *		Mail by SMTP submission to a relay.
 */
#ifndef GA_COURIER_SMTP_SMTP_H
#define GA_COURIER_SMTP_SMTP_H

#include "courier/provider.h"

extern const GaTransport ga_smtp_transport;

#endif /* GA_COURIER_SMTP_SMTP_H */
