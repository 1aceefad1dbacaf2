/*
 * event_row.c
 *		A row of events, read without a plan, and the JSON that listeners see of it.
 *
 * The same as GA_EVENT_DOCUMENT, which is what consumers are given, at a fifth of its
 * price: json_build_object() looks up the type and the output function of each of some
 * twenty arguments.  test/t/069_events.pl compares the two.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/json/json_values.h"
#include "base/uuid.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "store/events/event_row.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

const char *const ga_event_columns[] = {
	"id",			"uid",			"at",	   "type",		  "about_group",
	"group_number", "product_id",	"user_id", "member",	  "delivery",
	"response",		"channel",		"server",  "group_name",  "member_name",
	"reason",		"user_subject", "contact", "contact_for", NULL};

static bool
has(const GaEventRow *row, GaEventColumn column)
{
	return !row->nulls[column - 1];
}

static Datum
value_of(const GaEventRow *row, GaEventColumn column)
{
	return row->values[column - 1];
}

/* ---- values --------------------------------------------------------------- */

static void
put_number(StringInfo out, int64 number)
{
	char written[MAXINT8LEN + 1];

	appendBinaryStringInfo(out, written, pg_lltoa(number, written));
}

/* What is a null in the row is one in JSON. */
static void
put_column(StringInfo out, const GaEventRow *row, GaEventColumn column)
{
	Datum value = value_of(row, column);

	if (!has(row, column))
	{
		ga_json_put(out, "null");
		return;
	}
	switch (column)
	{
		case GA_EVENT_ABOUT_GROUP:
		case GA_EVENT_PRODUCT_ID:
			ga_json_put_uuid(out, *DatumGetUUIDP(value));
			break;
		case GA_EVENT_GROUP_NUMBER:
		case GA_EVENT_USER_ID:
			put_number(out, DatumGetInt64(value));
			break;
		case GA_EVENT_MEMBER_NUMBER:
			put_number(out, DatumGetInt32(value));
			break;
		case GA_EVENT_DELIVERY:
		case GA_EVENT_RESPONSE:
		case GA_EVENT_CHANNEL:
			ga_json_put_text(
				out, DatumGetCString(DirectFunctionCall1(enum_out, value)));
			break;
		case GA_EVENT_SERVER:
			ga_json_put_text(out, NameStr(*DatumGetName(value)));
			break;
		default:
			ga_json_put_text(out, TextDatumGetCString(value));
	}
}

static void
put_member_of(StringInfo out, const char *name, const GaEventRow *row,
			  GaEventColumn column)
{
	appendStringInfoString(out, name);
	put_column(out, row, column);
}

/* ---- the document --------------------------------------------------------- */

static void
put_group(StringInfo out, const GaEventRow *row)
{
	put_member_of(out, "\"group\" : {\"id\" : ", row, GA_EVENT_ABOUT_GROUP);
	put_member_of(out, ", \"number\" : ", row, GA_EVENT_GROUP_NUMBER);
	put_member_of(out, ", \"name\" : ", row, GA_EVENT_GROUP_NAME);
	put_member_of(out, ", \"product\" : ", row, GA_EVENT_PRODUCT_ID);
	ga_json_put(out, "}");
}

static void
put_user(StringInfo out, const GaEventRow *row)
{
	if (!has(row, GA_EVENT_USER_ID))
	{
		ga_json_put(out, "\"user\" : null");
		return;
	}
	put_member_of(out, "\"user\" : {\"id\" : ", row, GA_EVENT_USER_ID);
	put_member_of(out, ", \"subject\" : ", row, GA_EVENT_USER_SUBJECT);
	ga_json_put(out, "}");
}

/* As GA_EVENT_HIDDEN: the provider's words, but not the contact in them. */
static void
put_hidden_reason(StringInfo out, const GaEventRow *row)
{
	const char *contact;

	if (!has(row, GA_EVENT_REASON) || !has(row, GA_EVENT_CONTACT_VALUE))
	{
		put_column(out, row, GA_EVENT_REASON);
		return;
	}
	contact = TextDatumGetCString(value_of(row, GA_EVENT_CONTACT_VALUE));
	contact += strspn(contact, "+");
	if (*contact == '\0')
		put_column(out, row, GA_EVENT_REASON);
	else
	{
		Datum hidden = DirectFunctionCall4Coll(
			textregexreplace, DEFAULT_COLLATION_OID,
			value_of(row, GA_EVENT_REASON),
			CStringGetTextDatum(psprintf("***=%s", contact)),
			CStringGetTextDatum("***"), CStringGetTextDatum("gi"));

		ga_json_put_text(out, TextDatumGetCString(hidden));
	}
}

