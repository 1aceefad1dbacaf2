/*
 * subject.c
 *		What the subject of a returned mail says: that the mail is lost, late or
 *		passed on, or that somebody is away.
 *
 * Words are compared in small letters of any alphabet.  Must never look for a word
 * behind the first one that tells something: there stands what a group is called.
 */
#include "courier/bounce/subject.h"

#include <glib.h>
#include <stddef.h>
#include <string.h>

/* Who answers for a person while they are away says so somewhere. */
static const char *const absence[] = {"automatic reply",
									  "automatic response",
									  "auto reply",
									  "auto-reply",
									  "autoreply",
									  "auto response",
									  "auto-response",
									  "autorespon",
									  "out of office",
									  "out-of-office",
									  "out of the office",
									  "not in the office",
									  "vacation",
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
									  "odpowiedź automatyczna",
									  "automatiskt svar",
									  "automatisk svar",
									  "autosvar",
									  "automaattinen vastaus",
									  "automatická odpov",
									  "automatikus válasz",
									  "otomatik yan",
									  "автоответ",
									  "автоматический ответ",
									  "自動",
									  "自动答复",
									  "自动回复",
									  "자동 회신",
									  "자동 응답",
									  NULL};
static const char *const late[] = {
	"warning",	"delay",   "deferred",	"verzöger",	  "retardé",
	"retrasad", "ritardo", "vertraagd", "vertraging", "задерж",
	"延迟",		"遅延",	   NULL};
static const char *const lost[] = {
	"undeliver",	"failure",	   "failed",	"returned",	   "error",
	"could not be", "unzustell",   "non remis", "退信",		   "недостав",
	"не доставлен", "not deliver", "unsuccess", "not success", NULL};
/* "Delivery Status Notification (Success)" */
static const char *const passed[] = {"(success)", "successful mail delivery",
									 "successfully delivered", NULL};

static const char *
earlier(const char *one, const char *other)
{
	return one == NULL || (other != NULL && other < one) ? other : one;
}

/* Where the first of them begins; NULL: there is none. */
static const char *
find_first(const char *text, const char *const *words)
{
	const char *first = NULL;

	for (; *words; words++)
		first = earlier(first, strstr(text, *words));
	return first;
}

/* "OOO: lunch", out of office; three letters stand in other words, too. */
static const char *
find_abbreviation(const char *text)
{
	static const char word[] = "ooo";
	const char *at = strstr(text, word);

	while (at != NULL && ((at > text && g_ascii_isalnum(at[-1])) ||
						  g_ascii_isalnum(at[strlen(word)])))
		at = strstr(at + 1, word);
	return at;
}

/* "Delivered: invitation"; anywhere else something may stand before that denies it. */
static const char *
find_passed(const char *text)
{
	return g_str_has_prefix(text, "delivered:") ||
				   g_str_has_prefix(text, "relayed:")
			   ? text
			   : find_first(text, passed);
}

/* In small letters, each written in one way; belongs to the caller. */
static char *
fold(const char *subject)
{
	char *small = g_utf8_casefold(subject, -1);
	char *text = g_utf8_normalize(small, -1, G_NORMALIZE_ALL_COMPOSE);

	g_free(small);
	return text;
}

GaBounceSubject
ga_bounce_subject_read(const char *subject)
{
	char *text = fold(subject);
	const char *is_away;
	const char *is_late;
	const char *is_lost;
	const char *is_passed;
	const char *first;
	GaBounceSubject says = {0};

	if (text == NULL)
		return says;
	is_away = earlier(find_first(text, absence), find_abbreviation(text));
	is_late = find_first(text, late);
	is_lost = find_first(text, lost);
	is_passed = find_passed(text);
	first = earlier(earlier(is_away, is_late), earlier(is_lost, is_passed));
	if (first != NULL)
	{
		says.is_absence = first == is_away;
		says.is_late = first == is_late;
		says.is_lost = first == is_lost;
		says.is_passed = first == is_passed;
		says.names_loss = is_lost != NULL;
	}
	g_free(text);
	return says;
}
