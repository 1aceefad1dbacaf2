/*
 * page_words.c
 *		Every word of the pages, one row a sentence, one column a language.
 *
 * German says du, Spanish tú, French vous and Portuguese você, as their messages
 * do (message/languages.c).  A row that lacks a language does not compile.  The words stand in HTML as
 * they are: they must not contain <, > or &.
 */
#include "postgres.h"

#include "message/calendar.h"
#include "message/page/page_words.h"
#include "utils/timestamp.h"

typedef enum Language
{
	ENGLISH,
	SPANISH,
	FRENCH,
	GERMAN,
	PORTUGUESE,
	LANGUAGE_COUNT
} Language;

#define SAY(word, en, es, fr, de, pt)                                          \
	[GA_WORD_##word] = {[ENGLISH] = (en),                                      \
						[SPANISH] = (es),                                      \
						[FRENCH] = (fr),                                       \
						[GERMAN] = (de),                                       \
						[PORTUGUESE] = (pt)}

/* clang-format off */
static const char *const words[GA_WORD_COUNT][LANGUAGE_COUNT] = {
	SAY(NONE, "", "", "", "", ""),
	SAY(TITLE,
		"Invitation to {group}",
		"Invitación a {group}",
		"Invitation à {group}",
		"Einladung zu {group}",
		"Convite para {group}"),
	SAY(FOR_MEMBER,
		"Invitation for {member}",
		"Invitación para {member}",
		"Invitation pour {member}",
		"Einladung für {member}",
		"Convite para {member}"),
	SAY(INVITES,
		"{inviter} invites you to join this group.",
		"{inviter} te invita a unirte a este grupo.",
		"{inviter} vous invite à rejoindre ce groupe.",
		"{inviter} lädt dich in diese Gruppe ein.",
		"{inviter} convida você para este grupo."),
	SAY(INVITED,
		"You are invited to join this group.",
		"Te invitan a unirte a este grupo.",
		"On vous invite à rejoindre ce groupe.",
		"Du bist in diese Gruppe eingeladen.",
		"Você recebeu um convite para este grupo."),
	SAY(ACCEPT, "Accept", "Aceptar", "Accepter", "Annehmen", "Aceitar"),
	SAY(DECLINE, "Decline", "Rechazar", "Refuser", "Ablehnen", "Recusar"),
	SAY(IF_ACCEPTED,
		"If you accept, you join the group, and its members see your name and "
		"your answer.",
		"Si aceptas, te unes al grupo y sus miembros ven tu nombre y tu "
		"respuesta.",
		"Si vous acceptez, vous rejoignez le groupe, et ses membres voient "
		"votre nom et votre réponse.",
		"Wenn du annimmst, trittst du der Gruppe bei, und ihre Mitglieder "
		"sehen deinen Namen und deine Antwort.",
		"Se aceitar, você entra no grupo, e os membros veem seu nome e sua "
		"resposta."),
	SAY(UNTIL,
		"You can answer until {date}.",
		"Puedes responder hasta el {date}.",
		"Vous pouvez répondre jusqu’au {date}.",
		"Du kannst bis zum {date} antworten.",
		"Você pode responder até {date}."),
	SAY(STRANGER,
		"You do not know who this comes from? Simply close this page: nobody "
		"joins without accepting.",
		"¿No sabes de quién viene? Cierra esta página: nadie se une sin "
		"aceptar.",
		"Vous ne savez pas de qui cela vient\u202f? Fermez simplement cette "
		"page\u202f: personne ne rejoint un groupe sans accepter.",
		"Du weißt nicht, von wem das kommt? Schließ einfach diese Seite: "
		"Niemand tritt bei, ohne anzunehmen.",
		"Não sabe de quem isto vem? Basta fechar esta página: ninguém entra "
		"sem aceitar."),
	SAY(CHOOSE,
		"That was neither yes nor no. Please choose one of the two answers.",
		"Eso no fue ni un sí ni un no. Elige una de las dos respuestas.",
		"Ce n’était ni oui ni non. Choisissez l’une des deux réponses.",
		"Das war weder Ja noch Nein. Bitte wähle eine der beiden Antworten.",
		"Isso não foi nem sim nem não. Escolha uma das duas respostas."),
	SAY(ACCEPTED_TITLE,
		"You have joined {group}",
		"Te has unido a {group}",
		"Vous avez rejoint {group}",
		"Du gehörst jetzt zu {group}",
		"Você entrou em {group}"),
	SAY(ACCEPTED,
		"You accepted the invitation on {date}.",
		"Aceptaste la invitación el {date}.",
		"Vous avez accepté l’invitation le {date}.",
		"Du hast die Einladung am {date} angenommen.",
		"Você aceitou o convite em {date}."),
	SAY(ACCEPTED_STANDS,
		"You had accepted already, so declining changed nothing.",
		"Ya habías aceptado, así que rechazar no cambió nada.",
		"Vous aviez déjà accepté\u202f: refuser n’a rien changé.",
		"Du hattest schon angenommen; das Ablehnen hat nichts geändert.",
		"Você já tinha aceitado; recusar não mudou nada."),
	SAY(DECLINED_TITLE,
		"You have declined",
		"Has rechazado la invitación",
		"Vous avez refusé",
		"Du hast abgelehnt",
		"Você recusou o convite"),
	SAY(DECLINED,
		"You declined the invitation to {group} on {date}.",
		"Rechazaste la invitación a {group} el {date}.",
		"Vous avez refusé l’invitation à {group} le {date}.",
		"Du hast die Einladung zu {group} am {date} abgelehnt.",
		"Você recusou o convite para {group} em {date}."),
	SAY(DECLINED_STANDS,
		"You had declined already, so accepting changed nothing.",
		"Ya habías rechazado, así que aceptar no cambió nada.",
		"Vous aviez déjà refusé\u202f: accepter n’a rien changé.",
		"Du hattest schon abgelehnt; das Annehmen hat nichts geändert.",
		"Você já tinha recusado; aceitar não mudou nada."),
	SAY(CHANGED_MIND,
		"If you change your mind, ask for a new invitation.",
		"Si cambias de opinión, pide una nueva invitación.",
		"Si vous changez d’avis, demandez une nouvelle invitation.",
		"Wenn du es dir anders überlegst, bitte um eine neue Einladung.",
		"Se mudar de ideia, peça um novo convite."),
	SAY(CONTINUE, "Continue", "Continuar", "Continuer", "Weiter", "Continuar"),
	SAY(CLOSE_PAGE,
		"Nothing else is needed. You can close this page.",
		"No hace falta nada más. Puedes cerrar esta página.",
		"Rien d’autre n’est nécessaire. Vous pouvez fermer cette page.",
		"Mehr ist nicht nötig. Du kannst diese Seite schließen.",
		"Não é preciso mais nada. Você pode fechar esta página."),
	SAY(REVOKED_TITLE,
		"This invitation was withdrawn",
		"Esta invitación fue retirada",
		"Cette invitation a été retirée",
		"Diese Einladung wurde zurückgezogen",
		"Este convite foi retirado"),
	SAY(REVOKED,
		"The invitation to {group} can no longer be answered.",
		"Ya no se puede responder a la invitación a {group}.",
		"Il n’est plus possible de répondre à l’invitation à {group}.",
		"Die Einladung zu {group} kann nicht mehr beantwortet werden.",
		"Já não é possível responder ao convite para {group}."),
	SAY(ARCHIVED_TITLE,
		"This group is closed",
		"Este grupo está cerrado",
		"Ce groupe est fermé",
		"Diese Gruppe ist geschlossen",
		"Este grupo está encerrado"),
	SAY(ARCHIVED,
		"{group} was archived, so its invitations can no longer be answered.",
		"{group} fue archivado: ya no se puede responder a sus invitaciones.",
		"{group} a été archivé\u202f: il n’est plus possible de répondre à ses "
		"invitations.",
		"{group} wurde archiviert; Einladungen dorthin können nicht mehr "
		"beantwortet werden.",
		"{group} foi arquivado: já não é possível responder aos convites."),
	SAY(EXPIRED_TITLE,
		"This invitation has expired",
		"Esta invitación ha caducado",
		"Cette invitation a expiré",
		"Diese Einladung ist abgelaufen",
		"Este convite expirou"),
	SAY(EXPIRED,
		"The invitation to {group} could be answered until {date}.",
		"Se podía responder a la invitación a {group} hasta el {date}.",
		"Il était possible de répondre à l’invitation à {group} jusqu’au "
		"{date}.",
		"Die Einladung zu {group} konnte bis zum {date} beantwortet werden.",
		"Era possível responder ao convite para {group} até {date}."),
	SAY(ASK_AGAIN,
		"If you would like to join, ask for a new invitation.",
		"Si quieres unirte, pide una nueva invitación.",
		"Si vous voulez rejoindre le groupe, demandez une nouvelle invitation.",
		"Wenn du beitreten möchtest, bitte um eine neue Einladung.",
		"Se quiser entrar, peça um novo convite."),
	SAY(UNKNOWN_TITLE,
		"This link does not work",
		"Este enlace no funciona",
		"Ce lien ne fonctionne pas",
		"Dieser Link funktioniert nicht",
		"Este link não funciona"),
	SAY(UNKNOWN,
		"It may be incomplete, or a newer message has replaced it. Open the "
		"link of the newest message you got.",
		"Quizá esté incompleto o lo haya sustituido un mensaje más reciente. "
		"Abre el enlace del último mensaje que recibiste.",
		"Il est peut-être incomplet, ou un message plus récent l’a remplacé. "
		"Ouvrez le lien du dernier message que vous avez reçu.",
		"Vielleicht ist er unvollständig, oder eine neuere Nachricht hat ihn "
		"ersetzt. Öffne den Link der neuesten Nachricht.",
		"Talvez esteja incompleto, ou uma mensagem mais nova o substituiu. "
		"Abra o link da última mensagem que recebeu."),
	SAY(STOP_TITLE,
		"No more messages?",
		"¿No más mensajes?",
		"Ne plus recevoir de messages\u202f?",
		"Keine Nachrichten mehr?",
		"Não receber mais mensagens?"),
	SAY(STOP,
		"If you confirm, nothing more is sent from here to the address this "
		"link came to, whoever wants to invite you.",
		"Si confirmas, no se enviará nada más desde aquí a la dirección a la "
		"que llegó este enlace, te invite quien te invite.",
		"Si vous confirmez, plus rien ne sera envoyé d’ici à l’adresse qui a "
		"reçu ce lien, qui que ce soit qui vous invite.",
		"Wenn du bestätigst, wird von hier nichts mehr an die Adresse "
		"gesendet, an die dieser Link ging, wer auch immer dich einladen möchte.",
		"Se confirmar, nada mais será enviado daqui para o endereço que "
		"recebeu este link, seja quem for que convide você."),
	SAY(STOP_BUTTON,
		"Stop all messages",
		"No recibir más mensajes",
		"Arrêter tous les messages",
		"Keine Nachrichten mehr senden",
		"Parar todas as mensagens"),
	SAY(STOP_NOTHING_YET,
		"Here by mistake? Simply close this page: nothing has changed.",
		"¿Llegaste por error? Cierra esta página: nada ha cambiado.",
		"Ici par erreur\u202f? Fermez simplement cette page\u202f: rien n’a "
		"changé.",
		"Aus Versehen hier? Schließ einfach diese Seite: Es hat sich "
		"nichts geändert.",
		"Chegou aqui por engano? Basta fechar esta página: nada mudou."),
	SAY(STOPPED_TITLE,
		"No more messages",
		"No más mensajes",
		"Plus de messages",
		"Keine Nachrichten mehr",
		"Sem mais mensagens"),
	SAY(STOPPED,
		"Nothing more will be sent from here to the address this link came to.",
		"No se enviará nada más desde aquí a la dirección a la que llegó este "
		"enlace.",
		"Plus rien ne sera envoyé d’ici à l’adresse qui a reçu ce lien.",
		"An die Adresse, an die dieser Link ging, wird von hier nichts mehr "
		"gesendet.",
		"Nada mais será enviado daqui para o endereço que recebeu este link."),
};

