/*
 * mail.h
 *		Composing one invitation as a MIME message.
 */
#ifndef GA_COURIER_SMTP_MAIL_H
#define GA_COURIER_SMTP_MAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/shared/mailbox.h"
#include "courier/job.h"
#include "courier/text.h"

/* What every message of a provider has in common. */
typedef struct GaMailSettings
{
	char *address;	/* of From */
	char *domain;	/* right of its @ */
	char *from;		/* the whole header */
	char *reply_to; /* likewise, unless a message brings its own; may be "" */
} GaMailSettings;

/* Once per process, before the first thread. */
extern void ga_mail_start(void);

/* `sender` as in the option; `reply_to` may be NULL.  false: not a mailbox. */
extern bool ga_mail_settings_read(GaMailSettings *settings, const char *sender,
								  const char *reply_to);
extern void ga_mail_settings_free(GaMailSettings *settings);

/*
 * Appends the message with CRLF line ends, at most 998 bytes a line, all
 * ASCII.  The job has passed ga_job_check.  false: `complaint`.
 */
extern bool ga_mail_compose(const GaMailSettings *settings,
							const GaCourierJob *job, GaText *out,
							char *complaint, size_t size);

/* The name of an option's mailbox as people read it: one line, no escapes. */
extern void ga_mail_read_name(const GaMailbox *mailbox, char *name,
							  size_t size);

/* Appends `Name <address>` in ASCII (RFC 2047); `name` may be empty. */
extern void ga_mail_put_mailbox(GaText *out, const char *name,
								const char *address);

#endif /* GA_COURIER_SMTP_MAIL_H */
