/*
 * provider_store.h
 *		Providers as CREATE SERVER and CREATE USER MAPPING wrote them, and their
 *		pauses.
 */
#ifndef GA_STORE_PROVIDER_STORE_H
#define GA_STORE_PROVIDER_STORE_H

#include "postgres.h"

#include "base/shared/channel.h"
#include "base/provider_config.h"
#include "datatype/timestamp.h"

struct GaOwnerScope;

/* Of a wrapper `w`: another one may bear a name like ours. */
#define GA_WRAPPER_IS_OURS                                                     \
	"EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON"                   \
	"  d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid"         \
	" WHERE d.classid = 'pg_foreign_data_wrapper'::regclass"                   \
	"  AND d.objid = w.oid AND d.deptype = 'e' AND e.extname = 'group_api')"
/* Of one that is ours: it hears of events. */
#define GA_IS_WEBHOOK                                                          \
	GA_WRAPPER_IS_OURS                                                         \
	" AND group_api_private.kind_channel("                                     \
	"  substr(w.fdwname::text, 11)) = 'EVENT'"

typedef struct GaProviderRow
{
	const char *server;
	const char *kind; /* of provider_table.h */
	int setting_count;
	GaProviderSetting *settings; /* server's, then user mapping's */
	const char *fingerprint;	 /* changes when a setting does */
	bool is_paused;
	bool paused_by_dispatcher;
	const char *paused_for; /* the fingerprint it was paused with */
	const char *pause_reason;
	TimestampTz
		rest_until;		   /* told to rest; then it is not paused; 0: no rest */
	bool by_superuser;	   /* whoever owns the server is one */
	const char *forbidden; /* why the owner may not use an option; or NULL */
} GaProviderRow;

/* What stands in it for the courier; points into the row. */
static inline GaProviderConfig
ga_provider_row_config(const GaProviderRow *row)
{
	GaProviderConfig config = {row->server,		   row->kind,
							   row->setting_count, row->settings,
							   row->by_superuser,  row->forbidden};

	return config;
}

/* As written or the default; NULL when there is neither. */
static inline const char *
ga_provider_row_setting(const GaProviderRow *row, const char *name)
{
	GaProviderConfig config = ga_provider_row_config(row);

	return ga_provider_setting(&config, name);
}

/* All run inside ga_owner_enter()/leave(). */

extern int ga_providers_read(const struct GaOwnerScope *scope,
							 GaProviderRow **rows);

/* False when there is no such server. */
extern bool ga_provider_find(const struct GaOwnerScope *scope,
							 const char *server, GaProviderRow *provider);

/*
 * For the dispatcher, which waits for nobody: false while somebody's open
 * transaction pauses or resumes a provider.
 */
extern bool ga_provider_lock_pauses(void);
/* Whether a server of one of our wrappers has this name. */
extern bool ga_provider_exists(const char *server);
/* Which servers are ours, as one text: what a command that drops some is judged by. */
extern const char *ga_provider_list(const struct GaOwnerScope *scope);
/*
 * A pause of the dispatcher's ends when the provider's settings change, one with
 * `until`, a rest, also by itself; 0: a pause until somebody resumes.  A rest
 * takes no pause's place.
 */
extern void ga_provider_pause(const char *server, bool by_dispatcher,
							  const char *fingerprint, TimestampTz until,
							  const char *reason);
/* The provider has another name by now. */
extern void ga_provider_rename_pause(const char *from, const char *to);
/* Removes the pauses of providers that are gone. */
extern void ga_provider_trim_pauses(void);
/* False when it was neither paused nor resting. */
extern bool ga_provider_resume(const char *server);

/* Why a channel's queued invitations wait; NULL: they are about to be sent. */
extern const char *ga_provider_waiting_reason(const struct GaOwnerScope *scope,
											  GaChannel channel);

#endif /* GA_STORE_PROVIDER_STORE_H */
