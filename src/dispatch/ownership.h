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
/* What was read, once its transaction has ended. */
extern void ga_ownership_note(GaOrigin origin);
/* As noted; before that, neither. */
extern bool ga_ownership_is_ours(void);
extern bool ga_ownership_is_foreign(void);

/*
 * Whether the settings allow to send: group_api.dispatch, and no freeze by
 * default_transaction_read_only.  Notes in the slot what does not.
 */
extern bool ga_dispatch_is_on(void);
/* The freeze alone: nothing is claimed, expired or reminded of. */
extern bool ga_dispatch_is_frozen(void);
/* The settings allow it and the data are ours; notes in the slot what is not so. */
extern bool ga_ownership_may_send(void);

/*
 * Whether ALTER DATABASE or ALTER ROLE changed what this process was started with;
 * in a step's transaction.  Only a successor knows the new settings.
 */
extern bool ga_ownership_settings_changed(void);

#endif /* GA_DISPATCH_OWNERSHIP_H */
