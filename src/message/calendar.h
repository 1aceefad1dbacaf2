/*
 * calendar.h
 *		Dates as the languages of messages and pages write them.
 */
#ifndef GA_MESSAGE_CALENDAR_H
#define GA_MESSAGE_CALENDAR_H

#include "postgres.h"

#include "pgtime.h"

/*
 * "29 November 2026" in the language of the locale; as ISO 8601 where that is none
 * of ours, or NULL.  palloc'ed.
 */
extern const char *ga_calendar_date(const struct pg_tm *tm, const char *locale);

#endif /* GA_MESSAGE_CALENDAR_H */
