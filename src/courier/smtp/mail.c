/*
 * mail.c
 *		Composing one invitation as a MIME message.
 *
 * GMime encodes the bodies (quoted-printable, base64), header_words what stands
 * in headers.  The frame around them is written here, because
 * building and taking apart GMime's objects costs eight times as much as all
 * the rest of a mail.  Nothing is shared between threads but read-only
 * settings.
 *
 * The Message-ID and the boundary come from the message's key: every attempt
 * looks the same but for its Date, and a bounce names the invitation.
 */
#include "courier/smtp/mail.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/shared/mailbox.h"
#include "courier/memory.h"
#include "courier/smtp/header_words.h"

/* Display names are cut here; RFC 5322 has no limit, readers do. */
#define NAME_SIZE 256

/* Below the 64 KiB at which libcurl 7.88 may lose the end of a mail. */
#define MESSAGE_MAX (60 * 1024)

void
ga_mail_start(void)
{
	g_mime_init();
}

/*
 * Appends a header, folded before blanks.  What has no blank stays whole: a
 * URL must, and an encoded word is short.
 */
static void
put_header(GaText *out, const char *name, const char *value)
{
	size_t column = strlen(name) + 1;
	bool first = true;

	ga_text_puts(out, name);
	ga_text_putc(out, ':');
	while (*value)
	{
		size_t blanks = strspn(value, " ");
		size_t length = blanks + strcspn(value + blanks, " ");

		if (first)
			ga_text_putc(out, ' ');
		else if (column + length > GA_HEADER_LINE_MAX && length > blanks)
		{
			ga_text_append(out, "\r\n", 2);
			column = 0;
		}
		ga_text_append(out, value, length);
		column += length + first;
		value += length;
		first = false;
	}
	ga_text_append(out, "\r\n", 2);
}

static void
put_subject(GaText *out, const char *subject)
{
	GaText words = {0};

	ga_header_put_text(&words, subject);
	put_header(out, "Subject", ga_text_string(&words));
	ga_text_free(&words);
}

void
ga_mail_put_mailbox(GaText *out, const char *name, const char *address)
{
	ga_header_put_phrase(out, name);
	ga_text_printf(out, *name ? " <%s>" : "%s", address);
}

void
ga_mail_read_name(const GaMailbox *mailbox, char *name, size_t size)
{
	char
		raw[4 * NAME_SIZE]; /* what is cut here is cut again, between letters */
	size_t used = 0;

	for (size_t i = 0; i < mailbox->name_length && used < sizeof(raw) - 1; i++)
	{
		if (mailbox->name_is_quoted && mailbox->name[i] == '\\' &&
			i + 1 < mailbox->name_length)
			i++;
		raw[used++] = mailbox->name[i];
	}
	raw[used] = '\0';
	ga_text_clean_name(raw, name, size);
}

static void
put_mailbox(GaText *out, const char *header, const char *name,
			const char *address)
{
	GaText value = {0};

	ga_mail_put_mailbox(&value, name, address);
	put_header(out, header, value.data);
	ga_text_free(&value);
}

/* The same for a value as an option or a job holds it. */
static void
put_whole_mailbox(GaText *out, const char *header, const char *value)
{
	GaMailbox mailbox;
	char name[NAME_SIZE];
	char address[NAME_SIZE];

	if (!ga_mailbox_split(value, &mailbox))
		return;
	ga_mail_read_name(&mailbox, name, sizeof(name));
	snprintf(address, sizeof(address), "%.*s", (int) mailbox.address_length,
			 mailbox.address);
	put_mailbox(out, header, name, address);
}

bool
ga_mail_settings_read(GaMailSettings *settings, const char *sender,
					  const char *reply_to)
{
	GaText from = {0};
	GaText reply = {0};
	GaMailbox mailbox;

	memset(settings, 0, sizeof(*settings));
	if (!ga_mailbox_split(sender, &mailbox))
		return false;
	settings->address = ga_memory_alloc(mailbox.address_length + 1);
	memcpy(settings->address, mailbox.address, mailbox.address_length);
	settings->domain = ga_memory_strdup(strchr(settings->address, '@') + 1);
	put_whole_mailbox(&from, "From", sender);
	settings->from = from.data;
	if (reply_to)
		put_whole_mailbox(&reply, "Reply-To", reply_to);
	settings->reply_to = reply.data ? reply.data : ga_memory_strdup("");
	return true;
}

void
ga_mail_settings_free(GaMailSettings *settings)
{
	free(settings->address);
	free(settings->domain);
	free(settings->from);
	free(settings->reply_to);
	memset(settings, 0, sizeof(*settings));
}

static void
put_date(GaText *out)
{
	time_t now = time(NULL);
	struct tm utc;
	char date[64];

	gmtime_r(&now, &utc);
	/* The courier never leaves the C locale, so names are English. */
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &utc);
	put_header(out, "Date", date);
}

