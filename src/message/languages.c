/*
 * languages.c
 *		The built-in templates and the choice of a template.
 *
 * A mail has the same words twice: its plain text is put together here by macros, its HTML
 * is invitation_mail.html, which each language's words are put into.
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
#include "message/template.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* ---- the frames of a mail's parts ---------------------------------------- */

/* Filled by html_of(): its places for names stay. */
static const char mail_html[] =
#include "message/invitation_mail.html.inc"
	;

#define TEXT(greeting, opening, reminder, answer, until, ignore)               \
	greeting "\n\n" opening "\n\n{?reminder}" reminder "\n\n{/}"               \
			 "{?message}{message}\n\n{/}"                                      \
			 "{!message}{?description}{description}\n\n{/}{/}" answer          \
			 "\n{link}\n\n{!reminder}{?expires}" until "\n\n{/}{/}" ignore     \
			 "\n"

/* A name as it stands in the plain text, and in HTML apart from the direction around it. */
#define PLAIN(name) "{" name "}"
#define ISOLATED(name) "<bdi>{" name "}</bdi>"

/* ---- English ------------------------------------------------------------ */

#define EN_GREETING(NAME) "Hello " NAME("member") ","
#define EN_OPENING(NAME)                                                       \
	"{?inviter}" NAME("inviter") " invites you to join \"" NAME(               \
		"group") "\".{/}"                                                      \
				 "{!inviter}You are invited to join \"" NAME("group") "\".{/}"
#define EN_REMINDER                                                            \
	"This is a reminder: the invitation is still open{?expires} until "        \
	"{expires}{/}."
#define EN_ANSWER "See the invitation and decide whether to join"
#define EN_BUTTON "See the invitation"
#define EN_ADDRESS "If the button does not work, open this address:"
#define EN_UNTIL "You can answer until {expires}."
#define EN_STOP "{?stop} Reply STOP to opt out.{/}"
#define EN_IGNORE                                                              \
	"If you do not know who sent this, ignore it: nothing happens."

/* ---- Spanish ------------------------------------------------------------ */

#define ES_GREETING(NAME) "Hola, " NAME("member") ":"
#define ES_OPENING(NAME)                                                       \
	"{?inviter}" NAME("inviter") " te invita a unirte a «" NAME(               \
		"group") "».{/}"                                                      \
				 "{!inviter}Te invitan a unirte a «" NAME("group") "».{/}"
#define ES_REMINDER                                                            \
	"Te recordamos que la invitación sigue abierta{?expires} hasta el "       \
	"{expires}{/}."
#define ES_ANSWER "Mira la invitación y decide si quieres unirte"
#define ES_BUTTON "Ver la invitación"
#define ES_ADDRESS "Si el botón no funciona, abre esta dirección:"
#define ES_UNTIL "Puedes responder hasta el {expires}."
#define ES_STOP "{?stop} Responde STOP para darte de baja.{/}"
#define ES_IGNORE "Si no sabes quién te envía esto, ignóralo: no pasará nada."

/* ---- French ------------------------------------------------------------- */

#define FR_GREETING(NAME) "Bonjour " NAME("member") ","
#define FR_OPENING(NAME)                                                       \
	"{?inviter}" NAME("inviter") " vous invite à rejoindre « " NAME(           \
		"group") " ».{/}"                                                     \
				 "{!inviter}On vous invite à rejoindre « " NAME(               \
					 "group") " ».{/}"
#define FR_REMINDER                                                            \
	"Pour rappel, l'invitation est toujours ouverte{?expires} jusqu'au "       \
	"{expires}{/}."
#define FR_ANSWER "Voir l'invitation et décider de rejoindre ou non le groupe"
#define FR_BUTTON "Voir l'invitation"
#define FR_ADDRESS "Si le bouton ne fonctionne pas, ouvrez cette adresse :"
#define FR_UNTIL "Vous pouvez répondre jusqu'au {expires}."
#define FR_STOP "{?stop} Répondez STOP pour ne plus rien recevoir.{/}"
#define FR_IGNORE                                                              \
	"Si vous ne savez pas qui vous envoie ce message, ignorez-le : il ne se " \
	"passera rien."

