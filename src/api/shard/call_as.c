/*
 * call_as.c
 *		group_api.call_as() and rows_as(): what a proxy asks of a shard, for a caller of
 *		the proxy's.
 *
 * The proxy's own role may become the caller's role, as with SET ROLE, and no other:
 * that is what its memberships say, so a proxy that somebody took over is no more than
 * the roles it serves.  Whether the caller's claims count is decided here, by what the
 * role that is logged in at the proxy is here.  Functions are named by a text, and only
 * the extension's own are called, with the caller's rights.
 *
 * Must never leave a session as the caller: user, settings and whom it speaks for are
 * given back also after an error.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/caller.h"
#include "api/shard/shard_answer.h"
#include "base/compat.h"
#include "base/extension.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/pinned_settings.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

/* What both functions get first, in this order. */
enum
{
	ARG_ROLE,
	ARG_LOGIN,
	ARG_IS_SUPERUSER,
	ARG_ONLY_READS,
	ARG_CLAIMS,
	ARG_HEADERS,
	ARG_METHOD,
	ARG_NAME,
	ARG_VALUES
};

typedef struct Scope
{
	Oid user;
	int security;
	int guc_level;
	bool was_read_only;
} Scope;

/* ---- becoming the caller ------------------------------------------------- */

static void
put_text_setting(const char *name, FunctionCallInfo fcinfo, int at)
{
	ga_settings_set(
		name, PG_ARGISNULL(at) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(at)));
}

static Oid
role_to_become(const char *name)
{
	Oid role = get_role_oid(name, true);

	if (!OidIsValid(role) || !is_member_of_role(GetSessionUserId(), role))
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to call as role \"%s\"", name),
			 errdetail("The proxy's role \"%s\" is no member of it here.",
					   GetUserNameFromId(GetSessionUserId(), true)),
			 errhint("GRANT %s TO %s; on each shard.", quote_identifier(name),
					 quote_identifier(
						 GetUserNameFromId(GetSessionUserId(), true)))));
	return role;
}

/* The role that logged in at the proxy; InvalidOid: it is not here. */
static Oid
login_there(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(ARG_LOGIN)
			   ? InvalidOid
			   : get_role_oid(NameStr(*PG_GETARG_NAME(ARG_LOGIN)), true);
}

static void
become(FunctionCallInfo fcinfo, Scope *scope)
{
	Oid role = role_to_become(NameStr(*PG_GETARG_NAME(ARG_ROLE)));
	Oid login = login_there(fcinfo);

	GetUserIdAndSecContext(&scope->user, &scope->security);
	scope->guc_level = NewGUCNestLevel();
	put_text_setting("request.jwt.claims", fcinfo, ARG_CLAIMS);
	put_text_setting("request.headers", fcinfo, ARG_HEADERS);
	put_text_setting("request.method", fcinfo, ARG_METHOD);
	ga_settings_set("response.status", "");
	ga_settings_set("response.headers", "");
	/* The setting itself cannot be given back within a transaction from 18 on. */
	scope->was_read_only = XactReadOnly;
	if (!PG_ARGISNULL(ARG_ONLY_READS) && PG_GETARG_BOOL(ARG_ONLY_READS))
		XactReadOnly = true;
	SetUserIdAndSecContext(role,
						   scope->security | SECURITY_LOCAL_USERID_CHANGE);
	ga_caller_speak_for(login, !PG_ARGISNULL(ARG_IS_SUPERUSER) &&
								   PG_GETARG_BOOL(ARG_IS_SUPERUSER));
}

/* After an error the end of the (sub)transaction gives user and settings back. */
static void
give_back(const Scope *scope)
{
	ga_caller_speak_for_nobody();
	SetUserIdAndSecContext(scope->user, scope->security);
	AtEOXact_GUC(false, scope->guc_level);
	XactReadOnly = scope->was_read_only;
}

/* ---- calling ------------------------------------------------------------- */

static Oid
routine_to_call(const char *signature)
{
	Oid function = ga_extension_routine(signature);

	if (!OidIsValid(function))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("this shard has no function %s", signature),
				 errhint("Make the proxy's functions anew from this version of "
						 "group_api (docs/scaling.md).")));
	if (!ga_may_execute(function, GetUserId()))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for function %s",
							   get_func_name(function))));
	return function;
}

/* The texts of the last argument; null: none. */
static void
read_values(FunctionCallInfo fcinfo, Datum **values, bool **nulls, int *count)
{
	*count = 0;
	if (!PG_ARGISNULL(ARG_VALUES))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(ARG_VALUES), TEXTOID, -1, false,
						  TYPALIGN_INT, values, nulls, count);
}

