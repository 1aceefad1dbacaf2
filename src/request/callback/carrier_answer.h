/*
 * carrier_answer.h
 *		What a carrier answers a gateway by SMPP, as the gateway passes it on.
 */
#ifndef GA_REQUEST_CALLBACK_CARRIER_ANSWER_H
#define GA_REQUEST_CALLBACK_CARRIER_ANSWER_H

/* Replaces the answer by its words, and tells the code; both may become NULL. */
extern void ga_carrier_answer_read(const char **text, const char **code);

#endif /* GA_REQUEST_CALLBACK_CARRIER_ANSWER_H */
