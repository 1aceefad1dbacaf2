/*
 * ownership.h
 *		Whether this dispatcher may send: whose data these are, and what the
 *		operator froze.
 */
#ifndef GA_DISPATCH_OWNERSHIP_H
#define GA_DISPATCH_OWNERSHIP_H

#include "postgres.h"

#include "store/installation_store.h"

/*
 * Reads where the data come from, in a step's transaction; notes what pg_upgrade
 * moved here, and says in the log what is moved or foreign.
 */
extern GaOrigin ga_ownership_read(void);

/*
 * Whether the settings allow to send: group_api.dispatch, and no freeze by
 * default_transaction_read_only.  Notes in the slot what does not.
 */
extern bool ga_dispatch_is_on(void);
/* The freeze alone: nothing is claimed, expired or reminded of. */
extern bool ga_dispatch_is_frozen(void);

/*
 * Whether ALTER DATABASE or ALTER ROLE changed what this process was started with;
 * in a step's transaction.  Only a successor knows the new settings.
 */
extern bool ga_ownership_settings_changed(void);

#endif /* GA_DISPATCH_OWNERSHIP_H */
