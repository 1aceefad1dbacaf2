/*
 * bounce.c
 *		Reading a mail that came back: delivery status notifications (RFC 3464,
 *		6533), complaints (RFC 5965), qmail's bounces (QSBMF), Exim's header and
 *		what other mail servers write in prose.
 *
 * GMime takes the mail apart and decodes its parts; the fields inside the
 * reports are read here, by rules as lenient as those who write them need.
 * Whatever else comes (vacation replies, spam) is of kind "other"; whether a mail
 * server sent it and whether it looks like somebody's automatic reply stands
 * beside, so that one which proves to be about a message of ours is not lost for
 * its form.  Says what the mail claims, believes nothing: that is for who holds
 * the secret.
 */
#include "courier/bounce/bounce.h"

#include <ctype.h>
#include <gmime/gmime.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/shared/mail_status.h"
#include "courier/bounce/bounce_prose.h"
#include "courier/text.h"

/* What a hostile mail may cost. */
#define MAX_DEPTH 12
#define MAX_PARTS 100
#define MAX_RECIPIENTS 20
#define MAX_ADDRESSES 24
#define VALUE_SIZE 501

typedef struct Report
{
	json_t *recipients;
	json_t *current; /* the recipient being read, or NULL */
	json_t *addresses;
	char envelope_id[256];
	char message_id[256];
	char referred_id[256]; /* of In-Reply-To and References */
	char feedback_type[64];
	char failed_recipients[VALUE_SIZE]; /* Exim's header */
	char subject[VALUE_SIZE];
	char from[256];		/* the address it says it is from */
	bool is_by_mailer;	/* a mail server's own address sent it */
	bool has_null_path; /* nobody is to answer it: RFC 5321 4.5.5 */
	bool is_automatic;	/* somebody's automatic reply, or a read receipt */
	GaText prose;		/* the first text part, cut */
	bool has_prose;
	bool prose_is_html;
	int fields;
	int parts;
} Report;

typedef void (*TakeField)(Report *report, const char *name, const char *value);

static void
copy(char *target, size_t size, const char *value)
{
	if (*target == '\0')
		ga_text_clean(value, strlen(value), target, size);
}

static void
set_string(json_t *object, const char *name, const char *value)
{
	char clean[VALUE_SIZE];

	if (ga_text_clean(value, strlen(value), clean, sizeof(clean)) > 0 &&
		json_object_get(object, name) == NULL)
		json_object_set_new(object, name, json_string(clean));
}

