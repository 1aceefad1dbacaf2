/*
 * template_store.h
 *		The operator's own words.
 */
#ifndef GA_STORE_TEMPLATE_STORE_H
#define GA_STORE_TEMPLATE_STORE_H

#include "postgres.h"

#include "base/message_template.h"

struct GaOwnerScope;

/* All run inside ga_owner_enter()/leave(). */

extern void ga_template_put(const GaTemplate *template);
/* False when there was none. */
extern bool ga_template_remove(GaChannel channel, const char *locale);
/* All of them, as of the caller's snapshot. */
extern void ga_templates_read(const struct GaOwnerScope *scope,
							  GaTemplates *templates);

#endif /* GA_STORE_TEMPLATE_STORE_H */
