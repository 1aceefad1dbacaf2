/*
 * form_fields.h
 *		Names and values of a query or an urlencoded body.
 */
#ifndef GA_REQUEST_FORM_FIELDS_H
#define GA_REQUEST_FORM_FIELDS_H

#include "postgres.h"

#include "base/digest.h"
#include "utils/jsonb.h"

/* Decoded: may hold anything; and zero-terminated behind their length. */
typedef struct GaFormField
{
	GaBytes name;
	GaBytes value;
} GaFormField;

typedef struct GaFormFields
{
	int count;
	GaFormField *list;
} GaFormFields;

/*
 * Never fails: a percent sign without two digits stands for itself, and what is
 * beyond a thousand fields is left out.
 */
extern GaFormFields ga_form_read(GaBytes text);

/* The members of a JSON object that are texts, numbers or booleans. */
extern GaFormFields ga_form_of_json(Jsonb *object);

/* The first of that name; NULL: none. */
extern const GaFormField *ga_form_find(const GaFormFields *fields,
									   const char *name);

/* In the order of the bytes of their names, then of their values. */
extern void ga_form_sort(GaFormFields *fields);

#endif /* GA_REQUEST_FORM_FIELDS_H */
