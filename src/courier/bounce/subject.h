/*
 * subject.h
 *		What the subject of a returned mail says of it.
 */
#ifndef GA_COURIER_BOUNCE_SUBJECT_H
#define GA_COURIER_BOUNCE_SUBJECT_H

#include <stdbool.h>

typedef struct GaBounceSubject
{
	bool is_absence; /* somebody is away, or lets a program answer */
	bool is_late;	 /* a mail server still tries */
	bool is_lost;	 /* a mail server has given up */
	bool is_passed;	 /* a mail server has passed it on */
	bool names_loss; /* some word of giving up stands in it, be it the last */
} GaBounceSubject;

/*
 * Reads a decoded subject.  The earliest of the words decides, since behind it
 * our own subject may be quoted, which is whatever a group is called.
 */
extern GaBounceSubject ga_bounce_subject_read(const char *subject);

#endif /* GA_COURIER_BOUNCE_SUBJECT_H */
