/*
 * bare_http.c
 *		How many POSTs a second libcurl alone makes.
 *
 *	bare_http URL COUNT THREADS
 *
 * The request is that of a text message as the courier sends it to a provider of the
 * kind "http": about as many headers, about as long a body.
 * Build: cc -O2 -o bare_http bench/bare_http.c -lcurl -lpthread
 */
#include "bare.h"

static const char body[] =
	"{\"to\":\"+27701231234\",\"text\":\"Stephen invites you to the group "
	"Saturday "
	"hike. Answer here: https://groups.example/i/abcdefghijklmnopqrstuvwxyz\","
	"\"key\":\"inv-0198aa00000070008000000000000000.1.1\"}";

static size_t
drop(char *data, size_t size, size_t count, void *context)
{
	(void) data, (void) context;
	return size * count;
}

static void
prepare(CURL *curl, const char *url, void *state)
{
	static struct curl_slist key = {
		(char *) "Idempotency-Key: inv-0198aa00000070008000000000000000.1.1",
		NULL};
	static struct curl_slist type = {(char *) "Content-Type: application/json",
									 &key};

	(void) state;
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, &type);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long) sizeof(body) - 1);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
}

int
main(int argc, char **argv)
{
	Bare bare = {.prepare = prepare, .good_status = 200};

	return bare_run(&bare, argc, argv);
}
