/*
 * qmail.h
 *		Reading a bounce of qmail.
 */
#ifndef GA_COURIER_BOUNCE_QMAIL_H
#define GA_COURIER_BOUNCE_QMAIL_H

#include "courier/bounce/findings.h"

/* Reads a text that begins as qmail's bounces do. */
extern void ga_bounce_qmail_read(GaBounceFindings *findings, const char *text);

#endif /* GA_COURIER_BOUNCE_QMAIL_H */
