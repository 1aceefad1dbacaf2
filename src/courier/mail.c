/*
 * mail.c
 *		Composing one invitation as a MIME message, with GMime.
 *
 * GMime objects are made and freed in one call, so no thread shares any.  The
 * Message-ID and the boundary come from the message's key: every attempt looks
 * the same but for its Date, and a bounce names the invitation.
 */
#include "courier/mail.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/provider_options.h"

/* Display names are cut here; RFC 5322 has no limit, readers do. */
#define NAME_SIZE 256

/* Below the 64 KiB at which libcurl 7.88 may lose the end of a mail. */
#define MESSAGE_MAX (60 * 1024)

/* Shared and read only: CRLF line ends. */
static GMimeFormatOptions *format;

void
ga_mail_start(void)
{
	g_mime_init();
	format = g_mime_format_options_clone(NULL);
	g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
}

bool
ga_mail_settings_read(GaMailSettings *settings, const char *sender,
					  const char *reply_to)
{
	GaMailbox mailbox;
	char name[NAME_SIZE];

	memset(settings, 0, sizeof(*settings));
	if (!ga_mailbox_split(sender, &mailbox))
		return false;
	ga_text_clean(mailbox.name, mailbox.name_length, name, sizeof(name));
	settings->name = ga_strdup(name);
	settings->address = ga_alloc(mailbox.address_length + 1);
	memcpy(settings->address, mailbox.address, mailbox.address_length);
	settings->domain = ga_strdup(strchr(settings->address, '@') + 1);
	settings->reply_to = ga_strdup(reply_to ? reply_to : "");
	return true;
}

void
ga_mail_settings_free(GaMailSettings *settings)
{
	free(settings->name);
	free(settings->address);
	free(settings->domain);
	free(settings->reply_to);
	memset(settings, 0, sizeof(*settings));
}

static void
add_mailbox(GMimeMessage *message, GMimeAddressType type, const char *name,
			const char *address)
{
	InternetAddressList *list = g_mime_message_get_addresses(message, type);
	InternetAddress *mailbox =
		internet_address_mailbox_new(*name ? name : NULL, address);

	internet_address_set_charset(mailbox, "utf-8");
	internet_address_list_add(list, mailbox);
	g_object_unref(mailbox);
}

static void
add_reply_to(GMimeMessage *message, const char *value)
{
	GaMailbox mailbox;
	char raw[NAME_SIZE];
	char name[NAME_SIZE];
	char address[NAME_SIZE];

	if (*value == '\0' || !ga_mailbox_split(value, &mailbox))
		return;
	ga_text_clean(mailbox.name, mailbox.name_length, raw, sizeof(raw));
	ga_text_clean_name(raw, name, sizeof(name));
	snprintf(address, sizeof(address), "%.*s", (int) mailbox.address_length,
			 mailbox.address);
	add_mailbox(message, GMIME_ADDRESS_TYPE_REPLY_TO, name, address);
}

/* GMime folds a long word in the middle; a URL has to stay whole. */
static void
add_raw_header(GMimeMessage *message, const char *name, const char *value)
{
	GMimeHeaderList *headers =
		g_mime_object_get_header_list(GMIME_OBJECT(message));
	GaText raw = {0};
	GMimeHeader *header;

	g_mime_header_list_append(headers, name, "", NULL);
	header = g_mime_header_list_get_header_at(
		headers, g_mime_header_list_get_count(headers) - 1);
	ga_text_printf(&raw, " %s\n", value);
	g_mime_header_set_raw_value(header, raw.data);
	ga_text_free(&raw);
}

static void
add_headers(GMimeMessage *message, const GaMailSettings *settings,
			const GaJob *job)
{
	char name[NAME_SIZE];
	char value[NAME_SIZE * 4];
	GDateTime *now = g_date_time_new_now_utc();

	add_mailbox(message, GMIME_ADDRESS_TYPE_FROM, settings->name,
				settings->address);
	ga_text_clean_name(job->to_name, name, sizeof(name));
	add_mailbox(message, GMIME_ADDRESS_TYPE_TO, name, job->to);
	add_reply_to(message, *job->reply_to ? job->reply_to : settings->reply_to);
	g_mime_message_set_subject(message, job->subject, "utf-8");
	g_mime_message_set_date(message, now);
	g_date_time_unref(now);
	snprintf(value, sizeof(value), "%s@%s", job->message_key,
			 settings->domain);
	g_mime_message_set_message_id(message, value);
	g_mime_object_append_header(GMIME_OBJECT(message), "Auto-Submitted",
								"auto-generated", NULL);
	if (*job->locale)
		g_mime_object_append_header(GMIME_OBJECT(message), "Content-Language",
									job->locale, NULL);
	if (*job->unsubscribe_url)
	{
		snprintf(value, sizeof(value), "<%s>", job->unsubscribe_url);
		add_raw_header(message, "List-Unsubscribe", value);
		g_mime_object_append_header(GMIME_OBJECT(message),
									"List-Unsubscribe-Post",
									"List-Unsubscribe=One-Click", NULL);
	}
}

