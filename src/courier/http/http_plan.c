/*
 * http_plan.c
 *		A row of the provider table and a provider's options, compiled.
 *
 * Everything that is the same for all messages is worked out here once, so
 * that sending one only fills in values.
 */
#include "courier/http/http_plan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "courier/http/json_path.h"
#include "courier/memory.h"

/* The row's word, or else the option's; NULL when neither has one. */
static const char *
choose(const GaCourierProvider *provider, const char *row, const char *option)
{
	return row ? row : ga_provider_option(provider, option);
}

/*
 * The row's path and query behind another scheme and host, and perhaps a path of its
 * own: a region's endpoint, a proxy, a sink in a test.
 */
void
ga_http_plan_rebase(const char *url, const char *base, GaText *out)
{
	const char *path = strstr(url, "://") + 3;
	size_t length = strlen(base);

	path += strcspn(path, "/?#");
	while (length > 0 && base[length - 1] == '/')
		length--;
	ga_text_append(out, base, length);
	ga_text_puts(out, path);
}

/*
 * A gateway of the operator's own is described by templates, so only these tell whether
 * it wants the password.  Where one of them names it, the mapping must have it, and the
 * address must be one to which secrets are sent.
 */
static const char *
lookup_and_note(const void *context, const char *name)
{
	GaHttpPlan *plan = ((const GaCourierProvider *) context)->plan;

	plan->holds_password |= strcmp(name, "password") == 0;
	return ga_provider_lookup_secret(context, name);
}

/*
 * The row's own templates may hold the password, and those of a kind that the
 * operator describes as a whole; where the row knows what goes where, an
 * operator's URL has no use for it.
 */
static GaRequestOption
lookup_of(const GaHttpPlan *plan, const char *row)
{
	if (plan->row->auth == GA_AUTH_OPTION)
		return lookup_and_note;
	return row && plan->row->auth == GA_AUTH_TEMPLATE
			   ? ga_provider_lookup_secret
			   : ga_provider_lookup;
}

/*
 * Each value is percent-encoded where the template names it, so a contact or a text can
 * never end a path or begin another parameter.
 */
static bool
compile_url(GaCourierProvider *provider, const char *url,
			GaRequestTemplate *template, char *complaint, size_t size)
{
	const GaHttpPlan *plan = provider->plan;
	const char *base = ga_provider_option(provider, "base_url");
	GaText text = {0};
	bool good;

	if (base)
		ga_http_plan_rebase(url, base, &text);
	else
		ga_text_puts(&text, url);
	good = ga_request_template_compile(template, text.data, GA_ESCAPE_URL,
									   false, lookup_of(plan, NULL), provider,
									   complaint, size);
	ga_text_free(&text);
	return good;
}

/* What changes from message to message comes after the host. */
static bool
compile_urls(GaCourierProvider *provider, GaHttpPlan *plan, char *scheme,
			 size_t scheme_size, char *complaint, size_t size)
{
	const char *url = choose(provider, plan->row->url, "url");

	return compile_url(provider, url, &plan->url, complaint, size) &&
		   ga_provider_inspect_url(provider, plan->url.pieces[0].literal,
								   scheme, scheme_size, complaint, size) &&
		   (plan->row->poll.url == NULL ||
			compile_url(provider, plan->row->poll.url, &plan->poll_url,
						complaint, size));
}

/* A token of RFC 9110, 5.6.2: whatever else is in a name could begin another header. */
static bool
is_header_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char) *c) &&
			strchr("!#$%&'*+-.^_`|~", *c) == NULL)
			return false;
	return *name != '\0';
}

/*
 * The whole line is one template, since libcurl takes a header as one string.  Where the
 * value begins is kept: a signer (AWS, webhooks) signs names and values apart.
 */
static bool
add_header(GaCourierProvider *provider, GaHttpPlan *plan, const char *name,
		   const char *value, char *complaint, size_t size)
{
	GaHttpHeader *header = &plan->headers[plan->header_count];
	GaText line = {0};
	bool good;

	if (!is_header_name(name))
	{
		snprintf(complaint, size, "\"%.60s\" is not the name of a header",
				 name);
		return false;
	}
	ga_text_printf(&line, "%s: %s", name, value);
	header->value_offset = strlen(name) + 2;
	good = ga_text_is_header_safe(line.data) &&
		   ga_request_template_compile(
			   &header->template, line.data, GA_ESCAPE_NONE, false,
			   lookup_of(plan, plan->row->headers), provider, complaint, size);
	if (!ga_text_is_header_safe(line.data))
		snprintf(complaint, size, "header \"%.60s\" holds control characters",
				 name);
	ga_text_free(&line);
	if (good)
		plan->header_count++;
	return good;
}

