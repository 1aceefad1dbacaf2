/*
 * request_test.c
 *		What a request is made of and how its answer is read: templates, JSON
 *		paths, success rules, addresses, texts of strangers.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/shared/peer_address.h"
#include "courier/http/http_plan.h"
#include "courier/http/json_path.h"
#include "courier/outcome.h"
#include "courier/http/request_template.h"
#include "courier/http/webhook_signature.h"
#include "courier/http/xml_answer.h"
#include "sample_job.h"

static const GaValueRules rules = {.validity_max = 36000};

static const char *
lookup(const void *context, const char *name)
{
	(void) context;
	if (strcmp(name, "nothing") == 0)
		return "";
	return strcmp(name, "account_sid") == 0 ? "A C{1" : NULL;
}

static void
template_of(const GaCourierJob *job, const char *source, GaEscape escape,
			const char *wanted)
{
	GaRequestTemplate template;
	GaValues values;
	GaText out = {0};
	char complaint[256];

	ga_values_of_job(&values, job, &rules, GA_CHANNEL_MOBILE);
	assert_true(ga_request_template_compile(&template, source, escape, false,
											lookup, NULL, complaint,
											sizeof(complaint)));
	ga_request_template_render(&template, &values, escape, &out);
	assert_string_equal(ga_text_string(&out), wanted);
	ga_request_template_free(&template);
	ga_text_free(&out);
}

static void
template_gives(const char *source, GaEscape escape, const char *wanted)
{
	template_of(&sample_job, source, escape, wanted);
}

static void
template_fails(const char *source, const char *wanted)
{
	GaRequestTemplate template;
	char complaint[256] = "";

	assert_false(ga_request_template_compile(&template, source, GA_ESCAPE_NONE,
											 false, lookup, NULL, complaint,
											 sizeof(complaint)));
	assert_non_null(strstr(complaint, wanted));
}

static void fields_give(const char *source, GaBodyKind kind,
						const char *wanted);

static void
values_are_escaped_for_where_they_land(void **state)
{
	(void) state;
	template_gives("", GA_ESCAPE_NONE, "");
	template_gives("a{to}b{to_digits}", GA_ESCAPE_NONE,
				   "a+27701231234b27701231234");
	template_gives("/{to}?t={text}", GA_ESCAPE_URL,
				   "/%2B27701231234?t=x%3D%C3%A9%0A%5C");
	template_gives("{subject}|{text}", GA_ESCAPE_JSON,
				   "A \\\"b\\\" & c|x=\xC3\xA9\\n\\\\");
	template_gives("{account_sid}", GA_ESCAPE_URL, "A%20C%7B1");
	template_gives("{{to}} {{{key}}}", GA_ESCAPE_NONE, "{to} {inv-1}");
	template_gives("{validity}{callback_url}", GA_ESCAPE_NONE, "36000");
	template_gives("{validity_ms} {validity_minutes}", GA_ESCAPE_NONE,
				   "36000000 600");
	template_gives("{unicode}{coding}", GA_ESCAPE_NONE, "0");
}

/* Kannel fills in %d and the like, and adds what it says to the query. */
static void
a_pattern_keeps_its_percent_signs_and_ends_where_the_query_goes_on(void **state)
{
	GaCourierJob job = sample_job;

	(void) state;
	job.callback_url = "https://a.example/r?s=x%20y";
	template_of(&job, "{callback_pattern}", GA_ESCAPE_NONE,
				"https://a.example/r?s=x%%20y&");
	job.callback_url = "https://a.example/r";
	template_of(&job, "{callback_pattern}", GA_ESCAPE_NONE,
				"https://a.example/r?");
	job.callback_url = "";
	template_of(&job, "{callback_pattern}", GA_ESCAPE_NONE, "");
}

static void
what_is_worth_less_than_a_minute_is_worth_one(void **state)
{
	GaCourierJob job = sample_job;

	(void) state;
	job.expires_in_s = 59;
	template_of(&job, "{validity} {validity_ms} {validity_minutes}",
				GA_ESCAPE_NONE, "59 59000 1");
	job.expires_in_s = 120;
	template_of(&job, "{validity} {validity_ms} {validity_minutes}",
				GA_ESCAPE_NONE, "120 120000 2");
	job.expires_in_s = 0;
	template_of(&job, "{validity}{validity_ms}{validity_minutes}",
				GA_ESCAPE_NONE, "");
}

