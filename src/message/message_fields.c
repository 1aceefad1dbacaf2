/*
 * message_fields.c
 *		What a template of a message can speak of.
 */
#include "postgres.h"

#include "message/message_fields.h"

#define ALWAYS_THERE GA_FIELD_AS_VALUE
#define MAY_BE_MISSING (GA_FIELD_AS_VALUE | GA_FIELD_AS_CONDITION)

static const GaFieldInfo fields[GA_FIELD_COUNT] = {
	[GA_FIELD_INVITER] = {"inviter", MAY_BE_MISSING},
	[GA_FIELD_GROUP] = {"group", ALWAYS_THERE},
	[GA_FIELD_MEMBER] = {"member", ALWAYS_THERE},
	[GA_FIELD_MESSAGE] = {"message", MAY_BE_MISSING},
	[GA_FIELD_DESCRIPTION] = {"description", MAY_BE_MISSING},
	[GA_FIELD_LINK] = {"link", ALWAYS_THERE},
	[GA_FIELD_EXPIRES] = {"expires", MAY_BE_MISSING},
	[GA_FIELD_IMAGE] = {"image", MAY_BE_MISSING},
	[GA_FIELD_REMINDER] = {"reminder", GA_FIELD_AS_CONDITION},
	[GA_FIELD_STOP] = {"stop", GA_FIELD_AS_CONDITION},
};

const GaFieldSet ga_message_fields = {fields, GA_FIELD_COUNT};