static const char *const content_types[] = {
	[GA_BODY_FORM] = "application/x-www-form-urlencoded",
	[GA_BODY_JSON] = "application/json",
	[GA_BODY_QUERY] = NULL,
	[GA_BODY_RAW] = NULL,
};

/*
 * A header that the operator gives goes before ours of the same name: the type of a
 * gateway that insists on its own, or the key by which it knows a message again.
 */
static bool
add_headers(GaCourierProvider *provider, GaHttpPlan *plan,
			const json_t *headers, char *complaint, size_t size)
{
	const char *type = content_types[plan->body_kind];
	const char *key = plan->row->idempotency;
	const char *name;
	json_t *value;

	/* room for Content-Type, Expect and the key besides */
	plan->headers = ga_memory_alloc((json_object_size(headers) + 3) *
									sizeof(*plan->headers));
	json_object_foreach((json_t *) headers, name, value)
	{
		if (!json_is_string(value))
		{
			snprintf(complaint, size, "header \"%.60s\" must be a string",
					 name);
			return false;
		}
		if (strcasecmp(name, "Content-Type") == 0)
			type = NULL;
		if (strcasecmp(name, key) == 0)
			key = "";
		if (!add_header(provider, plan, name, json_string_value(value),
						complaint, size))
			return false;
	}
	if (type &&
		!add_header(provider, plan, "Content-Type", type, complaint, size))
		return false;
	return *key == '\0' ||
		   add_header(provider, plan, key, "{key}", complaint, size);
}

/*
 * The option was JSON when CREATE SERVER took it; that it is an object, and that no key
 * stands in it twice, of which one would be lost, is told here.
 */
static json_t *
parse_object(const char *source, const char *what, char *complaint, size_t size)
{
	json_error_t error;
	json_t *object =
		json_loads(source ? source : "{}", JSON_REJECT_DUPLICATES, &error);

	if (!json_is_object(object))
	{
		snprintf(complaint, size, "option \"%s\" is not a JSON object: %s",
				 what, object ? "" : error.text);
		json_decref(object);
		return NULL;
	}
	return object;
}

static bool
compile_request(GaCourierProvider *provider, GaHttpPlan *plan, char *complaint,
				size_t size)
{
	const char *body = choose(provider, plan->row->body, "body");
	const char *method = choose(provider, plan->row->method, "method");
	json_t *fields = parse_object(choose(provider, plan->row->fields, "fields"),
								  "fields", complaint, size);
	json_t *headers =
		parse_object(choose(provider, plan->row->headers, "headers"), "headers",
					 complaint, size);
	bool good = fields && headers;

	plan->body_kind = strcmp(body, "form") == 0	   ? GA_BODY_FORM
					  : strcmp(body, "query") == 0 ? GA_BODY_QUERY
					  : strcmp(body, "raw") == 0   ? GA_BODY_RAW
												   : GA_BODY_JSON;
	if (method == NULL)
		method = plan->body_kind == GA_BODY_QUERY ? "GET" : "POST";
	plan->method = ga_memory_strdup(method);
	if (good && strcmp(method, "GET") == 0 && plan->body_kind != GA_BODY_QUERY)
	{
		snprintf(complaint, size, "method GET needs body 'query'");
		good = false;
	}
	if (good)
	{
		plan->fields = ga_request_field_compile(
			fields, plan->body_kind, lookup_of(plan, plan->row->fields),
			provider, complaint, size);
		good = plan->fields &&
			   add_headers(provider, plan, headers, complaint, size);
	}
	json_decref(fields);
	json_decref(headers);
	return good;
}

/* An empty path means that the answer has no such thing. */
static bool
choose_path(const GaCourierProvider *provider, char **place, const char *row,
			const char *option, char *complaint, size_t size)
{
	const char *path = choose(provider, row, option);

	*place = ga_memory_strdup(path ? path : "");
	if (**place == '\0' || ga_json_path_is_valid(*place))
		return true;
	snprintf(complaint, size, "option \"%s\" is not a path like messages[0].id",
			 option);
	return false;
}

static bool
compile_answer(const GaCourierProvider *provider, GaHttpPlan *plan,
			   char *complaint, size_t size)
{
	const GaHttpRow *row = plan->row;

	plan->success = ga_memory_strdup(choose(provider, row->success, "success"));
	if (!ga_http_plan_success_is_valid(plan->success))
	{
		snprintf(complaint, size,
				 "option \"success\" must be statuses and conditions like "
				 "'200 202 messages[*].status=0'");
		return false;
	}
	return choose_path(provider, &plan->id_path, row->id_path, "id_path",
					   complaint, size) &&
		   choose_path(provider, &plan->code_path, row->code_path, "code_path",
					   complaint, size) &&
		   choose_path(provider, &plan->text_path, row->text_path, "text_path",
					   complaint, size);
}