/* ---- German ------------------------------------------------------------- */

#define DE_GREETING(NAME) "Hallo " NAME("member") "!"
#define DE_OPENING(NAME)                                                       \
	"{?inviter}" NAME("inviter") " lädt dich in die Gruppe „" NAME(            \
		"group") "“ ein.{/}"                                                 \
				 "{!inviter}Du bist in die Gruppe „" NAME(                     \
					 "group") "“ eingeladen.{/}"
#define DE_REMINDER                                                            \
	"Zur Erinnerung: Die Einladung ist noch offen{?expires}, bis zum "         \
	"{expires}{/}."
#define DE_ANSWER "Sieh dir die Einladung an und entscheide, ob du beitrittst"
#define DE_BUTTON "Einladung ansehen"
#define DE_ADDRESS "Wenn der Knopf nicht geht, öffne diese Adresse:"
#define DE_UNTIL "Du kannst bis zum {expires} antworten."
#define DE_STOP "{?stop} Mit STOP antworten, um nichts mehr zu bekommen.{/}"
#define DE_IGNORE                                                              \
	"Wenn du nicht weißt, wer dir das schickt, ignoriere es einfach: Es "     \
	"passiert nichts."

/* ---- Portuguese, worded for both sides of the Atlantic ------------------ */

#define PT_GREETING(NAME) "Olá, " NAME("member") "!"
#define PT_OPENING(NAME)                                                       \
	"{?inviter}Chegou um convite de " NAME("inviter") " para o grupo “" NAME(  \
		"group") "”.{/}"                                                     \
				 "{!inviter}Chegou um convite para o grupo “" NAME(            \
					 "group") "”.{/}"
#define PT_REMINDER                                                            \
	"Lembrete: o convite continua aberto{?expires} até {expires}{/}."
#define PT_ANSWER "Veja o convite e decida se quer entrar"
#define PT_BUTTON "Ver o convite"
#define PT_ADDRESS "Se o botão não funcionar, abra este endereço:"
#define PT_UNTIL "Você pode responder até {expires}."
#define PT_STOP "{?stop} Responda STOP para parar.{/}"
#define PT_IGNORE "Se não sabe quem enviou isto, ignore: não acontece nada."

/* ---- all of them -------------------------------------------------------- */

#define MAIL(tag, subject_, body_)                                             \
	{                                                                          \
		.channel = GA_CHANNEL_EMAIL, .locale = tag, .subject = subject_,       \
		.body = body_                                                          \
	}
#define SMS(tag, body_)                                                        \
	{                                                                          \
		.channel = GA_CHANNEL_MOBILE, .locale = tag, .body = body_             \
	}