static void
a_condition_shows_what_it_encloses(void **state)
{
	(void) state;
	template_gives("a{?to}b{/}c", GA_ESCAPE_NONE, "abc");
	template_gives("a{?html}b{/}c", GA_ESCAPE_NONE, "ac");
	template_gives("a{!html}b{/}c", GA_ESCAPE_NONE, "abc");
	template_gives("a{!to}b{/}c", GA_ESCAPE_NONE, "ac");
	template_gives("{?html}{to}{?to}x{/}y{!html}z{/}{/}", GA_ESCAPE_NONE, "");
	template_gives("{?to}{?html}a{/}{!html}b{/}{/}", GA_ESCAPE_NONE, "b");
	template_gives("a{?account_sid}b{/}", GA_ESCAPE_NONE, "ab");
	template_gives("a{?nothing}b{to}{/}", GA_ESCAPE_NONE, "a");
	template_gives("a{!nothing}b{/}", GA_ESCAPE_NONE, "ab");
	fields_give("{\"h\":[{\"n\":\"{?html}A{/}\",\"v\":\"{?html}<{html}>{/}\"}],"
				"\"x\":{\"t\":\"{?text}T{/}\"}}",
				GA_BODY_JSON, "{\"x\":{\"t\":\"T\"}}");
}

static void
a_condition_has_both_ends(void **state)
{
	(void) state;
	template_fails("{?to}a", "not ended by {/}");
	template_fails("a{/}", "ends no condition");
	template_fails("{?to}a{/}{/}", "ends no condition");
	template_fails("{?nobody}a{/}", "neither a value nor an option");
}

static void
a_number_stands_without_quotes(void **state)
{
	(void) state;
	fields_give("{\"n\":\"{#validity}\",\"s\":\"{validity}\"}", GA_BODY_JSON,
				"{\"n\":86400,\"s\":\"86400\"}");
	/* nothing else gets into JSON that way */
	fields_give("{\"n\":\"{#text}\",\"o\":\"{#html}\"}", GA_BODY_JSON, "{}");
	/* Nor is what JSON does not write so, or its readers cannot hold. */
	fields_give("{\"n\":\"{#validity}000000000000000000\"}", GA_BODY_JSON,
				"{}");
	fields_give("{\"n\":\"{#validity}\"}", GA_BODY_FORM, NULL);
}

static void
a_mailbox_has_every_form(void **state)
{
	static const struct
	{
		const char *value, *name, *address, *mailbox, *encoded;
	} cases[] = {
		{"a@b.example", "", "a@b.example", "a@b.example", "a@b.example"},
		{"A B <a@b.example>", "A B", "a@b.example", "A B <a@b.example>",
		 "A B <a@b.example>"},
		{"\"B, A\" <a@b.example>", "B, A", "a@b.example",
		 "\"B, A\" <a@b.example>", "\"B, A\" <a@b.example>"},
		{"A \"x\\ <a@b.example>", "A \"x\\", "a@b.example",
		 "\"A \\\"x\\\\\" <a@b.example>", "\"A \\\"x\\\\\" <a@b.example>"},
		{"B\xC3\xA4r <a@b.example>", "B\xC3\xA4r", "a@b.example",
		 "B\xC3\xA4r <a@b.example>", "=?utf-8?Q?B=C3=A4r?= <a@b.example>"},
		{"nobody", "", "", "", ""},
	};
	GaMailboxForms forms;

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ga_values_of_mailbox(&forms, cases[i].value);
		assert_string_equal(forms.name, cases[i].name);
		assert_string_equal(forms.address, cases[i].address);
		assert_string_equal(forms.mailbox, cases[i].mailbox);
		assert_string_equal(forms.encoded, cases[i].encoded);
	}
}

static void
xml_gives(const char *text, const char *wanted)
{
	json_t *object = ga_xml_answer_read(text, strlen(text));
	char *found = json_dumps(object, JSON_COMPACT);

	assert_string_equal(found, wanted);
	free(found);
	json_decref(object);
}

