/*
 * bounce_prose.c
 *		Reading prose of mail servers.
 *
 * Only for mail that a mail server's own address sent: a person may write of
 * codes and failures as well.  What the mail that came back says itself must
 * not be read as a server's word, so reading ends where it begins.
 */
#include "courier/bounce/bounce_prose.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/shared/mail_status.h"
#include "base/shared/mail_words.h"
#include "courier/bounce/subject.h"

static bool
has_any(const char *text, size_t length, const char *const *words)
{
	for (; *words; words++)
	{
		size_t size = strlen(*words);

		for (size_t at = 0; at + size <= length; at++)
			if (strncasecmp(text + at, *words, size) == 0)
				return true;
	}
	return false;
}

/*
 * "<address>:", alone in its line: qmail (https://cr.yp.to/proto/qsbmf.txt) and
 * Yahoo begin with it what they say of a recipient.
 */
static bool
is_recipient(const char *line, size_t length)
{
	const char *at = memchr(line, '@', length);

	return length > 4 && *line == '<' && at != NULL &&
		   strncmp(line + length - 2, ">:", 2) == 0;
}

/* "--- Below this line is a copy of the message.", "--- Original message
 * follows ---", "--- Message header follows ---" */
static bool
is_separator(const char *line, size_t length)
{
	static const char *const message[] = {"message", NULL};
	static const char *const follows[] = {"follows", "below", "copy of",
										  "original", NULL};
	size_t blanks = strspn(line, " \t");

	return blanks + 3 < length && strncmp(line + blanks, "---", 3) == 0 &&
		   has_any(line, length, message) && has_any(line, length, follows);
}

/* 0 unless a reply's code begins at this place: "550 no", "554: 5.1.1", "452-" */
static int
reply_code(const char *text, const char *at)
{
	if ((*at != '4' && *at != '5') || at[1] < '0' || at[1] > '5' ||
		!isdigit((unsigned char) at[2]) ||
		(at > text && (isalnum((unsigned char) at[-1]) || at[-1] == '.')))
		return 0;
	return strchr(" -:", at[3]) && at[3] != '\0' ? *at - '0' : 0;
}

static void
copy_line(char *copy, size_t size, const char *line, size_t length)
{
	if (length >= size)
		length = size - 1;
	memcpy(copy, line, length);
	copy[length] = '\0';
}

/* 5: refused for good, 4: for now, 0: the line tells no code */
static int
class_of(const char *line, size_t length)
{
	char copy[512];
	const char *status;

	copy_line(copy, sizeof(copy), line, length);
	if (ga_mail_status_find(copy, &status) > 0)
		return *status == '2' ? 0 : *status - '0';
	for (const char *c = copy; *c; c++)
		if (reply_code(copy, c))
			return reply_code(copy, c);
	return 0;
}

/*
 * Beside a code that is for now this tells whether the server still tries.  Single
 * words would not do, since a line may quote what a group is called.
 */
static bool
says_late(const char *line, size_t length)
{
	static const char *const phrases[] = {"been delayed",
										  "is delayed",
										  "was delayed",
										  "been deferred",
										  "warning message",
										  "still trying",
										  "still being",
										  "keep trying",
										  "continue to try",
										  "continue trying",
										  "be retried",
										  "will retry",
										  "not yet been",
										  "noch nicht",
										  "pas encore",
										  "todavía no",
										  "ainda não",
										  "non ancora",
										  "nog niet",
										  "еще не",
										  "ещё не",
										  "尚未",
										  NULL};

	return has_any(line, length, phrases);
}

/*
 * Three digits may be a telephone number, so a code counts where it is an enhanced one
 * or the words beside it blame somebody.
 */
static bool
says_plainly(const char *line, size_t length, int class)
{
	static const char *const phrases[] = {"undeliver",		"not be delivered",
										  "not delivered",	"delivery failed",
										  "delivery error", NULL};
	char copy[512];
	const char *status;

	if (class == 0)
		return has_any(line, length, phrases);
	copy_line(copy, sizeof(copy), line, length);
	return ga_mail_status_find(copy, &status) > 0 ||
		   ga_mail_words_read(copy) != GA_BLAME_NOBODY;
}

bool
ga_prose_read(const char *subject, const char *text, GaProseNotice *notice)
{
	GaBounceSubject says = ga_bounce_subject_read(subject);
	bool is_late = false;
	int worst = 0;

	memset(notice, 0, sizeof(*notice));
	notice->is_plain = says.is_late || says.is_lost;
	while (*text)
	{
		size_t length = strcspn(text, "\n");
		int class = class_of(text, length);

		if (notice->address == NULL && is_recipient(text, length))
		{
			notice->is_plain = true;
			notice->address = text + 1;
			notice->address_length = length - 3;
		}
		if (is_separator(text, length))
		{
			notice->returned = text + length;
			break;
		}
		notice->is_plain |= says_plainly(text, length, class);
		is_late |= class == 0 && says_late(text, length);
		if (class > worst)
		{
			worst = class;
			notice->line = text + strspn(text, " \t");
			/* In a transcript, what the other side said. */
			if (strncmp(notice->line, "<<< ", 4) == 0)
				notice->line += 4;
			notice->line_length = length - (size_t) (notice->line - text);
		}
		text += length + (text[length] == '\n');
	}
	/* "Warning: could not be ..." with a refusal for good in it is over, and a code
	 * that is for now may be the last answer before giving up. */
	notice->is_delay = says.is_late ? worst < 5 || !says.names_loss
									: worst == 4 && is_late && !says.is_lost;
	notice->is_passed = says.is_passed && worst == 0 && !notice->is_plain;
	return worst > 0 || says.is_late || says.is_lost || notice->is_passed;
}