static void
put_headers(GaText *out, const GaMailSettings *settings,
			const GaCourierJob *job)
{
	char name[NAME_SIZE];

	ga_text_puts(out, settings->from);
	ga_text_clean_name(job->to_name, name, sizeof(name));
	put_mailbox(out, "To", name, job->to);
	if (*job->reply_to)
		put_whole_mailbox(out, "Reply-To", job->reply_to);
	else
		ga_text_puts(out, settings->reply_to);
	put_subject(out, job->subject);
	put_date(out);
	ga_text_printf(out, "Message-ID: <%s@%s>\r\n", job->message_key,
				   settings->domain);
	ga_text_puts(out, "Auto-Submitted: auto-generated\r\n");
	if (*job->locale)
		ga_text_printf(out, "Content-Language: %s\r\n", job->locale);
	if (*job->unsubscribe_url)
		ga_text_printf(out,
					   "List-Unsubscribe: <%s>\r\n"
					   "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
					   job->unsubscribe_url);
	ga_text_puts(out, "MIME-Version: 1.0\r\n");
}

/*
 * Line ends become what the encoding expects: LF for quoted-printable, whose
 * own line ends are made CRLF afterwards, CRLF for base64, which hides them.
 * Other controls, which no mail reader shows, are dropped.
 */
static void
normalize(GaText *out, const char *text, const char *newline)
{
	while (*text)
	{
		size_t plain = 0;

		while ((unsigned char) text[plain] >= ' ' || text[plain] == '\t')
			plain++;
		ga_text_append(out, text, plain);
		text += plain;
		if (*text == '\n' || (*text == '\r' && text[1] != '\n'))
			ga_text_puts(out, newline);
		text += *text != '\0';
	}
}

/* Quoted-printable triples what it escapes; base64 costs a third of all. */
static bool
wants_base64(const char *text)
{
	size_t escaped = 0;
	size_t length = 0;

	for (; text[length]; length++)
		escaped += (unsigned char) text[length] >= 0x7F || text[length] == '=';
	return escaped * 6 > length;
}

/* Appends with every LF made CRLF, and one at the end. */
static void
put_lines(GaText *out, const char *lines, size_t length)
{
	const char *end = lines + length;

	while (lines < end)
	{
		const char *newline = memchr(lines, '\n', (size_t) (end - lines));
		const char *stop = newline ? newline : end;

		ga_text_append(out, lines, (size_t) (stop - lines));
		ga_text_append(out, "\r\n", 2);
		lines = stop + 1;
	}
}

static void
put_part(GaText *out, const char *subtype, const char *text)
{
	bool base64 = wants_base64(text);
	GMimeEncoding encoding;
	GaText normal = {0};
	char *encoded;
	size_t length;

	ga_text_printf(out,
				   "Content-Type: text/%s; charset=utf-8\r\n"
				   "Content-Transfer-Encoding: %s\r\n\r\n",
				   subtype, base64 ? "base64" : "quoted-printable");
	normalize(&normal, text, base64 ? "\r\n" : "\n");
	g_mime_encoding_init_encode(
		&encoding, base64 ? GMIME_CONTENT_ENCODING_BASE64
						  : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	encoded =
		ga_memory_alloc(g_mime_encoding_outlen(&encoding, normal.length) + 16);
	length =
		g_mime_encoding_flush(&encoding, normal.data, normal.length, encoded);
	put_lines(out, encoded, length);
	ga_memory_wipe_and_free(encoded);
	ga_text_free(&normal);
}

/*
 * "=_" occurs in neither quoted-printable nor base64, so this boundary cannot
 * occur in a part.
 */
static void
put_alternative(GaText *out, const GaCourierJob *job)
{
	char boundary[71];

	snprintf(boundary, sizeof(boundary), "=_%.60s", job->message_key);
	ga_text_printf(out,
				   "Content-Type: multipart/alternative;\r\n"
				   " boundary=\"%s\"\r\n\r\n--%s\r\n",
				   boundary, boundary);
	put_part(out, "plain", job->text);
	ga_text_printf(out, "\r\n--%s\r\n", boundary);
	put_part(out, "html", job->html);
	ga_text_printf(out, "\r\n--%s--\r\n", boundary);
}

bool
ga_mail_compose(const GaMailSettings *settings, const GaCourierJob *job,
				GaText *out, char *complaint, size_t size)
{
	put_headers(out, settings, job);
	if (*job->text && *job->html)
		put_alternative(out, job);
	else if (*job->html)
		put_part(out, "html", job->html);
	else
		put_part(out, "plain", job->text);
	if (out->length <= MESSAGE_MAX)
		return true;
	snprintf(complaint, size, "the message is %zu bytes, more than %d",
			 out->length, MESSAGE_MAX);
	return false;
}