/* How a language is called, written and how it says when. */
static const struct
{
	const char *tag;
	const char *direction;
	const char *at;		/* between the date and the time */
	const char *at_one; /* where one o'clock is singular; else the same */
	const char *zone;	/* after the time */
} languages[LANGUAGE_COUNT] = {
	[ENGLISH] = {"en", "ltr", " at ", " at ", " UTC"},
	[SPANISH] = {"es", "ltr", " a las ", " a la ", " UTC"},
	[FRENCH] = {"fr", "ltr", " à ", " à ", " UTC"},
	[GERMAN] = {"de", "ltr", " um ", " um ", " Uhr (UTC)"},
	[PORTUGUESE] = {"pt", "ltr", " às ", " à ", " UTC"},
};
/* clang-format on */

/* By ASCII: the server's own language has no say. */
static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The language whose tag the first subtag of `locale` is. */
static int
find_language(const char *locale, size_t length)
{
	size_t subtag = 0;

	while (subtag < length && is_letter(locale[subtag]))
		subtag++;
	/* "enx" is not "en". */
	if (subtag < length && strchr("-_.@", locale[subtag]) == NULL)
		return -1;
	for (int i = 0; i < LANGUAGE_COUNT; i++)
		if (strlen(languages[i].tag) == subtag &&
			pg_strncasecmp(languages[i].tag, locale, subtag) == 0)
			return i;
	return -1;
}

