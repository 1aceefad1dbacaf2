/*
 * languages.h
 *		What is said without an operator's own words, in five languages, and the
 *		choice between all there is.
 */
#ifndef GA_MESSAGE_LANGUAGES_H
#define GA_MESSAGE_LANGUAGES_H

#include "postgres.h"

#include "base/message_template.h"
#include "datatype/timestamp.h"

/* The built-in templates, one of each channel for each language. */
extern const GaTemplate *ga_language_builtin_templates(int *count);

/*
 * The template for a wanted language (NULL: none is known).  For the wanted
 * one, then group_api.default_locale, then English: the operator's own for
 * exactly that tag, the operator's own for the language, the built-in one.
 */
extern const GaTemplate *ga_language_choose_template(const GaTemplates *own,
													 GaChannel channel,
													 const char *wanted);

/* Whether there are built-in words in that language, a tag of BCP 47. */
extern bool ga_language_has_words(const char *locale);

/*
 * A moment in UTC, "29 November 2026, 14:03 UTC"; as ISO 8601 without T where
 * the language is none of ours.
 */
extern const char *ga_language_moment_text(TimestampTz moment,
										   const char *locale);

#endif /* GA_MESSAGE_LANGUAGES_H */
