/*
 * envelope.c
 *		What is said to a relay for one mail.
 */
#include "courier/smtp/envelope.h"

#include <string.h>
#include <strings.h>

#include "base/shared/mailbox.h"

static bool
is_keyword(const char *line, size_t length, const char *keyword)
{
	size_t count = strlen(keyword);

	return length >= 4 + count && strncasecmp(line + 4, keyword, count) == 0 &&
		   (length == 4 + count || line[4 + count] == ' ');
}

void
ga_envelope_note_offer(GaSmtpOffers *offers, const char *line, size_t length)
{
	offers->dsn |= is_keyword(line, length, "DSN");
	offers->size |= is_keyword(line, length, "SIZE");
	offers->pipelining |= is_keyword(line, length, "PIPELINING");
	offers->utf8 |= is_keyword(line, length, "SMTPUTF8");
}

/* RFC 3461 4: what an ORCPT cannot hold as it is, is +XX; a blank would end it, and what
 * follows were parameters. */
static void
put_xtext(GaText *text, const char *value)
{
	for (; *value; value++)
		if (*value <= ' ' || *value > '~' || *value == '+' || *value == '=')
			ga_text_printf(text, "+%02X", (unsigned char) *value);
		else
			ga_text_putc(text, *value);
}

/* Left of the @ no relay needs to take more than 64 (RFC 5321 4.5.3.1.1). */
static void
put_sender(const GaSmtpPlan *plan, const GaCourierJob *job, GaText *out)
{
	const char *token = job->receipt;
	const char *base = plan->bounce_address;
	const char *at = base ? strchr(base, '@') : NULL;

	if (*token && at && (size_t) (at - base) + 1 + strlen(token) <= 64)
		ga_text_printf(out, "%.*s+%s%s", (int) (at - base), base, token, at);
	else
		ga_text_puts(out, plan->envelope_sender);
}

void
ga_envelope_put(const GaSmtpPlan *plan, const GaCourierJob *job,
				const GaSmtpOffers *offers, size_t size, GaEnvelope *envelope)
{
	GaText *out = &envelope->commands;
	bool dsn = *job->receipt && offers->dsn;
	bool is_ascii = ga_mailbox_is_ascii(job->to);

	ga_text_truncate(out, 0);
	ga_text_puts(out, "MAIL FROM:<");
	put_sender(plan, job, out);
	ga_text_putc(out, '>');
	if (dsn)
		ga_text_printf(out, " RET=HDRS ENVID=%s", job->receipt);
	if (offers->size)
		ga_text_printf(out, " SIZE=%zu", size);
	if (!is_ascii)
		ga_text_puts(out, " SMTPUTF8");
	ga_text_puts(out, "\r\n");
	envelope->ends[0] = out->length;
	ga_text_printf(out, "RCPT TO:<%s>", job->to);
	if (dsn)
		ga_text_puts(out, " NOTIFY=FAILURE");
	/* An address beyond ASCII has an ORCPT of another kind (RFC 6533). */
	if (dsn && is_ascii)
	{
		ga_text_puts(out, " ORCPT=rfc822;");
		put_xtext(out, job->to);
	}
	ga_text_puts(out, "\r\n");
	envelope->ends[1] = out->length;
	ga_text_puts(out, "DATA\r\n");
	envelope->ends[2] = out->length;
}

/* RFC 5321 4.5.2: a line that begins with a dot gets a second one. */
static void
double_dots(const GaText *message, GaText *out)
{
	const char *from = message->data;
	const char *end = from + message->length;

	for (const char *line = from; (line = memchr(line, '\n', end - line));)
		if (*++line == '.')
		{
			ga_text_append(out, from, (size_t) (line - from));
			ga_text_putc(out, '.');
			from = line;
		}
	ga_text_append(out, from, (size_t) (end - from));
}

const GaText *
ga_envelope_seal(GaText *message, GaText *other)
{
	const char *data = ga_text_string(message);
	GaText *out = message;

	ga_text_truncate(other, 0);
	if (strstr(data, "\n."))
	{
		out = other;
		double_dots(message, out);
	}
	ga_text_puts(out, ".\r\n");
	return out;
}