static void
the_leaves_of_an_xml_answer_are_read(void **state)
{
	(void) state;
	xml_gives("<?xml version=\"1.0\"?>\n<R xmlns=\"x\">\n <a>b</a>\n <a>c</a>"
			  "<d><e>x &lt;&amp;&gt; &quot;y&apos;</e></d><f></f></R>",
			  "{\"a\":\"b\",\"e\":\"x <&> \\\"y'\",\"f\":\"\"}");
	xml_gives(
		"<R><a b='c>'>d</a><!-- <e>f</e> --><g><![CDATA[<h>&amp;]]></g></R>",
		"{\"a\":\"d\",\"g\":\"<h>&amp;\"}");
	xml_gives("<R><a>1<!-- 2 -->3&#x34;&#53;</a></R>", "{\"a\":\"1345\"}");
	xml_gives("<R>text<a>b</a>text</R>", "{\"a\":\"b\"}");
	xml_gives("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9</a>",
			  "{\"a\":\"\xC3\xA9\"}");
}

static void
xml_is_read_up_to_its_first_fault(void **state)
{
	static const char *const nothing[] = {
		"",
		"<",
		"<a",
		"<a>",
		"<a>b",
		"<a>b<",
		"<a>b</",
		"<a>b</a",
		"<a>b</ab>",
		"<></>",
		"\xFF",
		"<a>\xFF</a>",
		"{\"not\":\"XML\"}",
		"<a>&none;</a>",
		"<?xml version='1.0' encoding='no-such'?><a>b</a>"};

	(void) state;
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		xml_gives(nothing[i], "{}");
	xml_gives("<R><a>b</a><c>d", "{\"a\":\"b\"}");
	xml_gives("<a>b</a><c>d</c>", "{\"a\":\"b\"}");
}

static void
xml_with_a_document_type_is_not_read(void **state)
{
	(void) state;
	xml_gives("<!DOCTYPE a><a>b</a>", "{}");
	xml_gives("<!DOCTYPE a [<!ENTITY e \"c\">]><a>b&e;</a>", "{}");
	xml_gives("<!DOCTYPE a SYSTEM \"file:///etc/hostname\"><a>b</a>", "{}");
	xml_gives("<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/hostname\">]>"
			  "<a>b&e;</a>",
			  "{}");
	xml_gives("<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/\"> %p;]>"
			  "<a>b</a>",
			  "{}");
}

/* Ten to the power of nine: neither the time nor the memory is spent. */
static void
xml_cannot_be_made_to_grow(void **state)
{
	GaText bomb = {0};

	(void) state;
	ga_text_puts(&bomb, "<!DOCTYPE a [<!ENTITY e0 \"ha\">");
	for (int i = 1; i < 10; i++)
	{
		ga_text_printf(&bomb, "<!ENTITY e%d \"", i);
		for (int n = 0; n < 10; n++)
			ga_text_printf(&bomb, "&e%d;", i - 1);
		ga_text_puts(&bomb, "\">");
	}
	ga_text_puts(&bomb, "]><a>&e9;</a>");
	xml_gives(bomb.data, "{}");
	ga_text_free(&bomb);
}

static void
xml_may_be_as_deep_as_an_answer_is_long(void **state)
{
	GaText deep = {0};

	(void) state;
	for (int i = 0; i < 9000; i++)
		ga_text_puts(&deep, "<a>");
	ga_text_puts(&deep, "b");
	for (int i = 0; i < 9000; i++)
		ga_text_puts(&deep, "</a>");
	xml_gives(deep.data, "{\"a\":\"b\"}");
	ga_text_free(&deep);
}

static void
a_template_with_a_fault_is_refused(void **state)
{
	static const char *const bad[] = {"{", "{to", "{nobody}", "{}", "a{ to}"};
	GaRequestTemplate template;
	char complaint[256];

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		complaint[0] = '\0';
		assert_false(ga_request_template_compile(
			&template, bad[i], GA_ESCAPE_NONE, false, lookup, NULL, complaint,
			sizeof(complaint)));
		assert_true(*complaint);
		assert_int_equal(template.count, 0);
	}
}

static void
fields_give(const char *source, GaBodyKind kind, const char *wanted)
{
	json_t *object = json_loads(source, 0, NULL);
	GaValues values;
	GaText out = {0};
	char complaint[256];
	GaRequestField *field = ga_request_field_compile(
		object, kind, lookup, NULL, complaint, sizeof(complaint));

	ga_values_of_job(&values, &sample_job, &(GaValueRules){0},
					 GA_CHANNEL_MOBILE);
	if (wanted == NULL)
		assert_null(field);
	else
	{
		assert_non_null(field);
		ga_request_field_render(field, kind, &values, &out);
		assert_string_equal(ga_text_string(&out), wanted);
	}
	ga_request_field_free(field);
	ga_text_free(&out);
	json_decref(object);
}

