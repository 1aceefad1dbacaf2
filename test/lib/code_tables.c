/*
 * code_tables.c
 *		What the tables of vendors' codes say: reads lines "TABLE KIND CODE", where
 *		the table is answer, receipt or status, and writes a line for each: the
 *		class, or "-" where the code is not listed.
 */
#include <stdio.h>
#include <string.h>

#include "base/shared/receipt_table.h"
#include "base/shared/provider_table.h"

static const char *
answer_class(const char *kind, const char *code)
{
	static const char *const names[] = {
		[GA_OUTCOME_ACCEPTED] = "accepted",
		[GA_OUTCOME_REJECTED] = "rejected",
		[GA_OUTCOME_RETRY] = "retry",
		[GA_OUTCOME_MISCONFIGURED] = "misconfigured",
		[GA_OUTCOME_UNCERTAIN] = "uncertain",
	};
	const GaHttpRow *row = ga_provider_table_find(kind);
	const GaHttpCode *found = row ? ga_provider_table_code(row, code) : NULL;

	return found ? names[found->outcome] : "-";
}

static const char *
status_class(const char *kind, const char *code)
{
	static const char *const names[] = {
		[GA_RECEIPT_NOTHING] = "nothing",
		[GA_RECEIPT_SENT] = "sent",
		[GA_RECEIPT_DELIVERED] = "delivered",
		[GA_RECEIPT_FAILED] = "failed",
	};
	GaReceiptStatus status;

	return ga_receipt_status_find(kind, code, &status) ? names[status] : "-";
}

int
main(void)
{
	char table[16];
	char kind[32];
	char code[128];

	while (scanf("%15s %31s %127s", table, kind, code) == 3)
	{
		const GaReceiptCode *receipt = ga_receipt_code_find(kind, code);

		if (strcmp(table, "answer") == 0)
			puts(answer_class(kind, code));
		else if (strcmp(table, "status") == 0)
			puts(status_class(kind, code));
		else
			puts(receipt ? receipt->words : "-");
	}
	return 0;
}
