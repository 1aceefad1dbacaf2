/*
 * proxy_call.c
 *		What the functions of a proxy database do: they have one shard, or each, call the
 *		function of the same name for the caller.
 *
 * A proxy has no tables and no extension; its functions are made from a shard's catalog
 * (docs/scaling) and all end here.  PL/Proxy speaks to the shards, by a function that
 * only the owner of this one may execute.  So who calls is read here, in C, where it
 * cannot be said falsely: in a function with its owner's rights PostgreSQL no longer
 * tells, and an argument anybody could make up.
 *
 * A shard's error is raised again in its own words: PL/Proxy puts some in front.
 */
#include "postgres.h"

#include "access/xact.h"
#include "api/answer/answer.h"
#include "api/shard/shard_answer.h"
#include "base/compat.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#define ARGUMENT_LIST "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10"
#define ARGUMENTS 10

typedef struct Statement
{
	const char *sql;
	SPIPlanPtr plan; /* kept for the session */
} Statement;

/* ---- who calls ----------------------------------------------------------- */

static Oid
owner_of(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("function %u does not exist", function)));
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

static void
put_setting(const char *name, Datum *value, char *null)
{
	const char *text = GetConfigOption(name, true, false);

	*null = text == NULL || text[0] == '\0' ? 'n' : ' ';
	*value = *null == 'n' ? (Datum) 0 : CStringGetTextDatum(text);
}

/* What is sent, from (shard, function, values) and from the session. */
static void
fill_arguments(FunctionCallInfo fcinfo, Datum *values, char *nulls)
{
	NameData *role = palloc0(sizeof(NameData));
	NameData *login = palloc0(sizeof(NameData));

	namestrcpy(role, GetUserNameFromId(GetUserId(), false));
	namestrcpy(login, GetUserNameFromId(GetSessionUserId(), false));
	memset(nulls, ' ', ARGUMENTS);
	values[0] = Int32GetDatum(PG_ARGISNULL(0) ? 0 : PG_GETARG_INT32(0));
	values[1] = NameGetDatum(role);
	values[2] = NameGetDatum(login);
	values[3] = BoolGetDatum(superuser_arg(GetSessionUserId()));
	values[4] = BoolGetDatum(XactReadOnly);
	put_setting("request.jwt.claims", &values[5], &nulls[5]);
	put_setting("request.headers", &values[6], &nulls[6]);
	put_setting("request.method", &values[7], &nulls[7]);
	for (int i = 1; i <= 2; i++)
	{
		nulls[7 + i] = PG_ARGISNULL(i) ? 'n' : ' ';
		values[7 + i] = PG_ARGISNULL(i) ? (Datum) 0 : PG_GETARG_DATUM(i);
	}
}

/* ---- a shard's errors ---------------------------------------------------- */

/*
 * As plproxy 2.10 has it (src/main.c, plproxy_remote_error):
 * "function(10): [database] REMOTE ERROR: words".
 */
static char *
own_words(char *message)
{
	char *mark = message ? strstr(message, "] REMOTE ") : NULL;
	char *words = mark ? strstr(mark, ": ") : NULL;

	return words ? words + 2 : message;
}

static char *
without_label(char *text, const char *label)
{
	size_t length = strlen(label);

	return text != NULL && strncmp(text, label, length) == 0 ? text + length
															 : text;
}

/* What PL/Proxy itself says is that a shard cannot be reached; where it is, is for the log. */
static void
tell_unreachable(ErrorData *error, int shard)
{
	error->sqlerrcode = ERRCODE_CONNECTION_FAILURE;
	error->detail_log = error->message;
	error->detail = NULL;
	error->message = psprintf("shard %d cannot be reached", shard);
	error->hint = pstrdup("SELECT * FROM group_api_proxy.check_shards(); tells "
						  "a superuser why.");
}

pg_noreturn static void
raise_in_own_words(MemoryContext context, int shard)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (error->message != NULL && strstr(error->message, "] REMOTE ") != NULL)
	{
		error->message = own_words(error->message);
		error->detail = without_label(error->detail, "Remote detail: ");
		error->hint = without_label(error->hint, "Remote hint: ");
	}
	else if (error->message != NULL &&
			 strstr(error->message, "PL/Proxy function ") == error->message)
		tell_unreachable(error, shard);
	ReThrowError(error);
}

/* ---- asking -------------------------------------------------------------- */