static void
fields_become_a_body(void **state)
{
	(void) state;
	fields_give("{\"To\":\"{to}\",\"C\":\"{callback_url}\",\"b c\":\"d&e\"}",
				GA_BODY_FORM, "To=%2B27701231234&b%20c=d%26e");
	fields_give("{\"C\":\"{html}\",\"To\":\"{key}\"}", GA_BODY_FORM,
				"To=inv-1");
	fields_give("{\"C\":\"{html}\"}", GA_BODY_FORM, "");
	fields_give("{\"a\":{\"b\":1}}", GA_BODY_FORM, NULL);
	fields_give("{\"a\\\"\":\"x\\\"{subject}\"}", GA_BODY_JSON,
				"{\"a\\\"\":\"x\\\"A \\\"b\\\" & c\"}");
	fields_give("{\"a\":[\"{html}\",\"{key}\",2,true,null]}", GA_BODY_JSON,
				"{\"a\":[\"inv-1\",2,true,null]}");
	fields_give("{\"a\":{\"b\":\"{html}\"},\"c\":[]}", GA_BODY_JSON, "{}");
}

static void
path_gives(const char *path, const char *wanted)
{
	json_t *document =
		json_loads("{\"id\":\"a\",\"n\":{\"x\":5,\"t\":true,\"z\":null},"
				   "\"m\":[{\"s\":0,\"r\":1.5},{\"s\":9}]}",
				   0, NULL);
	char value[32];

	assert_true(ga_json_path_is_valid(path));
	assert_int_equal(ga_json_path_first(document, path, value, sizeof(value)),
					 wanted != NULL);
	assert_string_equal(value, wanted ? wanted : "");
	assert_false(ga_json_path_first(NULL, path, value, sizeof(value)));
	json_decref(document);
}