static void
require_count(const char *signature, int expected, int count)
{
	if (expected != count)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s takes %d arguments, not %d", signature,
							   expected, count)));
}

/* ---- statements ---------------------------------------------------------- */

/* name($1::type, ...) */
static char *
call_in_sql(Oid function, const char *signature, int count)
{
	StringInfoData sql;
	Oid *types;
	int expected;

	(void) get_func_signature(function, &types, &expected);
	require_count(signature, expected, count);
	initStringInfo(&sql);
	appendStringInfo(&sql, "%s(",
					 quote_qualified_identifier(
						 get_namespace_name(get_func_namespace(function)),
						 get_func_name(function)));
	for (int i = 0; i < count; i++)
		appendStringInfo(&sql, "%s$%d::%s", i > 0 ? ", " : "", i + 1,
						 format_type_be_qualified(types[i]));
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/* A statement that was asked for before, kept as long as the session. */
typedef struct Kept
{
	char *sql;
	SPIPlanPtr plan;
} Kept;

static List *kept_statements;

static SPIPlanPtr
keep(const char *sql, int count)
{
	Oid types[FUNC_MAX_ARGS];
	MemoryContext before;
	SPIPlanPtr plan;
	Kept *kept;

	for (int i = 0; i < count; i++)
		types[i] = TEXTOID;
	plan = SPI_prepare(sql, count, types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare %s", sql);
	before = MemoryContextSwitchTo(TopMemoryContext);
	kept = palloc(sizeof(Kept));
	kept->sql = pstrdup(sql);
	kept->plan = plan;
	kept_statements = lappend(kept_statements, kept);
	MemoryContextSwitchTo(before);
	return plan;
}

static SPIPlanPtr
plan_of(const char *sql, int count)
{
	ListCell *cell;

	foreach (cell, kept_statements)
		if (strcmp(((Kept *) lfirst(cell))->sql, sql) == 0)
			return ((Kept *) lfirst(cell))->plan;
	return keep(sql, count);
}

/* As the caller; the rows are SPI's, which stays connected. */
static void
run(const char *sql, Datum *texts, const bool *nulls, int count)
{
	char no_value[FUNC_MAX_ARGS];

	for (int i = 0; i < count; i++)
		no_value[i] = nulls[i] ? 'n' : ' ';
	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute_plan(plan_of(sql, count), texts, no_value, false, 0) !=
			SPI_OK_SELECT)
		elog(ERROR, "could not run %s", sql);
}

static void
require_role_and_name(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(ARG_ROLE) || PG_ARGISNULL(ARG_NAME))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the role and what is called must not be null")));
}

/* The texts as the function's arguments; whether none of them is null. */
static bool
read_arguments(FunctionCallInfo call, const Oid *types, const Datum *texts,
			   const bool *nulls)
{
	bool all_given = true;

	for (int i = 0; i < call->nargs; i++)
	{
		Oid input;
		Oid parameter;

		getTypeInputInfo(types[i], &input, &parameter);
		call->args[i].isnull = nulls[i];
		call->args[i].value = OidInputFunctionCall(
			input, nulls[i] ? NULL : TextDatumGetCString(texts[i]), parameter,
			-1);
		all_given &= !nulls[i];
	}
	return all_given;
}

static char *
as_text(Oid type, Datum value)
{
	Oid output;
	bool is_varlena;

	getTypeOutputInfo(type, &output, &is_varlena);
	return OidOutputFunctionCall(output, value);
}

/*
 * As a statement would call it, which would take as long to be started as many a
 * function takes.  NULL for null.
 */
static char *
call_function(Oid function, const char *signature, const Datum *texts,
			  const bool *nulls, int count)
{
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	FmgrInfo info;
	Oid *types;
	int expected;
	Oid result = get_func_signature(function, &types, &expected);
	Datum value;

	require_count(signature, expected, count);
	InvokeFunctionExecuteHook(function);
	fmgr_info(function, &info);
	InitFunctionCallInfoData(*call, &info, count, DEFAULT_COLLATION_OID, NULL,
							 NULL);
	if (!read_arguments(call, types, texts, nulls) && info.fn_strict)
		return NULL;
	value = FunctionCallInvoke(call);
	return call->isnull ? NULL : as_text(result, value);
}

/* The result as text; NULL for null. */
static char *
call_named(FunctionCallInfo fcinfo)
{
	char *signature = text_to_cstring(PG_GETARG_TEXT_PP(ARG_NAME));
	Oid function = routine_to_call(signature);
	Datum *texts = NULL;
	bool *nulls = NULL;
	int count;

	if (get_func_retset(function))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("%s returns rows", signature),
						errhint("Ask rows_as() for them.")));
	read_values(fcinfo, &texts, &nulls, &count);
	return call_function(function, signature, texts, nulls, count);
}

