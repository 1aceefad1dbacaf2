/*
 * message.h
 *		The message of a claimed invitation, and the job that carries it.
 */
#ifndef GA_DISPATCH_COURIER_MESSAGE_H
#define GA_DISPATCH_COURIER_MESSAGE_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "base/shared/wire.h"
#include "message/compose.h"
#include "store/queue/queue_store.h"

/* Copies the operator's own words, which are used from now on. */
extern void ga_message_take_templates(const GaTemplates *templates);

/* The token of the link made for this send, palloc'ed. */
extern const char *ga_message_link_token(const uint8 *secret,
										 const GaClaim *claim);

/* Composes in the current memory context. */
extern void ga_message_for_claim(const char *link_token, const GaClaim *claim,
								 GaChannel channel, GaMessage *message);

/* Fills the job for the courier; what it points at lives as long as what is given,
 * and the current memory context. */
extern void ga_message_job(GaJobFrame *job, uint64 job_id, const uint8 *secret,
						   const char *link_token, const char *server,
						   const char *callback_url, const GaClaim *claim,
						   GaChannel channel, const GaMessage *message);

#endif /* GA_DISPATCH_COURIER_MESSAGE_H */
