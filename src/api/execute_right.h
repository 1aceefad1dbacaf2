/*
 * execute_right.h
 *		The right to a function that has several forms.
 */
#ifndef GA_API_EXECUTE_RIGHT_H
#define GA_API_EXECUTE_RIGHT_H

#include "postgres.h"

#include "fmgr.h"

/* Whose right is asked for, besides that of the function that was called. */
typedef enum GaForms
{
	GA_ALL_FORMS, /* all of the extension's functions of this name */
	GA_BODY_FORMS /* those with as many arguments */
} GaForms;

/*
 * The forms of a function are doors to one deed: from whom one was taken may
 * come in by none.  PostgreSQL itself has asked for the form that was called
 * only.  Error: 42501.
 */
extern void ga_execute_right_check(FunctionCallInfo fcinfo, GaForms forms);

#endif /* GA_API_EXECUTE_RIGHT_H */
