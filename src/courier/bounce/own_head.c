/*
 * own_head.c
 *		Who sent a returned mail, to which address, and whether by a program.
 *
 * Must never judge by what stands in the body: there a person may quote a mail
 * server, and a mail server a person.
 */
#include "courier/bounce/own_head.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "courier/bounce/fields.h"
#include "courier/bounce/subject.h"

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
take_subject(GaBounceFindings *findings, const char *value)
{
	char *text = g_mime_utils_header_decode_text(NULL, value);

	ga_bounce_copy(findings->subject, sizeof(findings->subject), text);
	g_free(text);
}

/* The address alone is read as it stands: a name can be encoded to look like one. */
static void
take_from(GaBounceFindings *findings, const char *value)
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
	char *text = g_mime_utils_header_decode_text(NULL, value);
	const char *open = strrchr(value, '<');
	size_t length;

	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		findings->is_by_mailer |= strcasestr(text, servers[i]) != NULL;
	g_free(text);
	value = open ? open + 1 : value;
	length = strcspn(value, "> \t");
	if (length == 0)
		findings->is_by_mailer = true;
	else if (length < sizeof(findings->from))
	{
		char address[256];

		snprintf(address, sizeof(address), "%.*s", (int) length, value);
		ga_bounce_copy(findings->from, sizeof(findings->from), address);
	}
}

static void
take_own_field(GaBounceFindings *findings, const char *name, const char *value)
{
	static const char *const places[] = {"Delivered-To",   "X-Original-To",
										 "Envelope-To",	   "X-Envelope-To",
										 "X-Delivered-To", "To"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcasecmp(name, places[i]) == 0)
			ga_bounce_add_addresses(findings, value);
	if (strcasecmp(name, "In-Reply-To") == 0 ||
		strcasecmp(name, "References") == 0)
		ga_bounce_copy_id(findings->referred_id, sizeof(findings->referred_id),
						  value);
	else if (strcasecmp(name, "Subject") == 0)
		take_subject(findings, value);
	else if (strcasecmp(name, "From") == 0)
		take_from(findings, value);
	else if (strcasecmp(name, "Return-Path") == 0)
		findings->has_null_path |= strncmp(value, "<>", 2) == 0;
	else if (says_automatic(name, value))
		findings->is_automatic = true;
	else if (strcasecmp(name, "Auto-Submitted") == 0)
		findings->is_auto_submitted = strncasecmp(value, "no", 2) != 0;
	else if (strcasecmp(name, "X-Failed-Recipients") == 0)
		ga_bounce_copy(findings->failed_recipients,
					   sizeof(findings->failed_recipients), value);
}

void
ga_bounce_own_head_read(GaBounceFindings *findings, const char *mail,
						size_t length)
{
	ga_bounce_fields_read(findings, mail, length, take_own_field);
}

/*
 * An empty return path alone is no proof: automatic replies of persons have it too,
 * and say so (RFC 3834 3.3), as do Exim's notices, which name whom they failed for.
 */
bool
ga_bounce_own_head_is_by_server(const GaBounceFindings *findings)
{
	if (findings->is_automatic ||
		ga_bounce_subject_read(findings->subject).is_absence)
		return false;
	return findings->is_by_mailer || *findings->failed_recipients != '\0' ||
		   (findings->has_null_path && !findings->is_auto_submitted);
}