int
ga_message_language_find(const char *locale)
{
	return locale == NULL ? -1 : find_language(locale, strlen(locale));
}

int
ga_message_language(const char *locale)
{
	return Max(ga_message_language_find(locale), ENGLISH);
}

/* The thousandths of ";q=0.8"; 1000 where no weight is given. */
static int
read_weight(const char *item, size_t length)
{
	const char *end = item + length;
	const char *at = memchr(item, ';', length);
	int weight = 0;
	int worth = 1000;

	if (at == NULL)
		return 1000;
	for (at++; at < end && *at == ' ';)
		at++;
	if (end - at < 3 || pg_strncasecmp(at, "q=", 2) != 0)
		return 1000;
	for (at += 2; at < end && worth > 0; at++)
	{
		if (*at == '.')
			continue;
		if (*at < '0' || *at > '9')
			break;
		weight += (*at - '0') * worth;
		worth /= 10;
	}
	return Min(weight, 1000);
}

int
ga_message_language_accepted(const char *header)
{
	int best = -1;
	int best_weight = 0;

	while (header != NULL && *header)
	{
		size_t length;
		int language;
		int weight;

		header += strspn(header, ", ");
		length = strcspn(header, ",");
		language = find_language(header, strcspn(header, ",; "));
		weight = read_weight(header, length);
		/* The first of equals counts, as people list them. */
		if (language >= 0 && weight > best_weight)
		{
			best = language;
			best_weight = weight;
		}
		header += length;
	}
	return best;
}

const char *
ga_message_language_tag(int language)
{
	return languages[language].tag;
}

const char *
ga_message_language_direction(int language)
{
	return languages[language].direction;
}

const char *
ga_page_word(int language, GaPageWord word)
{
	Assert(words[word][language] != NULL);
	return words[word][language];
}

void
ga_page_put_moment(StringInfo out, int language, TimestampTz moment)
{
	struct pg_tm tm;
	fsec_t fraction;

	if (timestamp2tm(moment, NULL, &tm, &fraction, NULL, NULL) != 0)
		return;
	appendStringInfo(
		out, "%s%s%02d:%02d%s", ga_calendar_date(&tm, languages[language].tag),
		tm.tm_hour == 1 ? languages[language].at_one : languages[language].at,
		tm.tm_hour, tm.tm_min, languages[language].zone);
}
