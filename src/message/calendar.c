/*
 * calendar.c
 *		The names of months, and the order of day, month and year.
 *
 * Messages and pages write dates by this one table.
 */
#include "postgres.h"

#include "message/calendar.h"

typedef struct Calendar
{
	const char *language;
	const char *format; /* day, month, year */
	const char *first;	/* day of a month */
	const char *months[12];
} Calendar;

static const Calendar calendars[] = {
	{"en",
	 "%s %s %d",
	 "1",
	 {"January", "February", "March", "April", "May", "June", "July", "August",
	  "September", "October", "November", "December"}},
	{"es",
	 "%s de %s de %d",
	 "1",
	 {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto",
	  "septiembre", "octubre", "noviembre", "diciembre"}},
	{"fr",
	 "%s %s %d",
	 "1er",
	 {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août",
	  "septembre", "octobre", "novembre", "décembre"}},
	{"de",
	 "%s. %s %d",
	 "1",
	 {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August",
	  "September", "Oktober", "November", "Dezember"}},
	{"pt",
	 "%s de %s de %d",
	 "1",
	 {"janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho",
	  "agosto", "setembro", "outubro", "novembro", "dezembro"}},
};

const char *
ga_calendar_date(const struct pg_tm *tm, const char *locale)
{
	size_t length = locale == NULL ? 0 : strcspn(locale, "-");

	for (int i = 0; i < lengthof(calendars); i++)
		if (strlen(calendars[i].language) == length &&
			strncmp(calendars[i].language, locale, length) == 0)
			return psprintf(calendars[i].format,
							tm->tm_mday == 1 ? calendars[i].first
											 : psprintf("%d", tm->tm_mday),
							calendars[i].months[tm->tm_mon - 1], tm->tm_year);
	return psprintf("%04d-%02d-%02d", tm->tm_year, tm->tm_mon, tm->tm_mday);
}
