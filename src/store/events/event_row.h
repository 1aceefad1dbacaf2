/*
 * event_row.h
 *		A row of events, read without a plan, and the JSON that listeners see of it.
 */
#ifndef GA_STORE_EVENTS_EVENT_ROW_H
#define GA_STORE_EVENTS_EVENT_ROW_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "lib/stringinfo.h"

/* The columns of events, in the order of the table. */
typedef enum GaEventColumn
{
	GA_EVENT_ID = 1,
	GA_EVENT_UID,
	GA_EVENT_AT,
	GA_EVENT_TYPE,
	GA_EVENT_ABOUT_GROUP,
	GA_EVENT_GROUP_NUMBER,
	GA_EVENT_PRODUCT_ID,
	GA_EVENT_USER_ID,
	GA_EVENT_MEMBER_NUMBER,
	GA_EVENT_DELIVERY,
	GA_EVENT_RESPONSE,
	GA_EVENT_CHANNEL,
	GA_EVENT_SERVER,
	GA_EVENT_GROUP_NAME,
	GA_EVENT_MEMBER_NAME,
	GA_EVENT_REASON,
	GA_EVENT_USER_SUBJECT,
	GA_EVENT_CONTACT_VALUE,
	GA_EVENT_CONTACT_FOR,
	GA_EVENT_COLUMNS = GA_EVENT_CONTACT_FOR
} GaEventColumn;

/* Their names, ended by NULL. */
extern const char *const ga_event_columns[];

/* One row taken apart. */
typedef struct GaEventRow
{
	const Datum *values; /* the first is that of the column 1 */
	const bool *nulls;
} GaEventRow;

/*
 * Appends what GA_EVENT_DOCUMENT makes of the row, byte for byte; false: its date is
 * none that is written here, and the statement has to do it.
 */
extern bool ga_event_row_put_document(StringInfo out, const GaEventRow *row,
									  bool contacts, const char *listener);

#endif /* GA_STORE_EVENTS_EVENT_ROW_H */
