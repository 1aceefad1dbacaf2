/*
 * bounce_class.c
 *		What the codes and words of a bounce mean: reads lines "STATUS<tab>WORDS",
 *		each may be empty, and writes "dead" or "-" for each.
 */
#include <stdio.h>
#include <string.h>

#include "base/shared/mail_status.h"

int
main(void)
{
	static char line[65536];

	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		char *words = strchr(line, '\t');

		line[strcspn(line, "\n")] = '\0';
		if (words == NULL)
			return 1;
		*words++ = '\0';
		puts(ga_mail_status_is_dead(*line ? line : NULL, *words ? words : NULL)
				 ? "dead"
				 : "-");
	}
	return 0;
}
