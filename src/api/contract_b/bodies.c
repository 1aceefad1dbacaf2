/*
 * bodies.c
 *		The forms of contract B's writes: with the group's number or without, and
 *		with the body as jsonb, as it came (JSON or a form), or as an array.
 *
 * Each form reads its arguments and carries out the write.  Who nobody is hears
 * that first, before what is wrong with the body.  What an argument is says the
 * function's declaration, and the call's arguments are never written to: the
 * executor sets those of constants once for all rows.
 *
 * SQL takes an untyped literal for a text: delete_group('5') means the group 5,
 * not a body that says 5.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "api/arguments.h"
#include "api/creation.h"
#include "api/execute_right.h"
#include "api/contract_b/group_access.h"
#include "api/contract_b/writes.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"

/* In SQL, a text that is a whole number; 0: it is none. */
static int64
number_in(FunctionCallInfo fcinfo, const GaCaller *caller)
{
	const char *digits;
	size_t length;

	if (caller->is_http || PG_NARGS() != 1 || PG_ARGISNULL(0) ||
		ga_argument_type(fcinfo, 0) != TEXTOID ||
		toast_raw_datum_size(PG_GETARG_DATUM(0)) > VARHDRSZ + 19)
		return 0;
	digits = text_to_cstring(PG_GETARG_TEXT_PP(0));
	length = strlen(digits);
	if (length == 0 || strspn(digits, "0123456789") != length)
		return 0;
	return DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(digits)));
}

/*
 * The argument `at` as a body or an array; a text without any characters is none.
 * False with an answer when it cannot be read.
 */
static bool
read_input(FunctionCallInfo fcinfo, int at, const GaCaller *caller,
		   GaWriteInput *input, Datum *answer)
{
	if (PG_ARGISNULL(at))
		return true;
	if (ga_argument_type(fcinfo, at) == INT8ARRAYOID)
	{
		input->users = PG_GETARG_ARRAYTYPE_P(at);
		return true;
	}
	if (toast_raw_datum_size(PG_GETARG_DATUM(at)) == VARHDRSZ)
		return true;
	input->body = ga_creation_body(fcinfo, at, GA_CONTRACT_B, caller,
								   &input->violations, answer);
	return input->body != NULL;
}

typedef enum Forms
{
	FORM_PLAIN = 0,
	FORM_NUMBER_IS_TEXT = 1, /* in SQL, a text that is a whole number */
	FORM_BODY_IS_IGNORED = 2
} Forms;

static Datum
carry_out(FunctionCallInfo fcinfo, GaWriteV2 write, int forms)
{
	GaWriteInput input = {.violations = {NIL}};
	int64 number = 0;
	GaCaller caller;
	Datum answer;
	bool has_number;

	ga_execute_right_check(fcinfo, GA_ALL_FORMS);
	if (!ga_access_read_caller(&caller, GA_FOR_USERS, &answer))
		return ga_write_v2_result(fcinfo, answer);
	has_number = PG_NARGS() > 0 && ga_argument_type(fcinfo, 0) == INT8OID;
	if (forms & FORM_NUMBER_IS_TEXT)
		number = number_in(fcinfo, &caller);
	if (number == 0)
	{
		if (PG_NARGS() > has_number && !(forms & FORM_BODY_IS_IGNORED) &&
			!read_input(fcinfo, has_number, &caller, &input, &answer))
			return ga_write_v2_result(fcinfo, answer);
		number = ga_group_v2_number(&caller, fcinfo, has_number ? 0 : -1);
	}
	return ga_write_v2_result(fcinfo, write(&caller, number, &input));
}

Datum
ga_write_v2(FunctionCallInfo fcinfo, GaWriteV2 write)
{
	return carry_out(fcinfo, write, FORM_PLAIN);
}

Datum
ga_write_v2_result(FunctionCallInfo fcinfo, Datum answer)
{
	fcinfo->isnull = answer == (Datum) 0;
	return answer;
}

/* Of a text or a bytea, where a text may be a number of SQL's. */
PG_FUNCTION_INFO_V1(group_api_v2_delete_group_body);
PG_FUNCTION_INFO_V1(group_api_v2_subscribe_body);
PG_FUNCTION_INFO_V1(group_api_v2_unsubscribe_body);

Datum
group_api_v2_delete_group_body(PG_FUNCTION_ARGS)
{
	return carry_out(fcinfo, ga_write_delete_group,
					 FORM_NUMBER_IS_TEXT | FORM_BODY_IS_IGNORED);
}

Datum
group_api_v2_subscribe_body(PG_FUNCTION_ARGS)
{
	return carry_out(fcinfo, ga_write_subscribe, FORM_NUMBER_IS_TEXT);
}

Datum
group_api_v2_unsubscribe_body(PG_FUNCTION_ARGS)
{
	return carry_out(fcinfo, ga_write_unsubscribe, FORM_NUMBER_IS_TEXT);
}
