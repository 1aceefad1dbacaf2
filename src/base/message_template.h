/*
 * message_template.h
 *		The words of one channel in one language, as table and engine share them.
 */
#ifndef GA_BASE_MESSAGE_TEMPLATE_H
#define GA_BASE_MESSAGE_TEMPLATE_H

#include "base/shared/channel.h"

typedef struct GaTemplate
{
	GaChannel channel;
	const char *locale;	 /* normalized, base/locale_tag.h */
	const char *subject; /* NULL for SMS */
	const char *body;	 /* the SMS, or the mail's plain text */
	const char *html;	 /* NULL: none */
} GaTemplate;

/* An operator's own templates. */
typedef struct GaTemplates
{
	int count;
	GaTemplate *list;
} GaTemplates;

#endif /* GA_BASE_MESSAGE_TEMPLATE_H */
