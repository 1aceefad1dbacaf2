/*
 * languages.c
 *		The built-in templates and the choice of a template.
 *
 * An SMS says its words in the GSM 7-bit alphabet (3GPP TS 23.038): one letter
 * outside of it, such as a French circumflex, an acute of Spanish other than e or
 * a Portuguese tilde, more than halves what fits into a segment.  The wording
 * avoids them; a test counts.
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/locale_tag.h"
#include "message/calendar.h"
#include "message/languages.h"
#include "utils/timestamp.h"

/* ---- the frame of an HTML part ------------------------------------------ */

#define HTML(lang, greeting, opening, reminder, answer, ignore)                \
	"<!DOCTYPE html>\n<html lang=\"" lang "\"><head><meta charset=\"utf-8\">"  \
	"<meta name=\"viewport\" content=\"width=device-width\"></head>\n"         \
	"<body style=\"font-family:sans-serif;max-width:36em;margin:auto;"         \
	"padding:1em\">\n<p>" greeting "</p>\n<p>" opening "</p>\n"                \
	"{?reminder}<p>" reminder "</p>\n{/}"                                      \
	"{?image}<p><img alt=\"\" width=\"160\" src=\"{image}\"></p>\n{/}"         \
	"{?message}<blockquote>{message}</blockquote>\n{/}"                        \
	"{!message}{?description}<blockquote>{description}</blockquote>\n{/}{/}"   \
	"<p><a href=\"{link}\">" answer "</a></p>\n"                               \
	"<p>" ignore "</p>\n</body></html>\n"

#define TEXT(greeting, opening, reminder, answer, ignore)                      \
	greeting "\n\n" opening "\n\n{?reminder}" reminder "\n\n{/}"               \
			 "{?message}{message}\n\n{/}"                                      \
			 "{!message}{?description}{description}\n\n{/}{/}" answer          \
			 "\n{link}\n\n" ignore "\n"

/* ---- English ------------------------------------------------------------ */

#define EN_GREETING "Hello {member},"
#define EN_OPENING                                                             \
	"{?inviter}{inviter} invites you to join \"{group}\".{/}"                  \
	"{!inviter}You are invited to join \"{group}\".{/}"
#define EN_HTML_OPENING                                                        \
	"{?inviter}{inviter} invites you to join &quot;{group}&quot;.{/}"          \
	"{!inviter}You are invited to join &quot;{group}&quot;.{/}"
#define EN_REMINDER                                                            \
	"This is a reminder: the invitation is still open{?expires} until "        \
	"{expires}{/}."
#define EN_ANSWER "See the invitation and decide whether to join"
#define EN_IGNORE                                                              \
	"If you do not know who sent this, ignore it: nothing happens."

/* ---- Spanish ------------------------------------------------------------ */

#define ES_GREETING "Hola, {member}:"
#define ES_OPENING                                                             \
	"{?inviter}{inviter} te invita a unirte a «{group}».{/}"                 \
	"{!inviter}Te invitan a unirte a «{group}».{/}"
#define ES_REMINDER                                                            \
	"Te recordamos que la invitación sigue abierta{?expires} hasta el "       \
	"{expires}{/}."
#define ES_ANSWER "Mira la invitación y decide si quieres unirte"
#define ES_IGNORE "Si no sabes quién te envía esto, ignóralo: no pasará nada."

/* ---- French ------------------------------------------------------------- */

#define FR_GREETING "Bonjour {member},"
#define FR_OPENING                                                             \
	"{?inviter}{inviter} vous invite à rejoindre « {group} ».{/}"         \
	"{!inviter}On vous invite à rejoindre « {group} ».{/}"
#define FR_REMINDER                                                            \
	"Pour rappel, l'invitation est toujours ouverte{?expires} jusqu'au "       \
	"{expires}{/}."
#define FR_ANSWER "Voir l'invitation et décider de rejoindre ou non le groupe"
#define FR_IGNORE                                                              \
	"Si vous ne savez pas qui vous envoie ce message, ignorez-le : il ne se " \
	"passera rien."

/* ---- German ------------------------------------------------------------- */

#define DE_GREETING "Hallo {member},"
#define DE_OPENING                                                             \
	"{?inviter}{inviter} lädt dich in die Gruppe „{group}“ ein.{/}"       \
	"{!inviter}du bist in die Gruppe „{group}“ eingeladen.{/}"
#define DE_REMINDER                                                            \
	"Zur Erinnerung: Die Einladung ist noch offen{?expires}, bis zum "         \
	"{expires}{/}."
#define DE_ANSWER "Sieh dir die Einladung an und entscheide, ob du beitrittst"
#define DE_IGNORE                                                              \
	"Wenn du nicht weißt, wer dir das schickt, ignoriere es einfach: Es "     \
	"passiert nichts."

/* ---- Portuguese, worded for both sides of the Atlantic ------------------ */

#define PT_GREETING "Olá, {member}!"
#define PT_OPENING                                                             \
	"{?inviter}Chegou um convite de {inviter} para o grupo “{group}”.{/}"  \
	"{!inviter}Chegou um convite para o grupo “{group}”.{/}"
#define PT_REMINDER                                                            \
	"Lembrete: o convite continua aberto{?expires} até {expires}{/}."
#define PT_ANSWER "Veja o convite e decida se quer entrar"
#define PT_IGNORE "Se não sabe quem enviou isto, ignore: não acontece nada."

/* ---- all of them -------------------------------------------------------- */

#define MAIL(tag, subject_, body_, html_)                                      \
	{                                                                          \
		.channel = GA_CHANNEL_EMAIL, .locale = tag, .subject = subject_,       \
		.body = body_, .html = html_                                           \
	}