static void
prepare(Statement *statement)
{
	Oid types[ARGUMENTS] = {INT4OID, NAMEOID, NAMEOID, BOOLOID, BOOLOID,
							TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID};
	SPIPlanPtr plan;

	if (statement->plan != NULL)
		return;
	plan = SPI_prepare(statement->sql, ARGUMENTS, types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare a call of a shard");
	statement->plan = plan;
}

/* Runs it as the owner; the rows are SPI's, and SPI stays connected. */
static void
ask(FunctionCallInfo fcinfo, Statement *statement)
{
	MemoryContext context = CurrentMemoryContext;
	Datum values[ARGUMENTS];
	char nulls[ARGUMENTS];
	Oid user;
	int security;

	fill_arguments(fcinfo, values, nulls);
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(owner_of(fcinfo->flinfo->fn_oid),
						   security | SECURITY_LOCAL_USERID_CHANGE);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	prepare(statement);
	PG_TRY();
	{
		(void) SPI_execute_plan(statement->plan, values, nulls, true, 0);
	}
	PG_CATCH();
	{
		raise_in_own_words(context, DatumGetInt32(values[0]));
	}
	PG_END_TRY();
	SetUserIdAndSecContext(user, security);
}

/* NULL: null. */
typedef struct ShardAnswer
{
	char *parts[ANSWER_PARTS];
} ShardAnswer;

/* So many characters at *next, which moves behind them. */
static char *
take_characters(const char **next, const char *end, long count)
{
	const char *start = *next;

	for (; count > 0 && *next < end; count--)
		*next += Min(pg_mblen(*next), end - *next);
	return pnstrdup(start, *next - start);
}

/* As shard_answer.h has it; what a shard says that has it otherwise means nothing. */
static void
read_answer(const char *text, ShardAnswer *answer)
{
	const char *end = text + strlen(text);
	long lengths[ANSWER_PARTS];
	const char *next = text;

	memset(answer, 0, sizeof(*answer));
	for (int i = ANSWER_TEXT + 1; i < ANSWER_PARTS; i++)
	{
		char *after = unconstify(char *, next) + 1;

		lengths[i] = *next == '-' ? -1 : strtol(next, &after, 10);
		if (*after != ' ')
			elog(ERROR, "a shard answered what is no answer");
		next = after + 1;
	}
	if (*next != '+' && *next != '-')
		elog(ERROR, "a shard answered what is no answer");
	lengths[ANSWER_TEXT] = *next++ == '+' ? 0 : -1;
	for (int i = ANSWER_TEXT + 1; i < ANSWER_PARTS; i++)
		if (lengths[i] >= 0)
			answer->parts[i] = take_characters(&next, end, lengths[i]);
	if (lengths[ANSWER_TEXT] >= 0)
		answer->parts[ANSWER_TEXT] = pnstrdup(next, end - next);
}

static void
raise_answered(const ShardAnswer *answer)
{
	const char *state = answer->parts[ANSWER_SQLSTATE];
	const char *message = answer->parts[ANSWER_MESSAGE];
	const char *detail = answer->parts[ANSWER_DETAIL];
	const char *hint = answer->parts[ANSWER_HINT];

	if (strlen(state) != 5)
		state = "XX000";
	ereport(ERROR, (errcode(MAKE_SQLSTATE(state[0], state[1], state[2],
										  state[3], state[4])),
					errmsg_internal("%s", message ? message : ""),
					detail ? errdetail_internal("%s", detail) : 0,
					hint ? errhint("%s", hint) : 0));
}

/* The gateway of this session takes them from its settings. */
static void
pass_on(const ShardAnswer *answer, int at, const char *setting)
{
	const char *value = answer->parts[at];

	if (value != NULL)
		ga_answer_set(setting, value);
}

static char *
take_text(void)
{
	char *text = NULL;

	if (SPI_processed > 0)
		text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (text == NULL)
		elog(ERROR, "a shard answered nothing");
	return text;
}

PG_FUNCTION_INFO_V1(group_api_proxy_call);

Datum
group_api_proxy_call(PG_FUNCTION_ARGS)
{
	static Statement statement = {
		.sql = "SELECT group_api_proxy.remote_call(" ARGUMENT_LIST ")",
	};
	MemoryContext context = CurrentMemoryContext;
	char *text;
	ShardAnswer answer;

	ask(fcinfo, &statement);
	text = take_text();
	MemoryContextSwitchTo(context);
	read_answer(text, &answer);
	if (answer.parts[ANSWER_SQLSTATE] != NULL)
		raise_answered(&answer);
	pass_on(&answer, ANSWER_STATUS, "response.status");
	pass_on(&answer, ANSWER_HEADERS, "response.headers");
	SPI_finish();
	if (answer.parts[ANSWER_TEXT] == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(answer.parts[ANSWER_TEXT]));
}

PG_FUNCTION_INFO_V1(group_api_proxy_rows);

Datum
group_api_proxy_rows(PG_FUNCTION_ARGS)
{
	static Statement statement = {
		.sql =
			"SELECT r FROM group_api_proxy.remote_rows(" ARGUMENT_LIST ") AS r",
	};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	ask(fcinfo, &statement);
	ga_shard_keep_rows((ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	return (Datum) 0;
}