/* The HTML parts are put in when they are asked for the first time. */
static GaTemplate templates[] = {
	SMS("en",
		"{?reminder}Reminder: {/}"
		"{?inviter}{inviter} invites you to join \"{group}\": {link}{/}"
		"{!inviter}You are invited to join \"{group}\": {link}{/}" EN_STOP),
	MAIL("en",
		 "{?reminder}Reminder: {/}{?inviter}{inviter} invites you to {group}{/}"
		 "{!inviter}Invitation to {group}{/}",
		 TEXT(EN_GREETING(PLAIN), EN_OPENING(PLAIN), EN_REMINDER, EN_ANSWER ":",
			  EN_UNTIL, EN_IGNORE)),
	SMS("es", "{?reminder}Recordatorio: {/}"
			  "{?inviter}{inviter} te invita a unirte a \"{group}\": {link}{/}"
			  "{!inviter}Te invitan a unirte a \"{group}\": {link}{/}" ES_STOP),
	MAIL("es",
		 "{?reminder}Recordatorio: {/}"
		 "{?inviter}{inviter} te invita a {group}{/}"
		 "{!inviter}Invitación a {group}{/}",
		 TEXT(ES_GREETING(PLAIN), ES_OPENING(PLAIN), ES_REMINDER, ES_ANSWER ":",
			  ES_UNTIL, ES_IGNORE)),
	SMS("fr",
		"{?reminder}Rappel : {/}"
		"{?inviter}{inviter} vous invite à rejoindre \"{group}\" : {link}{/}"
		"{!inviter}On vous invite à rejoindre \"{group}\" : {link}{/}" FR_STOP),
	MAIL("fr",
		 "{?reminder}Rappel : {/}"
		 "{?inviter}{inviter} vous invite à rejoindre {group}{/}"
		 "{!inviter}Invitation à rejoindre {group}{/}",
		 TEXT(FR_GREETING(PLAIN), FR_OPENING(PLAIN), FR_REMINDER,
			  FR_ANSWER " :", FR_UNTIL, FR_IGNORE)),
	SMS("de",
		"{?reminder}Zur Erinnerung: {/}"
		"{?inviter}{inviter} lädt dich in die Gruppe \"{group}\" ein: {link}{/}"
		"{!inviter}Du bist in die Gruppe \"{group}\" eingeladen: "
		"{link}{/}" DE_STOP),
	MAIL("de",
		 "{?reminder}Zur Erinnerung: {/}"
		 "{?inviter}{inviter} lädt dich in die Gruppe {group} ein{/}"
		 "{!inviter}Einladung in die Gruppe {group}{/}",
		 TEXT(DE_GREETING(PLAIN), DE_OPENING(PLAIN), DE_REMINDER, DE_ANSWER ":",
			  DE_UNTIL, DE_IGNORE)),
	SMS("pt",
		"{?reminder}Lembrete: {/}Convite {?inviter}de {inviter} {/}para o "
		"grupo \"{group}\": {link}" PT_STOP),
	MAIL("pt",
		 "{?reminder}Lembrete: {/}"
		 "Convite {?inviter}de {inviter} {/}para o grupo {group}",
		 TEXT(PT_GREETING(PLAIN), PT_OPENING(PLAIN), PT_REMINDER, PT_ANSWER ":",
			  PT_UNTIL, PT_IGNORE)),
};

/* ---- the HTML parts ----------------------------------------------------- */

typedef enum Word
{
	WORD_LANGUAGE,
	WORD_TITLE,
	WORD_GREETING,
	WORD_OPENING,
	WORD_STILL_OPEN,
	WORD_ANSWER,
	WORD_ADDRESS,
	WORD_UNTIL,
	WORD_IGNORE,
	WORD_COUNT
} Word;

static const GaFieldInfo word_fields[WORD_COUNT] = {
	[WORD_LANGUAGE] = {"language", GA_FIELD_AS_VALUE},
	[WORD_TITLE] = {"title", GA_FIELD_AS_VALUE},
	[WORD_GREETING] = {"greeting", GA_FIELD_AS_VALUE},
	[WORD_OPENING] = {"opening", GA_FIELD_AS_VALUE},
	[WORD_STILL_OPEN] = {"still_open", GA_FIELD_AS_VALUE},
	[WORD_ANSWER] = {"answer", GA_FIELD_AS_VALUE},
	[WORD_ADDRESS] = {"address", GA_FIELD_AS_VALUE},
	[WORD_UNTIL] = {"until", GA_FIELD_AS_VALUE},
	[WORD_IGNORE] = {"ignore", GA_FIELD_AS_VALUE},
};

static const GaFieldSet word_set = {word_fields, WORD_COUNT};

