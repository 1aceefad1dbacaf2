/*
 * link_check.h
 *		What settings that are links may be: check hooks of base/guc.
 */
#ifndef GA_BASE_SETTING_LINK_CHECK_H
#define GA_BASE_SETTING_LINK_CHECK_H

#include "postgres.h"

#include "utils/guc.h"

/* A link of http or https. */
extern bool ga_link_check_invitation(char **value, void **extra,
									 GucSource source);
/* The same, or empty: there is none. */
extern bool ga_link_check_optional(char **value, void **extra,
								   GucSource source);
/* The same with {url} in it. */
extern bool ga_link_check_image_template(char **value, void **extra,
										 GucSource source);
/* A link of https for a header of mails (RFC 8058), or empty. */
extern bool ga_link_check_unsubscribe(char **value, void **extra,
									  GucSource source);
/* A link of https with a host, and with places for the answer, or empty. */
extern bool ga_link_check_answered(char **value, void **extra,
								   GucSource source);

#endif /* GA_BASE_SETTING_LINK_CHECK_H */