#define SMS(tag, body_)                                                        \
	{                                                                          \
		.channel = GA_CHANNEL_MOBILE, .locale = tag, .body = body_             \
	}

static const GaTemplate templates[] = {
	SMS("en", "{?reminder}Reminder: {/}"
			  "{?inviter}{inviter} invites you to join \"{group}\": {link}{/}"
			  "{!inviter}You are invited to join \"{group}\": {link}{/}"),
	MAIL("en",
		 "{?reminder}Reminder: {/}{?inviter}{inviter} invites you to {group}{/}"
		 "{!inviter}Invitation to {group}{/}",
		 TEXT(EN_GREETING, EN_OPENING, EN_REMINDER, EN_ANSWER ":", EN_IGNORE),
		 HTML("en", EN_GREETING, EN_HTML_OPENING, EN_REMINDER, EN_ANSWER,
			  EN_IGNORE)),
	SMS("es", "{?reminder}Recordatorio: {/}"
			  "{?inviter}{inviter} te invita a unirte a \"{group}\": {link}{/}"
			  "{!inviter}Te invitan a unirte a \"{group}\": {link}{/}"),
	MAIL(
		"es",
		"{?reminder}Recordatorio: {/}"
		"{?inviter}{inviter} te invita a {group}{/}"
		"{!inviter}Invitación a {group}{/}",
		TEXT(ES_GREETING, ES_OPENING, ES_REMINDER, ES_ANSWER ":", ES_IGNORE),
		HTML("es", ES_GREETING, ES_OPENING, ES_REMINDER, ES_ANSWER, ES_IGNORE)),
	SMS("fr",
		"{?reminder}Rappel : {/}"
		"{?inviter}{inviter} vous invite à rejoindre \"{group}\" : {link}{/}"
		"{!inviter}On vous invite à rejoindre \"{group}\" : {link}{/}"),
	MAIL(
		"fr",
		"{?reminder}Rappel : {/}"
		"{?inviter}{inviter} vous invite à rejoindre {group}{/}"
		"{!inviter}Invitation à rejoindre {group}{/}",
		TEXT(FR_GREETING, FR_OPENING, FR_REMINDER, FR_ANSWER " :", FR_IGNORE),
		HTML("fr", FR_GREETING, FR_OPENING, FR_REMINDER, FR_ANSWER, FR_IGNORE)),
	SMS("de",
		"{?reminder}Zur Erinnerung: {/}"
		"{?inviter}{inviter} lädt dich in die Gruppe \"{group}\" ein: {link}{/}"
		"{!inviter}Du bist in die Gruppe \"{group}\" eingeladen: {link}{/}"),
	MAIL(
		"de",
		"{?reminder}Zur Erinnerung: {/}"
		"{?inviter}{inviter} lädt dich in die Gruppe {group} ein{/}"
		"{!inviter}Einladung in die Gruppe {group}{/}",
		TEXT(DE_GREETING, DE_OPENING, DE_REMINDER, DE_ANSWER ":", DE_IGNORE),
		HTML("de", DE_GREETING, DE_OPENING, DE_REMINDER, DE_ANSWER, DE_IGNORE)),
	SMS("pt",
		"{?reminder}Lembrete: {/}Convite {?inviter}de {inviter} {/}para o "
		"grupo \"{group}\": {link}"),
	MAIL(
		"pt",
		"{?reminder}Lembrete: {/}"
		"Convite {?inviter}de {inviter} {/}para o grupo {group}",
		TEXT(PT_GREETING, PT_OPENING, PT_REMINDER, PT_ANSWER ":", PT_IGNORE),
		HTML("pt", PT_GREETING, PT_OPENING, PT_REMINDER, PT_ANSWER, PT_IGNORE)),
};

const GaTemplate *
ga_language_builtin_templates(int *count)
{
	*count = lengthof(templates);
	return templates;
}

/* ---- the choice --------------------------------------------------------- */

static const GaTemplate *
find_template(const GaTemplate *list, int count, GaChannel channel,
			  const char *locale)
{
	for (int i = 0; i < count; i++)
		if (list[i].channel == channel && strcmp(list[i].locale, locale) == 0)
			return &list[i];
	return NULL;
}

/* For one wanted tag: own for it, own for shorter ones, the built-in one. */
static const GaTemplate *
choose_for(const GaTemplates *own, GaChannel channel, const char *wanted)
{
	const GaTemplate *found;
	char tag[GA_LOCALE_MAX];

	if (wanted == NULL || !ga_locale_read(wanted, tag))
		return NULL;
	do
	{
		found = find_template(own->list, own->count, channel, tag);
		if (found != NULL)
			return found;
	} while (ga_locale_shorten(tag));
	return find_template(templates, lengthof(templates), channel, tag);
}

const GaTemplate *
ga_language_choose_template(const GaTemplates *own, GaChannel channel,
							const char *wanted)
{
	const GaTemplate *found = choose_for(own, channel, wanted);

	if (found == NULL)
		found = choose_for(own, channel, ga_settings.default_locale);
	if (found == NULL)
		found = choose_for(own, channel, "en");
	return found;
}

/* ---- moments ------------------------------------------------------------ */

const char *
ga_language_moment_text(TimestampTz moment, const char *locale)
{
	struct pg_tm tm;
	fsec_t fraction;
	const char *date;

	if (timestamp2tm(moment, NULL, &tm, &fraction, NULL, NULL) != 0)
		return NULL;
	date = ga_calendar_date(&tm, locale);
	return psprintf(strchr(date, ' ') ? "%s, %02d:%02d UTC"
									  : "%s %02d:%02d UTC",
					date, tm.tm_hour, tm.tm_min);
}