static void
put_contact(StringInfo out, const GaEventRow *row)
{
	if (!has(row, GA_EVENT_CONTACT_VALUE))
	{
		ga_json_put(out, ", \"contact\" : null");
		return;
	}
	put_member_of(out, ", \"contact\" : {\"type\" : ", row, GA_EVENT_CHANNEL);
	put_member_of(out, ", \"value\" : ", row, GA_EVENT_CONTACT_VALUE);
	ga_json_put(out, "}");
}

static void
put_member(StringInfo out, const GaEventRow *row, bool shows_contact)
{
	put_member_of(out, ", \"member\" : {\"number\" : ", row,
				  GA_EVENT_MEMBER_NUMBER);
	put_member_of(out, ", \"name\" : ", row, GA_EVENT_MEMBER_NAME);
	put_member_of(out, ", \"delivery\" : ", row, GA_EVENT_DELIVERY);
	ga_json_put(out, ", \"reason\" : ");
	if (shows_contact)
		put_column(out, row, GA_EVENT_REASON);
	else
		put_hidden_reason(out, row);
	put_member_of(out, ", \"response\" : ", row, GA_EVENT_RESPONSE);
	ga_json_put(out, ", ");
	put_user(out, row);
	if (shows_contact)
		put_contact(out, row);
	ga_json_put(out, "}");
}

static void
put_data(StringInfo out, const GaEventRow *row, bool shows_contact)
{
	if (has(row, GA_EVENT_SERVER))
	{
		put_member_of(out, "\"provider\" : {\"name\" : ", row, GA_EVENT_SERVER);
		put_member_of(out, ", \"reason\" : ", row, GA_EVENT_REASON);
		ga_json_put(out, "}");
		return;
	}
	put_group(out, row);
	if (has(row, GA_EVENT_MEMBER_NUMBER))
		put_member(out, row, shows_contact);
	else if (has(row, GA_EVENT_USER_ID))
	{
		ga_json_put(out, ", ");
		put_user(out, row);
	}
}

/* The digits of a number, with zeros in front, behind `end` backwards. */
static void
write_digits(char *end, int number, int count)
{
	for (; count > 0; count--, number /= 10)
		*--end = (char) ('0' + number % 10);
}

/* In UTC, to the microsecond; false: a year of other than four digits. */
static bool
put_date(StringInfo out, TimestampTz at)
{
	char written[] = "\"YYYY-MM-DDTHH:MM:SS.UUUUUUZ\"";
	struct pg_tm tm;
	fsec_t microseconds;

	if (TIMESTAMP_NOT_FINITE(at) ||
		timestamp2tm(at, NULL, &tm, &microseconds, NULL, NULL) != 0 ||
		tm.tm_year < 1 || tm.tm_year > 9999)
		return false;
	write_digits(written + 5, tm.tm_year, 4);
	write_digits(written + 8, tm.tm_mon, 2);
	write_digits(written + 11, tm.tm_mday, 2);
	write_digits(written + 14, tm.tm_hour, 2);
	write_digits(written + 17, tm.tm_min, 2);
	write_digits(written + 20, tm.tm_sec, 2);
	write_digits(written + 27, microseconds, 6);
	appendBinaryStringInfo(out, written, strlen(written));
	return true;
}

/* As GA_EVENT_SHOWS. */
static bool
had_contacts(const GaEventRow *row, const char *listener)
{
	Datum *names;
	bool *nulls;
	int count;

	if (!has(row, GA_EVENT_CONTACT_FOR))
		return false;
	deconstruct_array(DatumGetArrayTypeP(value_of(row, GA_EVENT_CONTACT_FOR)),
					  TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i] && strcmp(TextDatumGetCString(names[i]), listener) == 0)
			return true;
	return false;
}

bool
ga_event_row_put_document(StringInfo out, const GaEventRow *row, bool contacts,
						  const char *listener)
{
	put_member_of(out, "{\"type\" : ", row, GA_EVENT_TYPE);
	ga_json_put(out, ", \"timestamp\" : ");
	if (!put_date(out, DatumGetTimestampTz(value_of(row, GA_EVENT_AT))))
		return false;
	ga_json_put(out, ", \"data\" : {");
	put_data(out, row, contacts && had_contacts(row, listener));
	ga_json_put(out, "}}");
	return true;
}