static void
choose_user(const GaCourierProvider *provider, GaHttpPlan *plan)
{
	const GaHttpRow *row = plan->row;
	const char *username = row->username;

	if (username == NULL)
		username = ga_provider_option(provider, "username");
	if (username == NULL && row->default_username)
		username = ga_provider_option(provider, row->default_username);
	plan->username = ga_memory_strdup(username);
}

/* libcurl signs for AWS itself, told whose scheme, which region and which service. */
static void
choose_signer(const GaCourierProvider *provider, GaHttpPlan *plan)
{
	GaText text = {0};

	if (plan->row->auth != GA_AUTH_AWS)
		return;
	ga_text_printf(&text, "aws:amz:%s:%s",
				   ga_provider_option(provider, "region"),
				   plan->row->aws_service);
	plan->signer = text.data;
}

/* The key comes as the password, which may come from a file. */
static bool
choose_signing(const GaCourierProvider *provider, GaHttpPlan *plan,
			   char *complaint, size_t size)
{
	const char *previous;

	if (plan->row->auth != GA_AUTH_SIGNATURE)
		return true;
	previous = ga_provider_option(provider, "previous_secret");
	if (provider->password &&
		ga_webhook_add_key(&plan->rules.signing, provider->password) &&
		(previous == NULL ||
		 ga_webhook_add_key(&plan->rules.signing, previous)))
		return true;
	snprintf(complaint, size,
			 provider->password
				 ? "the key is not whsec_ and base64"
				 : "the user mapping has no secret or secret_file");
	return false;
}

/* What the kind needs of the user mapping, and is not there; else NULL. */
static const char *
find_missing(const GaCourierProvider *provider, const GaHttpPlan *plan)
{
	GaHttpAuth auth = plan->row->auth;

	if (plan->holds_password && provider->password == NULL)
		return "a template names {password}, and the user mapping has no "
			   "password or password_file";
	if (auth == GA_AUTH_NONE || auth == GA_AUTH_SIGNATURE || plan->bearer ||
		(auth == GA_AUTH_OPTION && plan->username == NULL &&
		 !plan->holds_password))
		return NULL;
	if (provider->password == NULL)
		return "the user mapping has no password or password_file";
	if (!ga_text_is_header_safe(provider->password))
		return "the password holds control characters";
	if (auth != GA_AUTH_TEMPLATE && !plan->holds_password &&
		plan->username == NULL)
		return "the user mapping has no username";
	return NULL;
}

/*
 * Credentials never cross a network in the clear.  The check is made here and not with
 * the option, since only now it is known whether any will be sent: by the row, by the
 * mapping, or because a template names the password.
 */
static bool
choose_auth(const GaCourierProvider *provider, GaHttpPlan *plan,
			const char *scheme, char *complaint, size_t size)
{
	const char *missing;

	if (plan->row->auth == GA_AUTH_OPTION)
		plan->bearer =
			ga_memory_strdup(ga_provider_option(provider, "bearer_token"));
	if (plan->bearer == NULL && !plan->holds_password &&
		plan->row->auth != GA_AUTH_SIGNATURE)
		choose_user(provider, plan);
	choose_signer(provider, plan);
	missing = find_missing(provider, plan);
	if (missing)
	{
		snprintf(complaint, size, "%s", missing);
		return false;
	}
	if ((plan->username || plan->bearer || plan->holds_password ||
		 plan->row->auth == GA_AUTH_TEMPLATE ||
		 plan->row->auth == GA_AUTH_SIGNATURE) &&
		strcmp(scheme, "https") != 0 && !provider->host_is_loopback &&
		!provider->allow_private)
	{
		snprintf(complaint, size,
				 "credentials are only sent over https, to a loopback host, "
				 "or with allow_private true");
		return false;
	}
	return true;
}

static void
choose_rules(const GaCourierProvider *provider, GaHttpPlan *plan)
{
	plan->rules.validity_min = plan->row->validity_min;
	plan->rules.validity_max = plan->row->validity_max;
	ga_values_of_mailbox(&plan->rules.sender,
						 ga_provider_option(provider, "sender"));
	ga_values_of_mailbox(&plan->rules.reply_to,
						 ga_provider_option(provider, "reply_to"));
}