static void
a_path_leads_to_a_value(void **state)
{
	static const char *const bad[] = {"",	 ".",	"a.",	 "a..b",
									  "a[",	 "a[]", "a[x]",	 "a[0]b",
									  "a b", "[0",	"a[*x]", "a[99999999]"};

	(void) state;
	path_gives("id", "a");
	path_gives("n.x", "5");
	path_gives("n.t", "true");
	path_gives("n.z", NULL);
	path_gives("n", NULL);
	path_gives("m[1].s", "9");
	path_gives("m[*].s", "0");
	path_gives("m[0].r", "1.5");
	path_gives("m[7].s", NULL);
	path_gives("id.x", NULL);
	path_gives("[0]", NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (ga_json_path_is_valid(bad[i]))
			fail_msg("\"%s\" was taken for a path", bad[i]);
}

static void
judged(const char *rule, int status, const char *body, GaHttpVerdict wanted)
{
	json_t *document = body ? json_loads(body, 0, NULL) : NULL;

	assert_true(ga_http_plan_success_is_valid(rule));
	if (ga_http_plan_judge(rule, status, document) != wanted)
		fail_msg("%s: %d %s", rule, status, body ? body : "");
	json_decref(document);
}

static void
a_rule_tells_success(void **state)
{
	(void) state;
	judged("2xx", 200, NULL, GA_HTTP_SUCCESS);
	judged("2xx", 299, NULL, GA_HTTP_SUCCESS);
	judged("2xx", 300, NULL, GA_HTTP_FAILURE);
	judged("200 202", 202, NULL, GA_HTTP_SUCCESS);
	judged("200 202", 201, NULL, GA_HTTP_FAILURE);
	judged("ok=true", 200, "{\"ok\":true}", GA_HTTP_SUCCESS);
	judged("ok=true", 500, "{\"ok\":true}", GA_HTTP_FAILURE);
	judged("ok=true", 200, "{\"ok\":false}", GA_HTTP_FAILURE);
	judged("ok=true", 200, "{}", GA_HTTP_UNREADABLE);
	judged("ok=true", 200, NULL, GA_HTTP_UNREADABLE);
	judged("2xx m[*].s=0", 200, "{\"m\":[{\"s\":\"0\"},{\"s\":0}]}",
		   GA_HTTP_SUCCESS);
	judged("2xx m[*].s=0", 200, "{\"m\":[{\"s\":\"0\"},{\"s\":1}]}",
		   GA_HTTP_PARTLY);
	judged("2xx m[*].s=0", 200, "{\"m\":[{\"s\":\"2\"},{\"s\":1}]}",
		   GA_HTTP_FAILURE);
	assert_false(ga_http_plan_success_is_valid(""));
	assert_false(ga_http_plan_success_is_valid("20"));
	assert_false(ga_http_plan_success_is_valid("2x0"));
	assert_false(ga_http_plan_success_is_valid("=x"));
	assert_false(ga_http_plan_success_is_valid("200,202"));
}

/* The first is that of the specification's own example. */
#define SIGNED_BEFORE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define SIGNED_NOW "v1,D//EZ1ylNadHojpuPe4QgTQtq4+vDo/YDthof5SuAIs="

static void
an_event_is_signed_with_the_key_of_today_and_that_of_before(void **state)
{
	GaSigningKeys keys = {0};
	char signature[GA_SIGNATURE_MAX];

	(void) state;
	assert_true(
		ga_webhook_add_key(&keys, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
	ga_webhook_sign(&keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
					"{\"test\": 2432232314}", signature);
	assert_string_equal(signature, SIGNED_BEFORE);
	/* The key is as it was before the first event. */
	ga_webhook_sign(&keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
					"{\"test\": 2432232314}", signature);
	assert_string_equal(signature, SIGNED_BEFORE);
	ga_webhook_forget_keys(&keys);
	assert_true(
		ga_webhook_add_key(&keys, "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"));
	assert_true(
		ga_webhook_add_key(&keys, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
	ga_webhook_sign(&keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
					"{\"test\": 2432232314}", signature);
	assert_string_equal(signature, SIGNED_NOW " " SIGNED_BEFORE);
	ga_webhook_forget_keys(&keys);
}

static void
what_is_no_signing_key_signs_nothing(void **state)
{
	static const char *const none[] = {
		"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		/* 66 bytes: longer than any */
		("whsec_"
		 "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYQUJDREVGR0hJSktMTU5PUFFSU1RVVldY"
		 "QUJDREVGR0hJSktMTU5PUFFS")};

	(void) state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
	{
		GaSigningKeys keys = {0};

		assert_false(ga_webhook_add_key(&keys, none[i]));
		assert_int_equal(keys.count, 0);
	}
}

static void
a_base_url_replaces_scheme_and_host(void **state)
{
	static const struct
	{
		const char *url;
		const char *base;
		const char *wanted;
	} cases[] = {
		{"https://a.example/x?y", "http://b:1", "http://b:1/x?y"},
		{"https://a.example/x", "http://b/p/", "http://b/p/x"},
		{"https://a.example", "http://b", "http://b"},
		{"https://a.example?q", "http://b/", "http://b?q"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		GaText out = {0};

		ga_http_plan_rebase(cases[i].url, cases[i].base, &out);
		assert_string_equal(out.data, cases[i].wanted);
		ga_text_free(&out);
	}
}

static bool
is_private(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return ga_peer_is_private((struct sockaddr *) &in);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return ga_peer_is_private((struct sockaddr *) &in6);
}

static void
private_addresses_are_known(void **state)
{
	static const char *const private[] = {"0.0.0.0",
										  "10.1.2.3",
										  "100.64.0.1",
										  "100.127.255.255",
										  "127.0.0.1",
										  "127.255.0.1",
										  "169.254.169.254",
										  "172.16.0.1",
										  "172.31.255.255",
										  "192.168.0.1",
										  "198.18.0.1",
										  "224.0.0.1",
										  "255.255.255.255",
										  "::",
										  "::1",
										  "fc00::1",
										  "fdff::1",
										  "fe80::1",
										  "fec0::1",
										  "ff02::1",
										  "::ffff:8.8.8.8",
										  "::ffff:10.0.0.1",
										  "64:ff9b::10.0.0.1",
										  "64:ff9b:1::1",
										  "2002:0a00:0001::",
										  "2001:0:1::1",
										  "::127.0.0.1"};
	static const char *const public[] = {
		"8.8.8.8",	  "100.63.255.255", "100.128.0.1",		"172.15.0.1",
		"172.32.0.1", "192.169.0.1",	"169.253.0.1",		"223.255.255.255",
		"2600::1",	  "2a00:1450::1",	"64:ff9b::8.8.8.8", "2002:0808:0808::"};

	(void) state;
	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++)
		if (!is_private(private[i]))
			fail_msg("%s passed as public", private[i]);
	for (size_t i = 0; i < sizeof(public) / sizeof(public[0]); i++)
		if (is_private(public[i]))
			fail_msg("%s passed as private", public[i]);
	assert_true(ga_peer_is_private(&(struct sockaddr){.sa_family = AF_UNIX}));
}

static void
every_numeric_form_of_an_address_is_read(void **state)
{
	static const char *const private[] = {
		"127.0.0.1",   "2130706433",	 "0x7f.1",
		"0177.0.0.1",  "127.1",			 "0",
		"127.0.0.1.",  "[::1]",			 "::1",
		"localhost",   "LocalHost.",	 "a.b.localhost",
		"[fe80::1%1]", "[fe80::1%25lo]", "[::ffff:10.0.0.1]",
		"0xA9FEA9FE"};
	static const char *const metadata[] = {
		"169.254.169.254",		  "2852039166",			 "0xa9.0xfe.43518",
		"[fd00:ec2::254]",		  "[::ffff:a9fe:a9fe]",	 "[64:ff9b::a9fe:a9fe]",
		"[64:ff9b:1::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "[::a9fe:a9fe]",
		"169.254.170.2",		  "100.100.100.200"};
	static const char *const others[] = {
		"relay.example", "1.2.3.4.5",	"",	  ".", "localhost.example", "0x",
		"[::1",			 "12345678901", "a.1"};
	struct sockaddr_storage address;

	(void) state;
	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++)
		if (!ga_peer_read(private[i], strlen(private[i]), &address) ||
			!ga_peer_is_private((struct sockaddr *) &address))
			fail_msg("%s passed as a name or public", private[i]);
	for (size_t i = 0; i < sizeof(metadata) / sizeof(metadata[0]); i++)
		if (!ga_peer_read(metadata[i], strlen(metadata[i]), &address) ||
			!ga_peer_is_metadata((struct sockaddr *) &address))
			fail_msg("%s passed as no metadata service", metadata[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (ga_peer_read(others[i], strlen(others[i]), &address))
			fail_msg("\"%s\" passed as an address", others[i]);
	assert_true(ga_peer_read("8.8.8.8", 7, &address));
	assert_false(ga_peer_is_private((struct sockaddr *) &address));
	assert_false(ga_peer_is_metadata((struct sockaddr *) &address));
}

static void
literal_hosts_are_told_from_names(void **state)
{
	(void) state;
	assert_true(ga_peer_is_literal("127.0.0.1"));
	assert_true(ga_peer_is_literal("[::1]"));
	assert_true(ga_peer_is_literal("LOCALHOST"));
	assert_false(ga_peer_is_literal("relay.example"));
	assert_false(ga_peer_is_literal("localhost.example"));
	assert_false(ga_peer_is_literal("x.localhost"));
	assert_true(ga_peer_is_loopback("127.9.9.9"));
	assert_true(ga_peer_is_loopback("[::1]"));
	assert_true(ga_peer_is_loopback("localhost"));
	assert_false(ga_peer_is_loopback("10.0.0.1"));
	assert_false(ga_peer_is_loopback("[::2]"));
}

static void
words_of_strangers_are_cleaned_and_cut(void **state)
{
	GaOutcome outcome = {0};
	char out[8];

	(void) state;
	ga_text_clean(" a\r\nb\xFF ", 7, out, sizeof(out));
	assert_string_equal(out, "a  b?");
	ga_text_clean("123456\xC3\xA9", 8, out, sizeof(out));
	assert_string_equal(out, "123456");
	ga_text_clean("12345\xC3\xA9", 7, out, sizeof(out));
	assert_string_equal(out, "12345\xC3\xA9");
	ga_text_clean_name("a\xE2\x80\xAE"
					   "b\x7F",
					   out, sizeof(out));
	assert_string_equal(out, "ab");
	ga_outcome_setf(&outcome, GA_OUTCOME_REJECTED, "c", "%s",
					"key hunter2 and hunter2 again");
	ga_outcome_hide(&outcome, "hunter2");
	assert_string_equal(outcome.detail, "key *** and *** again");
	ga_outcome_hide(&outcome, "key");
	ga_outcome_hide(&outcome, NULL);
	assert_string_equal(outcome.detail, "key *** and *** again");
}

static void
expect_hidden(const char *secret, const char *text, const char *expected)
{
	GaOutcome outcome = {0};

	ga_outcome_setf(&outcome, GA_OUTCOME_REJECTED, "c", "%s", text);
	ga_outcome_hide(&outcome, secret);
	assert_string_equal(outcome.detail, expected);
}

static void
secrets_are_hidden_in_every_spelling(void **state)
{
	(void) state;
	expect_hidden("a b/c%d", "(a b/c%d)", "(***)");
	expect_hidden("a b/c%d", "(a%20b%2Fc%25d)", "(***)");
	expect_hidden("a b/c%d", "(a+b%2fc%25d)", "(***)");
	expect_hidden("a\"b\\c", "(a\\\"b\\\\c)", "(***)");
	expect_hidden("a\"b\\c", "(a\\u0022b\\u005cc)", "(***)");
	expect_hidden("%41%42", "(%41%42) (AB)", "(***) (AB)");
	expect_hidden("aaaa", "aaaaaaaaa aaaa", "******a ***");
	expect_hidden("hunter/2", "it is hunt", "it is ***");
	expect_hidden("hunter/2", "it is hunter%2", "it is ***");
	expect_hidden("hunter/2", "it is hun", "it is hun");
	expect_hidden("hunter/2", "hunter/3", "hunter/3");
	/* as a page of errors quotes it, and as JSON of ASCII does */
	expect_hidden("a<b>&c'd\"", "(a&lt;b&gt;&amp;c&#39;d&quot;)", "(***)");
	expect_hidden("gr\xC3\xBC\xC3\x9F", "(gr\\u00fc\\u00DF)", "(***)");
	expect_hidden("key \xF0\x9F\x98\x80", "(key \\ud83d\\ude00)", "(***)");
	expect_hidden("key \xF0\x9F\x98\x80", "(key \\ud83d\\ude01)",
				  "(key \\ud83d\\ude01)");
}

static void
secrets_are_hidden_wherever_a_provider_puts_them(void **state)
{
	GaOutcome outcome = {0};

	(void) state;
	ga_outcome_set(&outcome, (GaVerdict){GA_OUTCOME_REJECTED, 0, -1},
				   "hunter/2", "no hunter/2");
	ga_outcome_set_message_id(&outcome, "id-hunter/2");
	ga_outcome_hide(&outcome, "hunter/2");
	assert_string_equal(outcome.code, "***");
	assert_string_equal(outcome.detail, "no ***");
	assert_string_equal(outcome.message_id, "id-***");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_escaped_for_where_they_land),
		cmocka_unit_test(
			a_pattern_keeps_its_percent_signs_and_ends_where_the_query_goes_on),
		cmocka_unit_test(what_is_worth_less_than_a_minute_is_worth_one),
		cmocka_unit_test(a_condition_shows_what_it_encloses),
		cmocka_unit_test(a_condition_has_both_ends),
		cmocka_unit_test(a_number_stands_without_quotes),
		cmocka_unit_test(a_mailbox_has_every_form),
		cmocka_unit_test(the_leaves_of_an_xml_answer_are_read),
		cmocka_unit_test(xml_is_read_up_to_its_first_fault),
		cmocka_unit_test(xml_with_a_document_type_is_not_read),
		cmocka_unit_test(xml_cannot_be_made_to_grow),
		cmocka_unit_test(xml_may_be_as_deep_as_an_answer_is_long),
		cmocka_unit_test(a_template_with_a_fault_is_refused),
		cmocka_unit_test(fields_become_a_body),
		cmocka_unit_test(a_path_leads_to_a_value),
		cmocka_unit_test(a_rule_tells_success),
		cmocka_unit_test(
			an_event_is_signed_with_the_key_of_today_and_that_of_before),
		cmocka_unit_test(what_is_no_signing_key_signs_nothing),
		cmocka_unit_test(a_base_url_replaces_scheme_and_host),
		cmocka_unit_test(private_addresses_are_known),
		cmocka_unit_test(every_numeric_form_of_an_address_is_read),
		cmocka_unit_test(literal_hosts_are_told_from_names),
		cmocka_unit_test(words_of_strangers_are_cleaned_and_cut),
		cmocka_unit_test(secrets_are_hidden_in_every_spelling),
		cmocka_unit_test(secrets_are_hidden_wherever_a_provider_puts_them),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
