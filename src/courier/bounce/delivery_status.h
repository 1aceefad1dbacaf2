/*
 * delivery_status.h
 *		Reading a delivery status notification.
 */
#ifndef GA_COURIER_BOUNCE_DELIVERY_STATUS_H
#define GA_COURIER_BOUNCE_DELIVERY_STATUS_H

#include <stddef.h>

#include "courier/bounce/findings.h"

/* Reads the text of a message/delivery-status or message/global-delivery-status. */
extern void ga_bounce_delivery_status_read(GaBounceFindings *findings,
										   const char *text, size_t length);

#endif /* GA_COURIER_BOUNCE_DELIVERY_STATUS_H */
