/*
 * link_check.c
 *		What settings that are links may be.
 *
 * Links stand in messages, in headers of mails and in redirects of the page, so
 * each setting says as narrowly as it can what it takes.
 */
#include "postgres.h"

#include "base/setting/link_check.h"

/* With its token the link must fit a line of a mail's header (RFC 5322, 2.1.1: 998). */
#define UNSUBSCRIBE_URL_MAX 800

/* What a link's URL may consist of, since it stands in messages and headers. */
static bool
check_link(const char *url)
{
	for (const char *c = url; *c; c++)
		if ((unsigned char) *c <= ' ' || *c == '"' || *c == '<' || *c == '>' ||
			(unsigned char) *c >= 127)
		{
			GUC_check_errdetail("The link must not contain white space, quotes "
								"or characters outside ASCII.");
			return false;
		}
	return true;
}

bool
ga_link_check_invitation(char **value, void **extra, GucSource source)
{
	const char *url = *value;

	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
	{
		GUC_check_errdetail("The link must begin with http:// or https://.");
		return false;
	}
	return check_link(url);
}

/* Empty: there is none. */
bool
ga_link_check_optional(char **value, void **extra, GucSource source)
{
	return (*value)[0] == '\0' ||
		   ga_link_check_invitation(value, extra, source);
}

bool
ga_link_check_image_template(char **value, void **extra, GucSource source)
{
	const char *url = *value;

	if (url[0] == '\0')
		return true;
	if (strstr(url, "{url}") == NULL)
	{
		GUC_check_errdetail("The template must contain {url}.");
		return false;
	}
	return ga_link_check_invitation(value, extra, source);
}

bool
ga_link_check_unsubscribe(char **value, void **extra, GucSource source)
{
	const char *url = *value;

	if (url[0] != '\0' && strncmp(url, "https://", 8) != 0)
	{
		GUC_check_errdetail("The link must begin with https:// (RFC 8058).");
		return false;
	}
	/* With its token it must fit a line of a mail's header. */
	if (strlen(url) > UNSUBSCRIBE_URL_MAX)
	{
		GUC_check_errdetail("The link must not be longer than %d characters.",
							UNSUBSCRIBE_URL_MAX);
		return false;
	}
	return check_link(url);
}

/*
 * The page leads there and nowhere else: to a host that the setting names, by what
 * it says of the answer.
 */
bool
ga_link_check_answered(char **value, void **extra, GucSource source)
{
	static const char *const places[] = {"{group}", "{response}", "{token}"};
	static const char scheme[] = "https://";
	const char *url = *value;
	size_t host;

	if (url[0] == '\0')
		return true;
	if (strncmp(url, scheme, strlen(scheme)) != 0)
	{
		GUC_check_errdetail("The link must begin with https://.");
		return false;
	}
	host = strcspn(url + strlen(scheme), "/?#");
	if (host == 0 || strcspn(url + strlen(scheme), "{}@\\") < host)
	{
		GUC_check_errdetail("The link must name its host, without a user and "
							"without a place to be filled in.");
		return false;
	}
	for (const char *at = url; *at != '\0'; at++)
	{
		size_t place = 0;

		for (int i = 0; i < lengthof(places) && place == 0; i++)
			if (strncmp(at, places[i], strlen(places[i])) == 0)
				place = strlen(places[i]);
		if (place == 0 && strchr("{}\\", *at) != NULL)
		{
			GUC_check_errdetail("The places to be filled in are {group}, "
								"{response} and {token}.");
			return false;
		}
		at += place > 0 ? place - 1 : 0;
	}
	return check_link(url);
}
