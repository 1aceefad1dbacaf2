/*
 * courier_answer.c
 *		What gateways answer, by the rules of each kind that speaks HTTP: a status,
 *		a body in JSON, XML or neither.
 */
#include "fuzz.h"

#include "courier/http/http_answer.h"
#include "courier/http/http_plan.h"
#include "courier/provider.h"

#define KIND(kind, channel, options)                                           \
	"{\"name\":\"p\",\"kind\":\"" kind "\",\"channel\":\"" channel             \
	"\",\"options\":{" options "}}"

static const char *const configs[] = {
	KIND("http", "MOBILE",
		 "\"url\":\"https://g.example/{to}\",\"success\":\"2xx m[*].s=0\","
		 "\"id_path\":\"m[0].id\",\"code_path\":\"e.code\",\"text_path\":"
		 "\"e.text\""),
	KIND("http", "MOBILE", "\"url\":\"https://g.example/{to}\""),
	KIND("twilio", "MOBILE",
		 "\"account_sid\":\"AC0123456789abcdef0123456789abcdef\",\"sender\":"
		 "\"+15005550006\",\"password\":\"x\",\"poll\":\"true\""),
	KIND("vonage", "MOBILE",
		 "\"username\":\"k\",\"password\":\"x\",\"sender\":\"A\""),
	KIND("plivo", "MOBILE",
		 "\"auth_id\":\"MAXXXXXXXXXXXXXXXXXX\",\"password\":\"x\","
		 "\"sender\":\"A\",\"poll\":\"true\""),
	KIND("messagebird", "MOBILE", "\"password\":\"k\",\"sender\":\"A\""),
	KIND("sns", "MOBILE",
		 "\"region\":\"eu-west-1\",\"username\":\"k\",\"password\":\"x\""),
	KIND("kannel", "MOBILE",
		 "\"url\":\"http://k.example/\",\"username\":\"k\",\"password\":\"x\""),
	KIND("sendgrid", "EMAIL", "\"password\":\"k\",\"sender\":\"a@b.example\""),
	KIND("resend", "EMAIL", "\"password\":\"k\",\"sender\":\"a@b.example\""),
};

#define KINDS (sizeof(configs) / sizeof(configs[0]))

static GaCourierProvider *providers[KINDS];

extern int LLVMFuzzerInitialize(int *count, char ***arguments);

int
LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void) count, (void) arguments;
	for (size_t i = 0; i < KINDS; i++)
	{
		json_t *config = json_loads(configs[i], 0, NULL);

		PROMISE(config != NULL);
		providers[i] = ga_provider_open(config);
		json_decref(config);
		if (providers[i]->plan == NULL)
			fprintf(stderr, "%s: %s\n", configs[i], providers[i]->fault);
		PROMISE(providers[i]->plan != NULL);
	}
	return 0;
}

/* A status, a kind, then the body. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static CURL *curl;
	static const int statuses[] = {200, 201, 202, 204, 302, 400, 401, 402,
								   403, 404, 408, 429, 500, 502, 503, 0};
	GaHttpAnswer answer;
	GaOutcome outcome;
	const GaHttpPlan *plan;
	char *text;

	if (size < 2)
		return 0;
	if (curl == NULL)
		curl = curl_easy_init();
	plan = providers[data[0] % KINDS]->plan;
	text = fuzz_text(data + 2, size - 2);
	answer = (GaHttpAnswer){curl, statuses[data[1] % 16], text, size - 2};
	memset(&outcome, 0, sizeof(outcome));
	ga_http_answer_judge(plan, &answer, &outcome);
	PROMISE(outcome.verdict.outcome >= GA_OUTCOME_ACCEPTED);
	if (plan->row->poll.status_path != NULL)
	{
		memset(&outcome, 0, sizeof(outcome));
		ga_http_answer_judge_state(plan, &answer, &outcome);
	}
	free(text);
	return 0;
}