static const struct
{
	const char *locale;
	const char *words[WORD_COUNT];
} html_words[] = {
	{"en",
	 {[WORD_LANGUAGE] = "en",
	  [WORD_GREETING] = EN_GREETING(ISOLATED),
	  [WORD_OPENING] = EN_OPENING(ISOLATED),
	  [WORD_STILL_OPEN] = EN_REMINDER,
	  [WORD_ANSWER] = EN_BUTTON,
	  [WORD_ADDRESS] = EN_ADDRESS,
	  [WORD_UNTIL] = EN_UNTIL,
	  [WORD_IGNORE] = EN_IGNORE}},
	{"es",
	 {[WORD_LANGUAGE] = "es",
	  [WORD_GREETING] = ES_GREETING(ISOLATED),
	  [WORD_OPENING] = ES_OPENING(ISOLATED),
	  [WORD_STILL_OPEN] = ES_REMINDER,
	  [WORD_ANSWER] = ES_BUTTON,
	  [WORD_ADDRESS] = ES_ADDRESS,
	  [WORD_UNTIL] = ES_UNTIL,
	  [WORD_IGNORE] = ES_IGNORE}},
	{"fr",
	 {[WORD_LANGUAGE] = "fr",
	  [WORD_GREETING] = FR_GREETING(ISOLATED),
	  [WORD_OPENING] = FR_OPENING(ISOLATED),
	  [WORD_STILL_OPEN] = FR_REMINDER,
	  [WORD_ANSWER] = FR_BUTTON,
	  [WORD_ADDRESS] = FR_ADDRESS,
	  [WORD_UNTIL] = FR_UNTIL,
	  [WORD_IGNORE] = FR_IGNORE}},
	{"de",
	 {[WORD_LANGUAGE] = "de",
	  [WORD_GREETING] = DE_GREETING(ISOLATED),
	  [WORD_OPENING] = DE_OPENING(ISOLATED),
	  [WORD_STILL_OPEN] = DE_REMINDER,
	  [WORD_ANSWER] = DE_BUTTON,
	  [WORD_ADDRESS] = DE_ADDRESS,
	  [WORD_UNTIL] = DE_UNTIL,
	  [WORD_IGNORE] = DE_IGNORE}},
	{"pt",
	 {[WORD_LANGUAGE] = "pt",
	  [WORD_GREETING] = PT_GREETING(ISOLATED),
	  [WORD_OPENING] = PT_OPENING(ISOLATED),
	  [WORD_STILL_OPEN] = PT_REMINDER,
	  [WORD_ANSWER] = PT_BUTTON,
	  [WORD_ADDRESS] = PT_ADDRESS,
	  [WORD_UNTIL] = PT_UNTIL,
	  [WORD_IGNORE] = PT_IGNORE}},
};

/* The frame with a language's words in it; its places for names stay, being none of these words. */
static const char *
html_of(const GaTemplate *mail)
{
	const char *words[WORD_COUNT];
	StringInfoData out;

	for (int i = 0; i < lengthof(html_words); i++)
	{
		if (strcmp(html_words[i].locale, mail->locale) != 0)
			continue;
		memcpy(words, html_words[i].words, sizeof(words));
		words[WORD_TITLE] = mail->subject;
		initStringInfo(&out);
		ga_template_render(&out, &word_set, mail_html, words, GA_RENDER_TEXT);
		return out.data;
	}
	return NULL;
}

/* Once a process: a caller may never need them. */
static const GaTemplate *
builtin_templates(void)
{
	static bool is_complete = false;
	MemoryContext before;

	if (is_complete)
		return templates;
	before = MemoryContextSwitchTo(TopMemoryContext);
	for (int i = 0; i < lengthof(templates); i++)
		if (templates[i].channel == GA_CHANNEL_EMAIL &&
			templates[i].html == NULL)
			templates[i].html = html_of(&templates[i]);
	MemoryContextSwitchTo(before);
	is_complete = true;
	return templates;
}

const GaTemplate *
ga_language_builtin_templates(int *count)
{
	*count = lengthof(templates);
	return builtin_templates();
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
	return find_template(builtin_templates(), lengthof(templates), channel,
						 tag);
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

bool
ga_language_has_words(const char *locale)
{
	GaTemplates none = {0};

	return choose_for(&none, GA_CHANNEL_EMAIL, locale) != NULL;
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
