/*
 * stop_words.c
 *		STOP and its like, in the languages that invitations are written in.
 *
 * The English words are those that carriers and gateways of the United States
 * obey (CTIA's principles); a message counts when it is nothing but the word.
 */
#include "postgres.h"

#include "request/stop_words.h"

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

/*
 * The letter of a two-byte sequence without its accent, a blank for what is no
 * letter (of Latin-1: quotes, the Spanish exclamation mark); '\0': none we know.
 */
static char
plain_letter(unsigned char first, unsigned char second)
{
	if (first == 0xC2 && second != '\0')
		return ' ';
	if (first != 0xC3)
		return '\0';
	/* U+00C0 to U+00DF are the capitals of U+00E0 to U+00FF. */
	switch (second | 0x20)
	{
		case 0xA0:
		case 0xA1:
		case 0xA2:
		case 0xA3:
			return 'a';
		case 0xA7:
			return 'c';
		case 0xA8:
		case 0xA9:
		case 0xAA:
			return 'e';
		default:
			return '\0';
	}
}

/* Lower case, no accents, nothing around it but letters; false: too long. */
static bool
fold(const char *text, char *word)
{
	size_t length = 0;

	for (const unsigned char *c = (const unsigned char *) text; *c; c++)
	{
		char letter = (char) *c;

		if (letter >= 'A' && letter <= 'Z')
			letter = (char) (letter + ('a' - 'A'));
		else if (*c >= 0x80)
		{
			letter = plain_letter(*c, c[1]);
			if (letter == '\0')
				return false;
			c++;
		}
		if (length == 0 && (letter < 'a' || letter > 'z'))
			continue;
		if (length + 1 >= WORD_MAX)
			return false;
		word[length++] = letter;
	}
	while (length > 0 && (word[length - 1] < 'a' || word[length - 1] > 'z'))
		length--;
	word[length] = '\0';
	return true;
}

GaWish
ga_wish_read(const char *text)
{
	char word[WORD_MAX];

	if (strlen(text) > 2 * WORD_MAX || !fold(text, word))
		return GA_WISH_NONE;
	for (int i = 0; i < lengthof(stops); i++)
		if (strcmp(word, stops[i]) == 0)
			return GA_WISH_STOP;
	for (int i = 0; i < lengthof(starts); i++)
		if (strcmp(word, starts[i]) == 0)
			return GA_WISH_START;
	return GA_WISH_NONE;
}
