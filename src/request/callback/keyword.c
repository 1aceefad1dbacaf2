/*
 * keyword.c
 *		STOP and its like, in the languages that people answer in.
 *
 * The English words are those that carriers and gateways of the United States
 * obey (CTIA's principles); a message counts when it is nothing but the word,
 * said once or more, however it is spaced, signed and decorated.
 */
#include "postgres.h"

#include "request/callback/keyword.h"

#include "base/shared/utf8.h"

/* Longer than any word below, said some times. */
#define WORD_MAX 96

/* In lower case, without accents and blanks; Latin, Cyrillic, Greek or Chinese. */
static const char *const stops[] = {
	"stop",		"stopall",		"stopsms",	   "unsubscribe",  "unsubscribeme",
	"unsub",	"cancel",		"end",		   "quit",		   "revoke",
	"optout",	"remove",		"removeme",	   "alto",		   "baja",
	"parar",	"detener",		"cancelar",	   "arret",		   "arreter",
	"arretez",	"desabonner",	"desinscrire", "stopp",		   "abmelden",
	"ende",		"abbestellen",	"pare",		   "sair",		   "descadastrar",
	"cancella", "annulla",		"disiscrivi",  "disiscriviti", "basta",
	"afmelden", "uitschrijven", "avsluta",	   "avregistrera", "afmeld",
	"stoppa",	"avslutt",		"lopeta",	   "peruuta",	   "wypisz",
	"salir",	"sedesabonner", "td",		   "отписка",	   "sedesinscrire",
	"стоп",		"отписаться",	"остановить",  "退订",		   "退訂",
	"停止",		"取消",			"配信停止"};
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
	if (plain_letter(character) != '\0')
		return false;
	return character < 0xC0 || character == 0xD7 || character == 0xF7 ||
		   (character >= 0x2000 && character <= 0x2BFF) ||
		   (character >= 0x3000 && character <= 0x303F) ||
		   (character >= 0xFF00 && character <= 0xFF20) ||
		   (character >= 0x1F000 && character <= 0x1FAFF);
}

typedef struct Letters
{
	char letters[WORD_MAX];
	size_t length;
} Letters;

/* false: it is too long to be one of ours. */
static bool
add_bytes(Letters *word, const char *bytes, size_t length)
{
	if (word->length + length >= WORD_MAX)
		return false;
	memcpy(word->letters + word->length, bytes, length);
	word->length += length;
	return true;
}

static bool
add_letter(Letters *word, int32_t character, const char *bytes, size_t length)
{
	char plain[2] = {plain_letter(character), 0};

	if (plain[0] != '\0')
		return add_bytes(word, plain, 1);
	/* Of the capitals of Cyrillic the small ones stand 32 behind. */
	if (character >= 0x410 && character <= 0x42F)
	{
		plain[0] = (char) (0xC0 | (character + 32) >> 6);
		plain[1] = (char) (0x80 | ((character + 32) & 0x3F));
		return add_bytes(word, plain, 2);
	}
	return add_bytes(word, bytes, length);
}

static bool
is_digit(int32_t character)
{
	return character >= '0' && character <= '9';
}

/*
 * In lower case and without accents, a blank for whatever signs stand between its
 * letters, and nothing around it; false: too long, or no letter in it.
 */
static bool
fold(const char *text, const char *end, Letters *word)
{
	size_t last = 0;

	word->length = 0;
	while (text < end)
	{
		const char *start = text;
		int32_t character = ga_utf8_next(&text, end);
		bool is_blank = is_sign(character) && !is_digit(character);
		bool is_letter = !is_blank && !is_digit(character);

		if (is_invisible(character) || (!is_letter && word->length == 0))
			continue;
		if (is_blank && word->letters[word->length - 1] == ' ')
			continue;
		if (is_blank
				? !add_bytes(word, " ", 1)
				: !add_letter(word, character, start, (size_t) (text - start)))
			return false;
		if (is_letter)
			last = word->length;
	}
	word->letters[last] = '\0';
	return last > 0;
}

/* "stop", "s t o p" */
static bool
is_spaced(const char *word, const char *one)
{
	for (; *word; word++)
		if (*word != ' ' && *word != *one++)
			return false;
	return *one == '\0';
}

/* "stop stop stop" */
static bool
is_repeated(const char *word, const char *one)
{
	size_t length = strlen(one);

	while (strncmp(word, one, length) == 0 && word[length] == ' ')
		word += length + 1;
	return strcmp(word, one) == 0;
}

static GaKeyword
find(const char *word)
{
	for (int i = 0; i < lengthof(stops); i++)
		if (is_spaced(word, stops[i]) || is_repeated(word, stops[i]))
			return GA_KEYWORD_STOP;
	for (int i = 0; i < lengthof(starts); i++)
		if (strcmp(word, starts[i]) == 0)
			return GA_KEYWORD_START;
	return GA_KEYWORD_NONE;
}

/* Behind "\n", "\r\n" or "\r", as gateways have it. */
static const char *
next_line(const char *line)
{
	line += strcspn(line, "\r\n");
	return line + (strncmp(line, "\r\n", 2) == 0 ? 2 : *line != '\0');
}

static bool
is_empty(const char *line)
{
	line += strspn(line, " \t");
	return *line == '\r' || *line == '\n' || *line == '\0';
}

/* "-- " alone in its line begins a signature: RFC 3676 4.3. */
static bool
is_dashes(const char *line)
{
	return strncmp(line, "--", 2) == 0 && is_empty(line + 2);
}

/* Where what a telephone adds begins: at the first empty line, or dashes. */
static const char *
end_of_words(const char *text)
{
	const char *line = next_line(text + strspn(text, " \t\r\n"));

	while (*line && !is_empty(line) && !is_dashes(line))
		line = next_line(line);
	return line;
}

GaKeyword
ga_keyword_read(const char *text)
{
	Letters word;

	return fold(text, end_of_words(text), &word) ? find(word.letters)
												 : GA_KEYWORD_NONE;
}