static const char *
get_string(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

/* Every word that looks like an address. */
static void
add_addresses(Report *report, const char *value)
{
	static const char around[] = " \t<>,;()\"'";

	while (*value)
	{
		size_t length = strcspn(value, around);
		char word[255];

		if (length > 2 && length < sizeof(word) &&
			memchr(value + 1, '@', length - 2) &&
			json_array_size(report->addresses) < MAX_ADDRESSES)
		{
			bool known = false;
			size_t index;
			json_t *other;

			memcpy(word, value, length);
			word[length] = '\0';
			json_array_foreach(report->addresses, index, other)
			{
				known |= strcmp(json_string_value(other), word) == 0;
			}
			if (!known && ga_text_is_printable_ascii(word))
				json_array_append_new(report->addresses, json_string(word));
		}
		value += length;
		value += strspn(value, around);
	}
}

/* Without the angle brackets of the first one. */
static void
copy_id(char *target, size_t size, const char *value)
{
	const char *open = strchr(value, '<');
	size_t length;
	char id[256];

	value = open ? open + 1 : value;
	length = strcspn(value, "> \t");
	if (length >= sizeof(id))
		return;
	memcpy(id, value, length);
	id[length] = '\0';
	copy(target, size, id);
}

/* ---- fields ---------------------------------------------------------------- */

/* The length of a field's name in front of its colon; 0: this is none. */
static size_t
name_length(const char *line, size_t length)
{
	size_t at = 0;

	size_t colon;

	while (at < length && line[at] > ' ' && line[at] < 0x7F && line[at] != ':')
		at++;
	/* Blanks before the colon: RFC 5322 4.5.8. */
	colon = at;
	while (colon < length && (line[colon] == ' ' || line[colon] == '\t'))
		colon++;
	return at > 0 && at < 128 && colon < length && line[colon] == ':' ? at : 0;
}

static void
finish_field(Report *report, GaText *field, TakeField take)
{
	char *colon = field->length > 0 ? strchr(field->data, ':') : NULL;

	if (colon)
	{
		field->data[name_length(field->data, field->length)] = '\0';
		report->fields++;
		take(report, field->data, colon + 1 + strspn(colon + 1, " \t"));
	}
	ga_text_truncate(field, 0);
}

/*
 * Reads fields up to the first empty line, whose end it returns.  Bytes that are
 * no text are dropped, lines that are no fields as well.
 */
static size_t
read_block(Report *report, const char *text, size_t length, TakeField take)
{
	GaText field = {0};
	size_t at = 0;
	bool seen = false;

	while (at < length)
	{
		const char *line = text + at;
		const char *newline = memchr(line, '\n', length - at);
		size_t span = newline ? (size_t) (newline - line) : length - at;
		bool folded = span > 0 && (*line == ' ' || *line == '\t');

		at += span + (newline != NULL);
		while (span > 0 && (line[span - 1] == '\r' || line[span - 1] == '\0'))
			span--;
		if (span == 0)
		{
			/* Some begin with one. */
			if (seen)
				break;
			continue;
		}
		seen = true;
		if (!folded)
		{
			finish_field(report, &field, take);
			if (name_length(line, span) == 0)
				continue;
		}
		else if (field.length == 0)
			continue;
		if (field.length < 8192)
			for (size_t i = 0; i < span && i < 4096; i++)
				ga_text_putc(&field, line[i] == '\0' ? '?' : line[i]);
	}
	finish_field(report, &field, take);
	ga_text_free(&field);
	return at;
}

/* ---- status codes ------------------------------------------------------------ */

static void
set_status(json_t *recipient, const char *text)
{
	const char *start;
	size_t length = ga_mail_status_find(text, &start);

	if (length > 0)
		json_object_set_new(recipient, "status", json_stringn(start, length));
}

/* Who writes 5.0.0 quotes the true code in the words of the other server. */
static void
refine_status(json_t *recipient)
{
	const char *status = get_string(recipient, "status");
	const char *diagnostic = get_string(recipient, "diagnostic");
	const char *start;

	if (*status != '\0' && strcmp(status + 1, ".0.0") != 0)
		return;
	if (ga_mail_status_find(diagnostic, &start) > 0 &&
		(*status == '\0' || *status == *start))
		set_status(recipient, diagnostic);
}

/*
 * The five actions of RFC 3464 2.3.3, and what others write instead.  "deliverable"
 * answers a mere question, so that nothing was delivered.
 */
static const char *
action_of(const char *word)
{
	static const char *const words[][2] = {
		{"fail", "failed"},			{"expired", "failed"},
		{"undeliver", "failed"},	{"reject", "failed"},
		{"bounce", "failed"},		{"return", "failed"},
		{"error", "failed"},		{"delay", "delayed"},
		{"defer", "delayed"},		{"deliverable", "relayed"},
		{"delivered", "delivered"}, {"relayed", "relayed"},
		{"expanded", "expanded"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncasecmp(word, words[i][0], strlen(words[i][0])) == 0)
			return words[i][1];
	return NULL;
}

/* Who forgets the action, which is required, tells by the code. */
static void
infer_action(json_t *recipient)
{
	const char *status = get_string(recipient, "status");

	if (*status == '\0' || *get_string(recipient, "action") ||
		*get_string(recipient, "final") == '\0')
		return;
	json_object_set_new(recipient, "action",
						json_string(*status == '5'	 ? "failed"
									: *status == '4' ? "delayed"
													 : "delivered"));
}

/* ---- what stands in the parts ------------------------------------------------ */

static void
finish_recipient(Report *report)
{
	json_t *recipient = report->current;

	report->current = NULL;
	if (recipient == NULL)
		return;
	refine_status(recipient);
	infer_action(recipient);
	if (json_object_size(recipient) > 0 &&
		json_array_size(report->recipients) < MAX_RECIPIENTS)
		json_array_append(report->recipients, recipient);
	json_decref(recipient);
}

static json_t *
current_recipient(Report *report)
{
	if (report->current == NULL)
		report->current = json_object();
	return report->current;
}

/* Behind the type of an address or of a diagnosis: "rfc822; a@b". */
static const char *
behind_type(const char *value)
{
	size_t type = strcspn(value, "; \t");

	if (value[type] != ';')
		return value;
	value += type + 1;
	return value + strspn(value, " \t");
}

static void
take_status_field(Report *report, const char *name, const char *value)
{
	if (strcasecmp(name, "Original-Envelope-Id") == 0)
		copy_id(report->envelope_id, sizeof(report->envelope_id), value);
	else if (strcasecmp(name, "X-Postfix-Sender") == 0)
		add_addresses(report, value);
	else if (strcasecmp(name, "Final-Recipient") == 0)
	{
		/* Blank lines between recipients may be missing. */
		if (*get_string(current_recipient(report), "final"))
			finish_recipient(report);
		set_string(current_recipient(report), "final", behind_type(value));
	}
	else if (strcasecmp(name, "Original-Recipient") == 0)
		set_string(current_recipient(report), "original", behind_type(value));
	else if (strcasecmp(name, "Action") == 0)
	{
		const char *action = action_of(value);

		if (action)
			set_string(current_recipient(report), "action", action);
	}
	else if (strcasecmp(name, "Status") == 0)
		set_status(current_recipient(report), value);
	else if (strcasecmp(name, "Diagnostic-Code") == 0)
		set_string(current_recipient(report), "diagnostic", behind_type(value));
}

static void
take_feedback_field(Report *report, const char *name, const char *value)
{
	if (strcasecmp(name, "Feedback-Type") == 0)
		copy(report->feedback_type, sizeof(report->feedback_type), value);
	else if (strcasecmp(name, "Original-Envelope-Id") == 0)
		copy_id(report->envelope_id, sizeof(report->envelope_id), value);
	else if (strcasecmp(name, "Original-Mail-From") == 0)
		add_addresses(report, value);
	else if (strcasecmp(name, "Original-Rcpt-To") == 0)
	{
		finish_recipient(report);
		set_string(current_recipient(report), "final", value);
	}
}

static void
take_returned_field(Report *report, const char *name, const char *value)
{
	if (strcasecmp(name, "Message-ID") == 0)
		copy_id(report->message_id, sizeof(report->message_id), value);
	else if (strcasecmp(name, "Return-Path") == 0)
		add_addresses(report, value);
	/* Microsoft's junk mail reports hold the mail and no report. */
	else if (strcasecmp(name, "X-HmXmrOriginalRecipient") == 0)
		copy(report->feedback_type, sizeof(report->feedback_type), "abuse");
}

/* Who answers for a person while they are away says so somewhere. */
static bool
is_absence(const char *subject)
{
	static const char *const words[] = {"automatic reply",
										"auto reply",
										"auto-reply",
										"autoreply",
										"out of office",
										"out-of-office",
										"out of the office",
										"on vacation",
										"on leave",
										"on holiday",
										"away from",
										"abwesen",
										"automatische antwort",
										"absence",
										"absent du",
										"ponse automatique",
										"fuera de la ofic",
										"respuesta autom",
										"resposta autom",
										"risposta autom",
										"fuori sede",
										"fuori ufficio",
										"automatisch antwoord",
										"afwezig",
										"automatyczna odpowied",
										"automatiskt svar",
										"automatisk svar",
										"autosvar",
										"\xE8\x87\xAA\xE5\x8B\x95",
										NULL};

	for (size_t i = 0; words[i]; i++)
		if (strcasestr(subject, words[i]))
			return true;
	return false;
}

/* RFC 3834 and what was before it; a mail server's own notices have it too. */
static bool
says_automatic(const char *name, const char *value)
{
	static const char *const names[] = {"X-Autoreply",		"X-Autorespond",
										"X-Autoresponder",	"X-Vacation",
										"X-Mail-Autoreply", "X-AutoReply-From"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return strcasecmp(name, "Precedence") == 0 &&
		   strcasestr(value, "auto") != NULL;
}

static void
take_from(Report *report, const char *value)
{
	static const char *const servers[] = {"mailer-daemon",
										  "mailerdaemon",
										  "postmaster@",
										  "mail delivery",
										  "mail-daemon",
										  "mdaemon",
										  "delivery subsystem",
										  "mmdf",
										  "mail system",
										  "bounce@",
										  "bounces@"};
	const char *open = strrchr(value, '<');
	size_t length;

	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		report->is_by_mailer |= strcasestr(value, servers[i]) != NULL;
	value = open ? open + 1 : value;
	length = strcspn(value, "> \t");
	if (length == 0)
		report->is_by_mailer = true;
	else if (length < sizeof(report->from))
	{
		char address[256];

		snprintf(address, sizeof(address), "%.*s", (int) length, value);
		copy(report->from, sizeof(report->from), address);
	}
}

static void
take_own_field(Report *report, const char *name, const char *value)
{
	static const char *const places[] = {"Delivered-To",   "X-Original-To",
										 "Envelope-To",	   "X-Envelope-To",
										 "X-Delivered-To", "To"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcasecmp(name, places[i]) == 0)
			add_addresses(report, value);
	if (strcasecmp(name, "In-Reply-To") == 0 ||
		strcasecmp(name, "References") == 0)
		copy_id(report->referred_id, sizeof(report->referred_id), value);
	else if (strcasecmp(name, "Subject") == 0)
		copy(report->subject, sizeof(report->subject), value);
	else if (strcasecmp(name, "From") == 0)
		take_from(report, value);
	else if (strcasecmp(name, "Return-Path") == 0)
		report->has_null_path |= strncmp(value, "<>", 2) == 0;
	else if (says_automatic(name, value))
		report->is_automatic = true;
	else if (strcasecmp(name, "X-Failed-Recipients") == 0)
		copy(report->failed_recipients, sizeof(report->failed_recipients),
			 value);
}

static void
read_status(Report *report, const char *text, size_t length)
{
	size_t at = 0;

	while (at < length)
	{
		at += read_block(report, text + at, length - at, take_status_field);
		finish_recipient(report);
	}
}

/* ---- bounces that are prose ---------------------------------------------------- */

/* "<address>:" and why, up to the next one; one line of it is enough to know. */
static void
read_qmail_recipient(Report *report, const char *text, size_t length)
{
	const char *end = memchr(text, '>', length);
	json_t *recipient = current_recipient(report);
	GaText words = {0};

	ga_text_append(&words, text + 1, (size_t) (end - text - 1));
	set_string(recipient, "final", ga_text_string(&words));
	ga_text_truncate(&words, 0);
	for (const char *c = end + 2; c < text + length; c++)
		ga_text_putc(&words, isspace((unsigned char) *c) ? ' ' : *c);
	json_object_set_new(recipient, "action", json_string("failed"));
	set_string(recipient, "diagnostic", ga_text_string(&words));
	ga_text_free(&words);
	finish_recipient(report);
}

static bool
is_qmail_recipient(const char *line)
{
	size_t length = *line == '<' ? strcspn(line, ">\n") : 0;

	return length > 1 && line[length] == '>' && line[length + 1] == ':';
}

/* Where a line begins that ends a recipient's words: a blank one, the next. */
static const char *
end_of_qmail_recipient(const char *text)
{
	while ((text = strchr(text, '\n')) != NULL)
	{
		text++;
		if (*text == '\0' || *text == '\n' || *text == '-' ||
			is_qmail_recipient(text))
			return text;
	}
	return NULL;
}

/*
 * https://cr.yp.to/proto/qsbmf.txt: a greeting, the recipients, and a line that
 * begins with a dash, behind which the mail follows.  The blank lines between
 * them get lost on the way.
 */
static void
read_qmail(Report *report, const char *text)
{
	while (text && *text)
	{
		const char *end = strchr(text, '\n');

		if (is_qmail_recipient(text))
		{
			end = end_of_qmail_recipient(text);
			read_qmail_recipient(report, text,
								 end ? (size_t) (end - text) : strlen(text));
		}
		else if (*text == '-')
		{
			text += strcspn(text, "\n");
			read_block(report, text, strlen(text), take_returned_field);
			return;
		}
		else if (end)
			end++;
		text = end;
	}
}

static void
read_exim(Report *report)
{
	const char *start = NULL;
	const char *text = ga_text_string(&report->prose);
	char first[VALUE_SIZE];
	json_t *recipient = current_recipient(report);

	snprintf(first, sizeof(first), "%.*s",
			 (int) strcspn(report->failed_recipients, ", "),
			 report->failed_recipients);
	set_string(recipient, "final", first);
	json_object_set_new(recipient, "action", json_string("failed"));
	if (ga_mail_status_find(text, &start) > 0 && *start == '5')
		set_status(recipient, text);
	finish_recipient(report);
}

/* Sendmail of old, Yahoo, Domino and others who write what they like. */
static void
read_notice(Report *report)
{
	GaProseNotice notice;
	json_t *recipient;
	GaText line = {0};

	if (!ga_prose_read(report->subject, ga_text_string(&report->prose),
					   &notice))
		return;
	recipient = current_recipient(report);
	json_object_set_new(recipient, "action",
						json_string(notice.is_delay ? "delayed" : "failed"));
	if (notice.line_length > 0)
	{
		ga_text_append(&line, notice.line, notice.line_length);
		set_string(recipient, "diagnostic", ga_text_string(&line));
		set_status(recipient, ga_text_string(&line));
	}
	ga_text_free(&line);
	finish_recipient(report);
	if (notice.returned)
		read_block(report, notice.returned, strlen(notice.returned),
				   take_returned_field);
}

/* A person may write of codes and failures as well. */
static bool
is_by_server(const Report *report)
{
	return !report->is_automatic && !is_absence(report->subject) &&
		   (report->is_by_mailer || report->has_null_path);
}

static void
read_prose(Report *report)
{
	static const char greeting[] = "Hi. This is the ";
	const char *text = ga_text_string(&report->prose);

	text += strspn(text, " \t\n");
	if (strncmp(text, greeting, strlen(greeting)) == 0)
		read_qmail(report, text);
	else if (*report->failed_recipients)
		read_exim(report);
	else if (is_by_server(report))
		read_notice(report);
}

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
keep_prose(Report *report, const char *text, size_t length, bool is_html)
{
	if (report->has_prose && (is_html || !report->prose_is_html))
		return;
	report->has_prose = true;
	report->prose_is_html = is_html;
	ga_text_truncate(&report->prose, 0);
	if (length > 256 * 1024)
		length = 256 * 1024;
	if (is_html)
		strip_tags(&report->prose, text, length);
	else
		for (size_t i = 0; i < length; i++)
			if (text[i] != '\r' && text[i] != '\0')
				ga_text_putc(&report->prose, text[i]);
}

/* ---- the mail ------------------------------------------------------------------ */

static bool
is_type(GMimeContentType *type, const char *name, const char *const *subtypes)
{
	for (; *subtypes; subtypes++)
		if (g_mime_content_type_is_type(type, name, *subtypes))
			return true;
	return false;
}

static void
read_part(Report *report, GMimeContentType *type, const char *text,
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
		read_status(report, text, length);
	else if (is_type(type, "message", feedback))
		read_block(report, text, length, take_feedback_field);
	else if (is_type(type, "message", mails) || is_type(type, "text", headers))
		read_block(report, text, length, take_returned_field);
	/* Somebody's program tells that the mail was read: RFC 8098. */
	else if (is_type(type, "message", receipts))
		report->is_automatic = true;
	else if (is_type(type, "text", plain))
		keep_prose(report, text, length, false);
	else if (is_type(type, "text", html))
		keep_prose(report, text, length, true);
}

static void
decode_part(Report *report, GMimeObject *object)
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
		read_part(report, g_mime_object_get_content_type(object),
				  (const char *) bytes->data, bytes->len);
	finish_recipient(report);
	g_object_unref(stream);
}

static void
walk(Report *report, GMimeObject *object, int depth)
{
	if (object == NULL || depth > MAX_DEPTH || report->parts++ > MAX_PARTS)
		return;
	if (GMIME_IS_MULTIPART(object))
	{
		int count = g_mime_multipart_get_count((GMimeMultipart *) object);

		for (int i = 0; i < count; i++)
			walk(report,
				 g_mime_multipart_get_part((GMimeMultipart *) object, i),
				 depth + 1);
		return;
	}
	decode_part(report, object);
}

static void
read_parts(Report *report, const char *mail, size_t length)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(mail, length);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

	if (message)
	{
		walk(report, g_mime_message_get_mime_part(message), 0);
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
}

/* The action that counts most of all recipients. */
static const char *
judge(const Report *report)
{
	static const char *const kinds[] = {"failed", "delayed", "delivered",
										"relayed", "expanded"};
	static const char *const harmless[] = {"not-spam", "auth-failure", "dmarc"};
	size_t index;
	json_t *recipient;

	if (*report->feedback_type)
	{
		for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
			if (strcasecmp(report->feedback_type, harmless[i]) == 0)
				return "other";
		return "complaint";
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		json_array_foreach(report->recipients, index, recipient)
		{
			if (strcmp(get_string(recipient, "action"), kinds[i]) == 0)
				return kinds[i];
		}
	return "other";
}

/* A mailbox file's separator is no field; some deliver it with the mail. */
static size_t
skip_separator(const char *mail, size_t length)
{
	const char *newline;

	if (length < 6 ||
		(strncmp(mail, "From ", 5) != 0 && strncmp(mail, ">From ", 6) != 0))
		return 0;
	newline = memchr(mail, '\n', length);
	return newline ? (size_t) (newline - mail) + 1 : length;
}

static json_t *
describe(const Report *report)
{
	json_t *object =
		json_pack("{s:s, s:O, s:O}", "kind", judge(report), "recipients",
				  report->recipients, "to", report->addresses);
	const char *id =
		*report->message_id ? report->message_id : report->referred_id;

	set_string(object, "envelope_id", report->envelope_id);
	set_string(object, "message_id", id);
	set_string(object, "feedback_type", report->feedback_type);
	set_string(object, "from", report->from);
	set_string(object, "subject", report->subject);
	json_object_set_new(object, "is_by_server",
						json_boolean(is_by_server(report)));
	return object;
}

json_t *
ga_bounce_read(const char *mail, size_t length)
{
	Report report = {.recipients = json_array(), .addresses = json_array()};
	size_t skip = skip_separator(mail, length);
	json_t *object = NULL;

	mail += skip;
	length -= skip;
	if (length > GA_BOUNCE_MAX)
		length = GA_BOUNCE_MAX;
	read_block(&report, mail, length, take_own_field);
	if (report.fields > 0)
	{
		read_parts(&report, mail, length);
		if (json_array_size(report.recipients) == 0 &&
			*report.feedback_type == '\0')
			read_prose(&report);
		object = describe(&report);
	}
	ga_text_free(&report.prose);
	json_decref(report.recipients);
	json_decref(report.addresses);
	return object;
}
