/*
 * carrier_answer.c
 *		Reads the code and the words out of a carrier's answer.
 *
 * Two forms are known: the receipt of SMPP 3.4, appendix B, by whose side stands
 * the beginning of the message,
 *		id:7 sub:001 dlvrd:000 submit date:... stat:UNDELIV err:001 text:...
 * and the refusal as Kannel words it, NACK/0x0000000b/Invalid Destination Address.
 * An answer of another form stays as it is.
 */
#include "postgres.h"

#include "port.h"
#include "request/callback/carrier_answer.h"

/* The value behind a name that ends in a colon; NULL: there is none. */
static char *
value_behind(const char *answer, const char *name)
{
	size_t length = strlen(name);

	for (const char *c = answer; *c; c++)
		if ((c == answer || c[-1] == ' ') &&
			pg_strncasecmp(c, name, length) == 0)
			return pnstrdup(c + length, strcspn(c + length, " "));
	return NULL;
}

static void
read_receipt(const char **text, const char **code, char *stat)
{
	const char *error = value_behind(*text, "err:");

	*text = error ? psprintf("stat:%s err:%s", stat, error)
				  : psprintf("stat:%s", stat);
	for (char *c = stat; *c; c++)
		*c = (char) pg_ascii_toupper((unsigned char) *c);
	*code = stat;
}

static void
read_refusal(const char **text, const char **code)
{
	const char *from = *text + strlen("NACK/");
	size_t length = strcspn(from, "/");

	*code = pnstrdup(from, length);
	*text = from[length] && from[length + 1] ? from + length + 1 : NULL;
}

void
ga_carrier_answer_read(const char **text, const char **code)
{
	char *stat = *text ? value_behind(*text, "stat:") : NULL;

	if (stat != NULL && *stat)
		read_receipt(text, code, stat);
	else if (*text != NULL && strncmp(*text, "NACK/0x", 7) == 0)
		read_refusal(text, code);
}
