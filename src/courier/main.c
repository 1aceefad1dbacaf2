/*
 * main.c
 *		The command line of group_api_courier.
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "courier/bounce/bounce.h"
#include "courier/confine.h"
#include "courier/job.h"
#include "courier/memory.h"
#include "courier/smtp/mail.h"
#include "courier/provider.h"
#include "courier/serve.h"

#define BAD_INPUT 2

static const char help_text[] =
	"group_api_courier delivers the messages of group_api.\n"
	"\n"
	"Usage:\n"
	"  group_api_courier serve --fd N [--tell] [--journal N]\n"
	"                                      serve a dispatcher on descriptor N, "
	"tell it\n"
	"                                      how the courier is confined, note "
	"in\n"
	"                                      the memory of descriptor N what "
	"was taken\n"
	"                                      over\n"
	"  group_api_courier send < job.json   deliver one message, tell what "
	"became of it\n"
	"  group_api_courier compose < job.json\n"
	"                                      print the message as it would "
	"leave\n"
	"  group_api_courier bounce < mail     print what a returned mail says, as "
	"JSON\n"
	"  group_api_courier --version | --help\n"
	"\n"
	"job.json holds a provider and a job:\n"
	"  {\"provider\": {\"name\": \"mail\", \"kind\": \"smtp\",\n"
	"                \"options\": {\"url\": \"smtp://relay.example:587\",\n"
	"                            \"sender\": \"Groups "
	"<hello@example.com>\"}},\n"
	"   \"job\": {\"id\": 1, \"provider\": \"mail\", \"to\": "
	"\"b@example.org\",\n"
	"           \"subject\": \"Hello\", \"text\": \"Hello!\",\n"
	"           \"message_key\": \"try-1\"}}\n"
	"A job with \"poll\": \"ID\" asks what became of that message of the\n"
	"provider's instead.\n"
	"\n"
	"send exits with 0 when the message was accepted, 1 when it was not,\n"
	"2 when the input cannot be used.\n";

static int __attribute__((format(printf, 2, 3)))
complain(const char *hint, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "group_api_courier: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\nHint: %s\n", hint);
	return BAD_INPUT;
}

/* What a message needs to be sent, read from standard input. */
typedef struct Order
{
	json_t *root;
	GaCourierProvider *provider;
	GaCourierJob job;
} Order;

static void
free_order(Order *order)
{
	ga_job_free(&order->job);
	if (order->provider)
		ga_provider_close(order->provider);
	json_decref(order->root);
}

static bool
read_order(Order *order)
{
	static const char hint[] = "Run group_api_courier --help for an example.";
	json_error_t error;
	json_t *provider;
	json_t *job;
	char complaint[256];

	memset(order, 0, sizeof(*order));
	order->root = json_loadf(stdin, 0, &error);
	if (order->root == NULL)
	{
		complain(hint, "standard input is not JSON: %s in line %d", error.text,
				 error.line);
		return false;
	}
	provider = json_object_get(order->root, "provider");
	job = json_object_get(order->root, "job");
	if (!json_is_object(provider) || !json_is_object(job))
	{
		complain(hint, "the input needs the objects \"provider\" and \"job\"");
		return false;
	}
	/* One provider needs no name to be told from others. */
	if (json_object_get(job, "provider") == NULL)
		json_object_set_new(job, "provider", json_string("the only one"));
	if (!ga_job_read(&order->job, json_incref(job), complaint,
					 sizeof(complaint)))
	{
		complain(hint, "%s", complaint);
		return false;
	}
	order->provider = ga_provider_open(provider);
	if (order->provider->fault)
	{
		complain("Options are those of CREATE SERVER and CREATE USER MAPPING.",
				 "the provider cannot be used: %s", order->provider->fault);
		return false;
	}
	return true;
}

static void
set_flag(json_t *object, const char *name, uint32_t flag)
{
	if (flag)
		json_object_set_new(object, name, json_true());
}

static void
print_outcome(const GaOutcome *outcome)
{
	const GaVerdict *verdict = &outcome->verdict;
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s*, s:b, s:f}", "outcome",
		ga_wire_outcome_name(verdict->outcome), "code", outcome->code, "detail",
		outcome->detail, "message_id",
		*outcome->message_id ? outcome->message_id : NULL, "provider_fault",
		(verdict->flags & GA_OUTCOME_PROVIDER_FAULT) != 0, "elapsed_ms",
		(double) outcome->elapsed_us / 1000.0);

	set_flag(object, "delivered", verdict->flags & GA_OUTCOME_IS_DELIVERED);
	set_flag(object, "failed", verdict->flags & GA_OUTCOME_IS_FAILED);
	set_flag(object, "dead_contact", verdict->flags & GA_OUTCOME_DEAD_CONTACT);
	set_flag(object, "opted_out", verdict->flags & GA_OUTCOME_OPTED_OUT);
	set_flag(object, "unsure", verdict->flags & GA_OUTCOME_UNSURE);
	set_flag(object, "crowded", verdict->flags & GA_OUTCOME_CROWDED);
	set_flag(object, "no_try", verdict->flags & GA_OUTCOME_NO_TRY);
	set_flag(object, "unreached", verdict->flags & GA_OUTCOME_UNREACHED);
	set_flag(object, "untrusted", verdict->flags & GA_OUTCOME_UNTRUSTED);
	if (verdict->retry_after_ms >= 0)
		json_object_set_new(
			object, "retry_after_s",
			json_real((double) verdict->retry_after_ms / 1000.0));
	if (outcome->captured.length)
		json_object_set_new(
			object, "captured",
			json_stringn(outcome->captured.data, outcome->captured.length));
	json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(object);
}

