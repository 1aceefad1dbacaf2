/*
 * header_words.h
 *		What people typed, as the words of a mail header (RFC 2047, RFC 5322).
 *
 * Words are separated by blanks, at which the header may be folded; none is
 * longer than a line of 76 columns takes.  What looks like an encoded word is
 * encoded itself, so that readers show what was typed and nothing else.
 */
#ifndef GA_COURIER_SMTP_HEADER_WORDS_H
#define GA_COURIER_SMTP_HEADER_WORDS_H

#include "courier/text.h"

/* RFC 2047 2: of a header that holds an encoded word; without the line end. */
#define GA_HEADER_LINE_MAX 76

/* Appends a text (a Subject); valid UTF-8 without control characters. */
extern void ga_header_put_text(GaText *out, const char *text);
/* Appends a display name: words, a quoted string, or encoded; likewise. */
extern void ga_header_put_phrase(GaText *out, const char *name);

/*
 * For whom makes headers of our words itself: puts a blank into each "=?", so
 * that nobody decodes what was typed.  Returns whether anything was changed; what
 * does not fit `size` is cut.
 */
extern bool ga_header_break_encoded(const char *in, char *out, size_t size);

#endif /* GA_COURIER_SMTP_HEADER_WORDS_H */
