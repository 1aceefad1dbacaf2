/*
 * locale_tag.h
 *		Names of languages (BCP 47, RFC 5646).
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_LOCALE_TAG_H
#define GA_BASE_LOCALE_TAG_H

#include <stdbool.h>

/* RFC 5646 4.4.1: 35 characters hold any tag in use; and the closing zero. */
#define GA_LOCALE_MAX 36

/*
 * Normalizes "pt_br", "pt-BR" or "pt_BR.UTF-8" to "pt-BR"; `tag` has room for
 * GA_LOCALE_MAX bytes.  false: no name of a language.
 */
extern bool ga_locale_read(const char *text, char *tag);

/* "zh-Hant-TW" becomes "zh-Hant", then "zh"; false: it cannot be shorter. */
extern bool ga_locale_shorten(char *tag);

#endif /* GA_BASE_LOCALE_TAG_H */
