/*
 * template_store.c
 *		Statements on the operator's own templates.
 *
 * The dispatcher reads them with its providers, so whoever writes one makes it
 * reload at commit (dispatch/wake).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "store/plan_cache.h"
#include "store/template_store.h"
#include "utils/builtins.h"

static const char *
channel_label(GaChannel channel)
{
	return channel == GA_CHANNEL_MOBILE ? "MOBILE" : "EMAIL";
}

void
ga_template_put(const GaTemplate *template)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.templates"
			   " (channel, locale, subject, body, html)"
			   " VALUES ($1::group_api.channel, $2, $3, $4, $5)"
			   " ON CONFLICT (channel, locale) DO UPDATE"
			   " SET subject = $3, body = $4, html = $5, changed_at = now()",
		.nargs = 5,
		.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID},
	};
	const char *texts[5] = {channel_label(template->channel), template->locale,
							template->subject, template->body, template->html};
	Datum values[5] = {0};
	char nulls[5];

	for (int i = 0; i < lengthof(texts); i++)
	{
		nulls[i] = texts[i] == NULL ? 'n' : ' ';
		if (texts[i] != NULL)
			values[i] = CStringGetTextDatum(texts[i]);
	}
	ga_plan_run(&plan, values, nulls, SPI_OK_INSERT);
}

bool
ga_template_remove(GaChannel channel, const char *locale)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.templates"
			   " WHERE channel = $1::group_api.channel AND locale = $2",
		.nargs = 2,
		.argtypes = {TEXTOID, TEXTOID},
	};
	Datum values[2] = {CStringGetTextDatum(channel_label(channel)),
					   CStringGetTextDatum(locale)};

	return ga_plan_run(&plan, values, NULL, SPI_OK_DELETE) > 0;
}

void
ga_templates_read(const GaOwnerScope *scope, GaTemplates *templates)
{
	static GaPlan plan = {
		.sql = "SELECT channel = 'MOBILE', locale, subject, body, html"
			   " FROM group_api_private.templates ORDER BY channel, locale",
	};
	int count = (int) ga_plan_read(&plan, NULL, NULL);

	templates->count = count;
	templates->list = MemoryContextAllocZero(
		scope->caller_context, sizeof(GaTemplate) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		GaTemplate *template = &templates->list[i];

		template->channel =
			ga_row_bool(i, 1, false) ? GA_CHANNEL_MOBILE : GA_CHANNEL_EMAIL;
		template->locale = ga_row_text(scope, i, 2);
		template->subject = ga_row_text(scope, i, 3);
		template->body = ga_row_text(scope, i, 4);
		template->html = ga_row_text(scope, i, 5);
	}
}
