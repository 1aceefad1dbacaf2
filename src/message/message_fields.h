/*
 * message_fields.h
 *		What a template of a message can speak of; docs/templates.md.
 */
#ifndef GA_MESSAGE_MESSAGE_FIELDS_H
#define GA_MESSAGE_MESSAGE_FIELDS_H

#include "message/template.h"

typedef enum GaField
{
	GA_FIELD_INVITER,
	GA_FIELD_GROUP,
	GA_FIELD_MEMBER,
	GA_FIELD_MESSAGE,
	GA_FIELD_DESCRIPTION,
	GA_FIELD_LINK,
	GA_FIELD_EXPIRES,
	GA_FIELD_IMAGE,
	GA_FIELD_REMINDER, /* only as a condition */
	GA_FIELD_STOP,	   /* likewise: an SMS is to tell how to stop */
	GA_FIELD_COUNT
} GaField;

/* By GaField. */
extern const GaFieldSet ga_message_fields;

#endif /* GA_MESSAGE_MESSAGE_FIELDS_H */