/*
 * Line ends become LF for quoted-printable, whose own line ends GMime writes
 * as CRLF, and CRLF for base64, which hides them from it.  Other controls that
 * no mail reader shows are dropped.
 */
static char *
normalize(const char *text, const char *newline)
{
	char *copy = ga_alloc(strlen(text) * 2 + 1);
	char *out = copy;

	for (; *text; text++)
	{
		if (*text == '\r' && text[1] == '\n')
			continue;
		if (*text == '\r' || *text == '\n')
			out = stpcpy(out, newline);
		else if ((unsigned char) *text >= ' ' || *text == '\t')
			*out++ = *text;
	}
	*out = '\0';
	return copy;
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

static GMimeObject *
make_part(const char *subtype, const char *text)
{
	GMimePart *part = g_mime_part_new_with_type("text", subtype);
	bool base64 = wants_base64(text);
	char *normal = normalize(text, base64 ? "\r\n" : "\n");
	GMimeStream *stream = g_mime_stream_mem_new();
	GMimeDataWrapper *content;

	g_mime_stream_write(stream, normal, strlen(normal));
	g_mime_stream_reset(stream);
	free(normal);
	content = g_mime_data_wrapper_new_with_stream(
		stream, GMIME_CONTENT_ENCODING_DEFAULT);
	g_object_unref(stream);
	g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset",
											 "utf-8");
	g_mime_part_set_content(part, content);
	g_object_unref(content);
	g_mime_part_set_content_encoding(
		part, base64 ? GMIME_CONTENT_ENCODING_BASE64
					 : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	return GMIME_OBJECT(part);
}

/*
 * "=_" occurs in neither quoted-printable nor base64, so this boundary cannot
 * occur in a part.
 */
static GMimeObject *
make_alternative(const GaJob *job)
{
	GMimeMultipart *multipart =
		g_mime_multipart_new_with_subtype("alternative");
	GMimeObject *text = make_part("plain", job->text);
	GMimeObject *html = make_part("html", job->html);
	char boundary[71];

	snprintf(boundary, sizeof(boundary), "=_%.60s", job->message_key);
	g_mime_multipart_set_boundary(multipart, boundary);
	g_mime_multipart_add(multipart, text);
	g_mime_multipart_add(multipart, html);
	g_object_unref(text);
	g_object_unref(html);
	return GMIME_OBJECT(multipart);
}

bool
ga_mail_compose(const GaMailSettings *settings, const GaJob *job, GaText *out,
				char *complaint, size_t size)
{
	GMimeMessage *message = g_mime_message_new(FALSE);
	GMimeStream *stream = g_mime_stream_mem_new();
	GMimeObject *body;
	GByteArray *bytes;
	bool good;

	if (*job->text && *job->html)
		body = make_alternative(job);
	else if (*job->html)
		body = make_part("html", job->html);
	else
		body = make_part("plain", job->text);
	add_headers(message, settings, job);
	g_mime_object_append_header(GMIME_OBJECT(message), "MIME-Version", "1.0",
								NULL);
	g_mime_message_set_mime_part(message, body);
	good = g_mime_object_write_to_stream(GMIME_OBJECT(message), format,
										 stream) > 0;
	bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	if (!good || bytes->len > MESSAGE_MAX)
		snprintf(complaint, size, "the message is %u bytes, more than %d",
				 bytes->len, MESSAGE_MAX);
	else
		ga_text_append(out, bytes->data, bytes->len);
	good = good && bytes->len <= MESSAGE_MAX;
	g_object_unref(body);
	g_object_unref(stream);
	g_object_unref(message);
	return good;
}