static int
run_send(void)
{
	Order order;
	GaOutcome outcome = {0};
	GaSender *sender;
	char said[128];
	bool good;

	ga_confine(GA_CONFINE_SENDER, said, sizeof(said));
	good = read_order(&order);

	if (good)
	{
		signal(SIGPIPE, SIG_IGN);
		sender = ga_provider_open_sender(order.provider, NULL);
		ga_provider_deliver(sender, &order.job, &outcome);
		print_outcome(&outcome);
		ga_provider_close_sender(sender);
	}
	free_order(&order);
	ga_text_free(&outcome.captured);
	if (!good)
		return BAD_INPUT;
	return outcome.verdict.outcome == GA_OUTCOME_ACCEPTED ? 0 : 1;
}

static int
run_compose(void)
{
	Order order;
	GaText message = {0};
	char complaint[256];
	char said[128];
	int status = BAD_INPUT;

	if (read_order(&order))
	{
		/* The file of a password is read by now. */
		ga_confine(GA_CONFINE_READER, said, sizeof(said));
		if (ga_provider_compose(order.provider, &order.job, &message, complaint,
								sizeof(complaint)))
			status = fwrite(message.data, 1, message.length, stdout) ==
							 message.length
						 ? 0
						 : 1;
		else
			complain("Correct the job and try again.",
					 "the message cannot be composed: %s", complaint);
	}
	free_order(&order);
	ga_text_free(&message);
	return status;
}

static int
run_bounce(void)
{
	GaText mail = {0};
	char buffer[65536];
	size_t got;
	char said[128];
	json_t *report;

	ga_confine(GA_CONFINE_READER, said, sizeof(said));
	while (mail.length <= GA_BOUNCE_MAX &&
		   (got = fread(buffer, 1, sizeof(buffer), stdin)) > 0)
		ga_text_append(&mail, buffer, got);
	report = mail.length > 0 ? ga_bounce_read(mail.data, mail.length) : NULL;
	ga_text_free(&mail);
	if (report == NULL)
		return complain("It begins with its headers, like a file of a Maildir.",
						"standard input is no mail");
	json_dumpf(report, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(report);
	return 0;
}

/* -1: it is no number of a descriptor. */
static int
descriptor(const char *text)
{
	char *end;
	long fd = strtol(text, &end, 10);

	return end == text || *end || fd < 0 || fd > INT_MAX ? -1 : (int) fd;
}

static int
run_serve(int count, char **arguments)
{
	static const char hint[] =
		"The dispatcher starts the courier itself; to try a provider, use "
		"group_api_courier send.";
	struct stat status;
	int fd = -1;
	int journal_fd = -1;
	bool tells = false;
	bool good = true;

	for (int i = 0; i < count; i++)
		if (strcmp(arguments[i], "--tell") == 0)
			tells = true;
		else if (strcmp(arguments[i], "--fd") == 0 && i + 1 < count)
			fd = descriptor(arguments[++i]);
		else if (strcmp(arguments[i], "--journal") == 0 && i + 1 < count)
			good = (journal_fd = descriptor(arguments[++i])) >= 0;
		else
			good = false;
	if (!good || fd < 0)
		return complain(hint, "serve needs --fd and the number of a socket");
	if (fstat(fd, &status) < 0 || !S_ISSOCK(status.st_mode))
		return complain(hint, "descriptor %d is not a socket", fd);
	ga_serve(fd, tells, journal_fd);
}

/* What the environment must not change about us. */
static void
start_libraries(void)
{
	/* libcurl would write TLS session keys to this file. */
	unsetenv("SSLKEYLOGFILE");
	json_object_seed(0);
	ga_memory_init_libraries();
	ga_mail_start();
}

int
main(int count, char **arguments)
{
	const char *command = count > 1 ? arguments[1] : "";

	if (strcmp(command, "--help") == 0)
	{
		fputs(help_text, stdout);
		return 0;
	}
	if (strcmp(command, "--version") == 0)
	{
		printf("group_api_courier %s (%s)\n", GA_VERSION, curl_version());
		return 0;
	}
	/* A shell's descriptors are no business of ours. */
	if (strcmp(command, "serve") != 0)
		(void) close_range(3, ~0U, 0);
	start_libraries();
	if (strcmp(command, "serve") == 0)
		return run_serve(count - 2, arguments + 2);
	if (strcmp(command, "send") == 0 && count == 2)
		return run_send();
	if (strcmp(command, "compose") == 0 && count == 2)
		return run_compose();
	if (strcmp(command, "bounce") == 0 && count == 2)
		return run_bounce();
	return complain("Run group_api_courier --help.",
					*command ? "cannot understand \"%s\"" : "no command given",
					command);
}
