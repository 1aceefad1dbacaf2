/*
 * mime_parts.c
 *		The parts of a mail, decoded by GMime, each to whoever reads its type.
 *
 * Text is kept for those bounces that hold no report (unstructured.c).  Must never
 * go deeper than MAX_DEPTH or read more parts than MAX_PARTS, however the mail is
 * nested.
 */
#include "courier/bounce/mime_parts.h"

#include <gmime/gmime.h>
#include <stdbool.h>
#include <string.h>

#include "courier/bounce/delivery_status.h"
#include "courier/bounce/feedback.h"
#include "courier/bounce/recipient.h"
#include "courier/bounce/returned_head.h"
#include "courier/text.h"

/* What a hostile mail may cost. */
#define MAX_DEPTH 12
#define MAX_PARTS 100

/* The text between tags; blocks begin lines. */
static void
strip_tags(GaText *out, const char *html, size_t length)
{
	bool inside = false;

	for (size_t i = 0; i < length; i++)
	{
		if (html[i] == '<')
		{
			inside = true;
			if (i + 2 < length && strchr("pPbBdDtT/", html[i + 1]))
				ga_text_putc(out, '\n');
		}
		else if (html[i] == '>')
			inside = false;
		else if (!inside && html[i] != '\r' && html[i] != '\0')
			ga_text_putc(out, html[i]);
	}
}

/* Line ends become LF, zero bytes go; HTML counts where there is no plain text. */
static void
keep_prose(GaBounceFindings *findings, const char *text, size_t length,
		   bool is_html)
{
	if (findings->has_prose && (is_html || !findings->prose_is_html))
		return;
	findings->has_prose = true;
	findings->prose_is_html = is_html;
	ga_text_truncate(&findings->prose, 0);
	if (length > 256 * 1024)
		length = 256 * 1024;
	if (is_html)
		strip_tags(&findings->prose, text, length);
	else
		for (size_t i = 0; i < length; i++)
			if (text[i] != '\r' && text[i] != '\0')
				ga_text_putc(&findings->prose, text[i]);
}

static bool
is_type(GMimeContentType *type, const char *name, const char *const *subtypes)
{
	for (; *subtypes; subtypes++)
		if (g_mime_content_type_is_type(type, name, *subtypes))
			return true;
	return false;
}

static void
read_part(GaBounceFindings *findings, GMimeContentType *type, const char *text,
		  size_t length)
{
	static const char *const statuses[] = {"delivery-status",
										   "global-delivery-status", NULL};
	static const char *const feedback[] = {"feedback-report", NULL};
	static const char *const mails[] = {"rfc822", "rfc822-headers", "global",
										"global-headers", NULL};
	static const char *const headers[] = {"rfc822-headers", NULL};
	static const char *const receipts[] = {"disposition-notification", NULL};
	static const char *const plain[] = {"plain", NULL};
	static const char *const html[] = {"html", NULL};

	if (is_type(type, "message", statuses))
	{
		findings->shows_failure = true;
		ga_bounce_delivery_status_read(findings, text, length);
	}
	else if (is_type(type, "message", feedback))
		ga_bounce_feedback_read(findings, text, length);
	else if (is_type(type, "message", mails) || is_type(type, "text", headers))
	{
		findings->shows_failure = true;
		ga_bounce_returned_head_read(findings, text, length);
	}
	/* Somebody's program tells that the mail was read: RFC 8098. */
	else if (is_type(type, "message", receipts))
		findings->is_automatic = true;
	else if (is_type(type, "text", plain))
		keep_prose(findings, text, length, false);
	else if (is_type(type, "text", html))
		keep_prose(findings, text, length, true);
}

static void
decode_part(GaBounceFindings *findings, GMimeObject *object)
{
	GMimeStream *stream = g_mime_stream_mem_new();
	GByteArray *bytes;

	if (GMIME_IS_PART(object) && g_mime_part_get_content((GMimePart *) object))
		g_mime_data_wrapper_write_to_stream(
			g_mime_part_get_content((GMimePart *) object), stream);
	else if (GMIME_IS_MESSAGE_PART(object) &&
			 g_mime_message_part_get_message((GMimeMessagePart *) object))
	{
		char *headers = g_mime_object_get_headers(
			(GMimeObject *) g_mime_message_part_get_message(
				(GMimeMessagePart *) object),
			NULL);

		g_mime_stream_write(stream, headers, strlen(headers));
		g_free(headers);
	}
	bytes = g_mime_stream_mem_get_byte_array((GMimeStreamMem *) stream);
	if (bytes && bytes->len > 0)
		read_part(findings, g_mime_object_get_content_type(object),
				  (const char *) bytes->data, bytes->len);
	ga_bounce_recipient_finish(findings);
	g_object_unref(stream);
}

static void
walk(GaBounceFindings *findings, GMimeObject *object, int depth)
{
	if (object == NULL || depth > MAX_DEPTH || findings->parts++ > MAX_PARTS)
		return;
	if (GMIME_IS_MULTIPART(object))
	{
		int count = g_mime_multipart_get_count((GMimeMultipart *) object);

		for (int i = 0; i < count; i++)
			walk(findings,
				 g_mime_multipart_get_part((GMimeMultipart *) object, i),
				 depth + 1);
		return;
	}
	decode_part(findings, object);
}

void
ga_bounce_mime_parts_read(GaBounceFindings *findings, const char *mail,
						  size_t length)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(mail, length);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

	if (message)
	{
		walk(findings, g_mime_message_get_mime_part(message), 0);
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
}