/*
 * One text, which a statement without FROM can return (planning one costs a third), and
 * in which a document stands as it is (shard_answer.h).
 */
static Datum
text_of(const char *const *parts)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = ANSWER_TEXT + 1; i < ANSWER_PARTS; i++)
		if (parts[i] == NULL)
			appendStringInfoString(&text, "- ");
		else
			appendStringInfo(&text, "%d ", pg_mbstrlen(parts[i]));
	appendStringInfoChar(&text, parts[ANSWER_TEXT] == NULL ? '-' : '+');
	for (int i = ANSWER_TEXT + 1; i < ANSWER_PARTS; i++)
		if (parts[i] != NULL)
			appendStringInfoString(&text, parts[i]);
	if (parts[ANSWER_TEXT] != NULL)
		appendStringInfoString(&text, parts[ANSWER_TEXT]);
	return PointerGetDatum(cstring_to_text_with_len(text.data, text.len));
}

static Datum
take_answer(FunctionCallInfo fcinfo)
{
	const char *parts[ANSWER_PARTS] = {NULL};

	parts[ANSWER_TEXT] = call_named(fcinfo);
	parts[ANSWER_STATUS] = ga_caller_setting("response.status");
	parts[ANSWER_HEADERS] = ga_caller_setting("response.headers");
	return text_of(parts);
}

static Datum
answer_error(const ErrorData *error)
{
	const char *parts[ANSWER_PARTS] = {NULL};

	parts[ANSWER_SQLSTATE] = unpack_sql_state(error->sqlerrcode);
	parts[ANSWER_MESSAGE] = error->message;
	parts[ANSWER_DETAIL] = error->detail;
	parts[ANSWER_HINT] = error->hint;
	return text_of(parts);
}

/* What ends the session, or was asked for by somebody else, is no answer. */
static bool
is_an_answer(const ErrorData *error)
{
	return error->elevel == ERROR &&
		   error->sqlerrcode != ERRCODE_QUERY_CANCELED &&
		   ERRCODE_TO_CATEGORY(error->sqlerrcode) !=
			   ERRCODE_OPERATOR_INTERVENTION;
}

/*
 * In a subtransaction, so that an error is an answer: PL/Proxy would put words of its
 * own in front of it, and then give up the connection.
 */
static Datum
call_and_catch(FunctionCallInfo fcinfo)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile Datum answer = (Datum) 0;
	Scope scope;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		become(fcinfo, &scope);
		answer = take_answer(fcinfo);
		give_back(&scope);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		ga_caller_speak_for_nobody();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!is_an_answer(error))
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		answer = answer_error(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return answer;
}

PG_FUNCTION_INFO_V1(group_api_call_as);

Datum
group_api_call_as(PG_FUNCTION_ARGS)
{
	require_role_and_name(fcinfo);
	PG_RETURN_DATUM(call_and_catch(fcinfo));
}

/* ---- rows ---------------------------------------------------------------- */

/* What is read: a view of ours, or a function of ours that returns rows. */
static char *
source_of_rows(const char *name, int count)
{
	bool is_call = strchr(name, '(') != NULL;
	Oid view = is_call ? InvalidOid : ga_extension_view(name);

	if (is_call)
		return call_in_sql(routine_to_call(name), name, count);
	if (!OidIsValid(view))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("this shard has no view %s", name)));
	require_count(name, 0, count);
	return quote_qualified_identifier(
		get_namespace_name(get_rel_namespace(view)), get_rel_name(view));
}

void
ga_shard_keep_rows(ReturnSetInfo *result)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum values[1];
		bool nulls[1];

		values[0] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
								  1, &nulls[0]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* The executor asks for the caller's rights to what is read. */
static void
read_rows(FunctionCallInfo fcinfo)
{
	const char *name = text_to_cstring(PG_GETARG_TEXT_PP(ARG_NAME));
	Datum *texts = NULL;
	bool *nulls = NULL;
	int count;

	read_values(fcinfo, &texts, &nulls, &count);
	run(psprintf("SELECT pg_catalog.to_json(r) FROM %s AS r",
				 source_of_rows(name, count)),
		texts, nulls, count);
	ga_shard_keep_rows((ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
}

PG_FUNCTION_INFO_V1(group_api_rows_as);

Datum
group_api_rows_as(PG_FUNCTION_ARGS)
{
	Scope scope;

	require_role_and_name(fcinfo);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	become(fcinfo, &scope);
	PG_TRY();
	{
		read_rows(fcinfo);
	}
	PG_CATCH();
	{
		ga_caller_speak_for_nobody();
		PG_RE_THROW();
	}
	PG_END_TRY();
	give_back(&scope);
	return (Datum) 0;
}
