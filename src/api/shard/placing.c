/*
 * placing.c
 *		Which shard a call is for, by what it names; in a proxy database.
 *
 * Nothing is proved here and nothing fails: what names no shard is for shard 0, which
 * answers as any of them would.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "api/arguments.h"
#include "api/caller.h"
#include "api/contract_b/paging.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/link_token.h"
#include "base/uuid.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "request/body.h"
#include "request/soft_json.h"
#include "utils/builtins.h"
#include "utils/guc.h"

PG_FUNCTION_INFO_V1(group_api_proxy_shard_of_id);

Datum
group_api_proxy_shard_of_id(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_INT32(0);
	PG_RETURN_INT32(ga_shard_of_uuid(PG_GETARG_UUID_P(0)));
}

PG_FUNCTION_INFO_V1(group_api_proxy_shard_of_token);

Datum
group_api_proxy_shard_of_token(PG_FUNCTION_ARGS)
{
	GaLinkToken token;

	if (PG_ARGISNULL(0) ||
		!ga_link_token_peek(text_to_cstring(PG_GETARG_TEXT_PP(0)), &token))
		PG_RETURN_INT32(0);
	PG_RETURN_INT32(ga_shard_of_number(token.group_number));
}

/* ---- what a body says ---------------------------------------------------- */

/* The body in the first argument; NULL: none that can be read. */
static Jsonb *
read_body(FunctionCallInfo fcinfo)
{
	static const char *const none[] = {NULL};
	static const GaFormTypes texts = {.lists = none, .booleans = none};
	GaViolations violations = {NIL};
	struct varlena *given;

	if (PG_ARGISNULL(0) || toast_raw_datum_size(PG_GETARG_DATUM(0)) - VARHDRSZ >
							   ga_body_max_bytes(ga_settings.max_members))
		return NULL;
	if (ga_argument_type(fcinfo, 0) == JSONBOID)
		return PG_GETARG_JSONB_P(0);
	given = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	return ga_body_read((GaBytes){VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given)},
						&texts, ga_settings.max_members, &violations);
}

static const char *
field_of(Jsonb *body, const char *name)
{
	JsonbValue value;

	if (body == NULL || !JB_ROOT_IS_OBJECT(body) ||
		getKeyJsonValueFromContainer(&body->root, name, (int) strlen(name),
									 &value) == NULL ||
		value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* A text of an object that a gateway put into a setting; NULL: none. */
static const char *
text_of_setting(const char *setting, const char *name)
{
	const char *object = GetConfigOption(setting, true, false);
	const char *value = NULL;
	ListCell *cell;

	if (object == NULL || object[0] == '\0')
		return NULL;
	foreach (cell, ga_soft_json_texts(object))
	{
		const GaJsonText *text = lfirst(cell);

		if (strcmp(text->name, name) == 0)
			value = text->value;
	}
	return value;
}

static const char *
header_of(const char *name)
{
	return text_of_setting("request.headers", name);
}

/* A GUID as people write it, with white space around; 0 for anything else. */
static int
shard_of_text(const char *text)
{
	unsigned long digits;

	while (isspace((unsigned char) *text))
		text++;
	/* Ten bits stand in the three digits behind the third dash. */
	if (strlen(text) < 36 || text[18] != '-')
		return 0;
	digits = strtoul(pnstrdup(text + 19, 3), NULL, 16);
	return (int) (digits & GA_SHARD_MAX);
}

PG_FUNCTION_INFO_V1(group_api_proxy_shard_of_body);

/* (jsonb), (text) and (bytea): the group is in the body, or in the address. */
Datum
group_api_proxy_shard_of_body(PG_FUNCTION_ARGS)
{
	const char *id = header_of("x-group-id");

	if (id == NULL)
		id = field_of(read_body(fcinfo), "groupId");
	PG_RETURN_INT32(id == NULL ? 0 : shard_of_text(id));
}

/* ---- a new group --------------------------------------------------------- */

/* By highest random weight: another shard takes some keys and moves no other. */
static int
shard_of_key(const char *key, int shards)
{
	uint64 highest = 0;
	int chosen = 0;

	for (int shard = 0; shard < shards; shard++)
	{
		uint64 weight = hash_bytes_extended((const unsigned char *) key,
											(int) strlen(key), (uint64) shard);

		if (shard == 0 || weight > highest)
		{
			highest = weight;
			chosen = shard;
		}
	}
	return chosen;
}

/* Who calls, as far as it matters where; NULL: nobody. */
static const char *
caller_in_words(void)
{
	const char *subject = text_of_setting("request.jwt.claims", "sub");
	const char *issuer = text_of_setting("request.jwt.claims", "iss");
	const char *method = GetConfigOption("request.method", true, false);

	if (subject != NULL)
		return psprintf("%s#%s", issuer ? issuer : "", subject);
	if (method != NULL && method[0] != '\0')
		return NULL;
	return GetUserNameFromId(GetUserId(), true);
}

PG_FUNCTION_INFO_V1(group_api_proxy_shard_of_new);

/*
 * (jsonb, integer), (text, integer) and (bytea, integer): the body and how many shards
 * there are.  By the idempotency key, so that a repeated call finds what the first
 * one made; else by the caller, so that one's groups are together.
 */
Datum
group_api_proxy_shard_of_new(PG_FUNCTION_ARGS)
{
	int shards = PG_ARGISNULL(1) ? 1 : PG_GETARG_INT32(1);
	const char *key;

	if (shards < 2)
		PG_RETURN_INT32(0);
	key = field_of(read_body(fcinfo), "idempotencyKey");
	if (key == NULL)
		key = header_of("idempotency-key");
	if (key == NULL)
		key = caller_in_words();
	PG_RETURN_INT32(key != NULL ? shard_of_key(key, shards)
								: (int) pg_prng_uint64_range(
									  &pg_global_prng_state, 0, shards - 1));
}

PG_FUNCTION_INFO_V1(group_api_proxy_shard_of_receipt);

/* Null where the token names no message: that of a provider's whole account. */
Datum
group_api_proxy_shard_of_receipt(PG_FUNCTION_ARGS)
{
	GaLinkToken token;

	if (PG_ARGISNULL(0) ||
		!ga_link_token_peek(text_to_cstring(PG_GETARG_TEXT_PP(0)), &token) ||
		token.member_number == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(ga_shard_of_number(token.group_number));
}

/* ---- pages --------------------------------------------------------------- */

static void
put_link(const char *link, Datum *value, bool *isnull)
{
	*isnull = link == NULL;
	*value = link == NULL ? (Datum) 0 : CStringGetTextDatum(link);
}

PG_FUNCTION_INFO_V1(group_api_proxy_page);

/* (limit, offset, total) */
Datum
group_api_proxy_page(PG_FUNCTION_ARGS)
{
	TupleDesc shape;
	Datum values[4];
	bool nulls[4] = {false};
	GaPaging paging;
	GaCaller caller;

	if (get_call_result_type(fcinfo, NULL, &shape) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "page() returns no row");
	ga_caller_read(&caller);
	ga_paging_read(&caller, fcinfo, 0, NULL, &paging);
	paging.bounds.total = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2);
	values[0] = Int32GetDatum(paging.bounds.limit);
	values[1] = Int64GetDatum(paging.bounds.offset);
	put_link(ga_paging_next(&paging), &values[2], &nulls[2]);
	put_link(ga_paging_previous(&paging), &values[3], &nulls[3]);
	PG_RETURN_DATUM(HeapTupleGetDatum(
		heap_form_tuple(BlessTupleDesc(shape), values, nulls)));
}
