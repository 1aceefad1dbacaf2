/*
 * bare_smtp.c
 *		How many mails a second libcurl alone submits.
 *
 *	bare_smtp URL COUNT THREADS
 *
 * URL is smtp://HOST:PORT.  The mail is as long as an invitation with our own
 * templates and has its parts.
 * Build: cc -O2 -o bare_smtp bench/bare_smtp.c -lcurl -lpthread
 */
#include "bare.h"

typedef struct Mail
{
	size_t given;
} Mail;

static char text[16384];
static size_t length;

static void
put(const char *words)
{
	size_t more = strlen(words);

	memcpy(text + length, words, more);
	length += more;
}

static void
make_mail(void)
{
	put("From: Groups <hello@example.com>\r\nTo: Barnaby G <b@example.com>\r\n"
		"Subject: Stephen invites you to Saturday hike\r\n"
		"Date: Mon, 01 Jan 2024 00:00:00 +0000\r\n"
		"Message-ID: <inv-0198aa00000070008000000000000000.1.1@example.com>\r\n"
		"Auto-Submitted: auto-generated\r\nContent-Language: en\r\n"
		"MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n"
		" boundary=\"=_inv-0198aa00000070008000000000000000.1.1\"\r\n\r\n"
		"--=_inv-0198aa00000070008000000000000000.1.1\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	for (int i = 0; i < 2; i++)
		put("Stephen invites you to the group Saturday hike.  Answer here, "
			"=\r\n"
			"please: https://groups.example/i/abcdefghijklmnopqrstuvwxyz\r\n");
	put("\r\n--=_inv-0198aa00000070008000000000000000.1.1\r\n"
		"Content-Type: text/html; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	for (int i = 0; i < 6; i++)
		put("<p>Stephen invites you to the group <b>Saturday hike</b>.</p>\r\n"
			"<a "
			"href=3D\"https://groups.example/i/abcdefghijklm\">Answer</a>\r\n");
	put("\r\n--=_inv-0198aa00000070008000000000000000.1.1--\r\n");
}

static size_t
give(char *buffer, size_t size, size_t count, void *context)
{
	Mail *mail = context;
	size_t left = length - mail->given;
	size_t more = size * count < left ? size * count : left;

	memcpy(buffer, text + mail->given, more);
	mail->given += more;
	return more;
}

static void
begin_again(void *state)
{
	((Mail *) state)->given = 0;
}

static void
prepare(CURL *curl, const char *url, void *state)
{
	static struct curl_slist recipient = {(char *) "<b@example.com>", NULL};

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, "<hello@example.com>");
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, &recipient);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t) length);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(curl, CURLOPT_READDATA, state);
}

int
main(int argc, char **argv)
{
	Bare bare = {.prepare = prepare,
				 .rewind = begin_again,
				 .state_size = sizeof(Mail),
				 .good_status = 250};

	make_mail();
	return bare_run(&bare, argc, argv);
}