/*
 * The order matters: the templates are compiled before the login is chosen, since
 * compiling them finds out whether they hold the password.
 */
bool
ga_http_plan_prepare(GaCourierProvider *provider, char *complaint, size_t size)
{
	GaHttpPlan *plan = ga_memory_alloc(sizeof(*plan));
	char scheme[16];

	provider->plan = plan;
	plan->row = ga_provider_table_find(provider->kind);
	choose_rules(provider, plan);
	return compile_urls(provider, plan, scheme, sizeof(scheme), complaint,
						size) &&
		   compile_request(provider, plan, complaint, size) &&
		   compile_answer(provider, plan, complaint, size) &&
		   choose_signing(provider, plan, complaint, size) &&
		   choose_auth(provider, plan, scheme, complaint, size);
}

void
ga_http_plan_release(void *context)
{
	GaHttpPlan *plan = context;

	for (int i = 0; i < plan->header_count; i++)
		ga_request_template_free(&plan->headers[i].template);
	free(plan->headers);
	ga_request_template_free(&plan->url);
	ga_request_template_free(&plan->poll_url);
	ga_request_field_free(plan->fields);
	free(plan->method);
	free(plan->success);
	free(plan->id_path);
	free(plan->code_path);
	free(plan->text_path);
	free(plan->username);
	free(plan->signer);
	ga_memory_wipe(plan->bearer);
	ga_webhook_forget_keys(&plan->rules.signing);
	free(plan);
}

/* Whether a word of the rule is a status: "2xx" or three digits. */
static bool
is_status(const char *word, size_t length)
{
	return length == 3 && isdigit((unsigned char) word[0]) &&
		   ((isdigit((unsigned char) word[1]) &&
			 isdigit((unsigned char) word[2])) ||
			(word[1] == 'x' && word[2] == 'x'));
}

static bool
is_condition(const char *word, size_t length)
{
	const char *equals = memchr(word, '=', length);
	char path[256];

	if (equals == NULL || (size_t) (equals - word) >= sizeof(path))
		return false;
	snprintf(path, sizeof(path), "%.*s", (int) (equals - word), word);
	return ga_json_path_is_valid(path);
}

bool
ga_http_plan_success_is_valid(const char *success)
{
	bool any = false;

	while (*success)
	{
		size_t length = strcspn(success, " ");

		if (length > 0 && !is_status(success, length) &&
			!is_condition(success, length))
			return false;
		any = any || length > 0;
		success += length + (success[length] == ' ');
	}
	return any;
}

typedef struct Condition
{
	const char *value;
	size_t length;
	int found;
	int held;
} Condition;

static bool
compare_value(void *context, const char *value)
{
	Condition *condition = context;

	condition->found++;
	condition->held += strlen(value) == condition->length &&
					   memcmp(value, condition->value, condition->length) == 0;
	return true;
}

/*
 * A path with [*] finds several values, one a recipient or a part of a long SMS: all as
 * wanted is success, some is PARTLY, none failure.  No value at all means that the
 * answer is not the one we know, so that nothing can be said.
 */
static GaHttpVerdict
judge_condition(const char *word, size_t length, json_t *document)
{
	const char *equals = memchr(word, '=', length);
	Condition condition = {equals + 1, length - (size_t) (equals + 1 - word), 0,
						   0};
	char path[256];

	snprintf(path, sizeof(path), "%.*s", (int) (equals - word), word);
	ga_json_path_walk(document, path, compare_value, &condition);
	if (condition.found == 0)
		return GA_HTTP_UNREADABLE;
	if (condition.held == 0)
		return GA_HTTP_FAILURE;
	return condition.held == condition.found ? GA_HTTP_SUCCESS : GA_HTTP_PARTLY;
}

static bool
matches_status(const char *word, int status)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", status);
	return text[0] == word[0] &&
		   (word[1] == 'x' || (text[1] == word[1] && text[2] == word[2]));
}

GaHttpVerdict
ga_http_plan_judge(const char *success, int status, json_t *document)
{
	GaHttpVerdict verdict = GA_HTTP_SUCCESS;
	bool named = false; /* the rule names statuses at all */
	bool matched = false;

	while (*success)
	{
		size_t length = strcspn(success, " ");

		if (is_status(success, length))
		{
			named = true;
			matched = matched || matches_status(success, status);
		}
		else if (length > 0 && verdict == GA_HTTP_SUCCESS)
			verdict = judge_condition(success, length, document);
		success += length + (success[length] == ' ');
	}
	if (named ? !matched : status < 200 || status > 299)
		return GA_HTTP_FAILURE;
	return verdict;
}
