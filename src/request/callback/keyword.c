/*
 * keyword.c
 *		STOP and its like, in the languages that invitations are written in.
 *
 * The English words are those that carriers and gateways of the United States
 * obey (CTIA's principles); a message counts when it is nothing but the word.
 */
#include "postgres.h"

#include "request/callback/keyword.h"

#include "base/shared/utf8.h"

/* Longer than any word below. */
#define WORD_MAX 32

/* In lower case and without accents. */
static const char *const stops[] = {
	"stop",		"stopall",	   "stop all", "unsubscribe", "cancel",
	"end",		"quit",		   "revoke",   "optout",	  "opt out",
	"opt-out",	"alto",		   "baja",	   "parar",		  "detener",
	"cancelar", "arret",	   "arreter",  "desabonner",  "desinscrire",
	"stopp",	"abmelden",	   "ende",	   "abbestellen", "pare",
	"sair",		"descadastrar"};
static const char *const starts[] = {"start", "unstop", "resume"};

/* Without its accent, in lower case; '\0': no letter of Latin-1. */
static char
plain_letter(int32_t character)
{
	/* U+00C0 to U+00DF; the small ones stand 32 behind them. */
	static const char capitals[] = "aaaaaaaceeeeiiiidnooooo\0ouuuuy\0s";

	if (character >= 'A' && character <= 'Z')
		return (char) (character + ('a' - 'A'));
	if (character >= 'a' && character <= 'z')
		return (char) character;
	/* The full-width ones of East Asian keyboards. */
	if (character >= 0xFF21 && character <= 0xFF3A)
		return (char) ('a' + character - 0xFF21);
	if (character >= 0xFF41 && character <= 0xFF5A)
		return (char) ('a' + character - 0xFF41);
	if (character >= 0xC0 && character <= 0xFE)
		return capitals[(character - 0xC0) & 0x1F];
	return '\0';
}

/* What nobody sees: joiners, marks of direction, accents by themselves. */
static bool
is_invisible(int32_t character)
{
	return ga_utf8_is_ignorable(character) ||
		   (character >= 0x300 && character <= 0x36F);
}

/* Signs, quotation marks and pictures say nothing beside the word. */
static bool
is_sign(int32_t character)
{
	return character < 0xC0 || character == 0xD7 || character == 0xF7 ||
		   (character >= 0x2000 && character <= 0x2BFF) ||
		   (character >= 0x3000 && character <= 0x303F) ||
		   (character >= 0xFF00 && character <= 0xFF20) ||
		   (character >= 0x1F000 && character <= 0x1FAFF);
}

/*
 * Lower case, no accents, nothing around it but letters; false: too long, or
 * other letters are in it.
 */
static bool
fold(const char *text, char *word)
{
	const char *end = text + strlen(text);
	size_t length = 0;

	while (text < end)
	{
		int32_t character = ga_utf8_next(&text, end);
		char letter = plain_letter(character);

		if (is_invisible(character))
			continue;
		if (letter == '\0' && !is_sign(character))
			return false;
		if (letter == '\0' && length == 0)
			continue;
		if (length + 1 >= WORD_MAX)
			return false;
		word[length++] = letter				? letter
						 : character < 0x80 ? (char) character
											: ' ';
	}
	while (length > 0 && (word[length - 1] < 'a' || word[length - 1] > 'z'))
		length--;
	word[length] = '\0';
	return true;
}

GaKeyword
ga_keyword_read(const char *text)
{
	char word[WORD_MAX];

	if (strlen(text) > 8 * WORD_MAX || !fold(text, word))
		return GA_KEYWORD_NONE;
	for (int i = 0; i < lengthof(stops); i++)
		if (strcmp(word, stops[i]) == 0)
			return GA_KEYWORD_STOP;
	for (int i = 0; i < lengthof(starts); i++)
		if (strcmp(word, starts[i]) == 0)
			return GA_KEYWORD_START;
	return GA_KEYWORD_NONE;
}
