/*
 * page.h
 *		The pages a person opens: an invitation in each of its states, and
 *		one-click unsubscribe.
 */
#ifndef GA_MESSAGE_PAGE_PAGE_H
#define GA_MESSAGE_PAGE_PAGE_H

#include "postgres.h"

#include "base/invitation_text.h"
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

typedef enum GaPageState
{
	GA_PAGE_PENDING,
	GA_PAGE_ACCEPTED,
	GA_PAGE_DECLINED,
	GA_PAGE_REVOKED,
	GA_PAGE_ARCHIVED,
	GA_PAGE_EXPIRED,
	GA_PAGE_UNKNOWN,
	GA_PAGE_UNSUBSCRIBE,
	GA_PAGE_UNSUBSCRIBE_UNKNOWN, /* its link is none of ours */
	GA_PAGE_UNSUBSCRIBED,
	GA_PAGE_STATE_COUNT
} GaPageState;

/* What went wrong with what the person just sent. */
typedef enum GaPageNotice
{
	GA_PAGE_NO_NOTICE,
	GA_PAGE_CHOOSE, /* neither accept nor decline */
	GA_PAGE_STANDS	/* it was answered the other way before */
} GaPageNotice;

/* Texts are as they are stored; NULL where there is none. */
typedef struct GaPage
{
	GaPageState state;
	GaPageNotice notice;
	int language;
	const char *token;	   /* for the form; shown nowhere */
	const char *onward;	   /* where the app goes on; NULL: nowhere */
	GaInvitationText text; /* the image as an address to show */
} GaPage;

/* A whole HTML document that needs nothing else but the group's picture. */
extern void ga_page_compose(StringInfo out, const GaPage *page);

/* Its Content-Security-Policy: this style, this picture's origin, no more. */
extern const char *ga_page_policy(const GaPage *page);

#endif /* GA_MESSAGE_PAGE_PAGE_H */
