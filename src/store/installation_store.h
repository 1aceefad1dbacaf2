/*
 * installation_store.h
 *		Whose data these are, and the key of the links.
 *
 * The right to send and the key belong to one database of one cluster.  Any
 * copy has neither until adopt(), and absence means foreign: only a database
 * without groups becomes this installation's by its first one.
 */
#ifndef GA_STORE_INSTALLATION_STORE_H
#define GA_STORE_INSTALLATION_STORE_H

#include "postgres.h"

#include "utils/uuid.h"

typedef enum GaOrigin
{
	GA_ORIGIN_OWN,	 /* written here */
	GA_ORIGIN_EMPTY, /* no groups: the first one makes it ours */
	GA_ORIGIN_MOVED, /* pg_upgrade brought it, and nobody noted that yet */
	GA_ORIGIN_FOREIGN
} GaOrigin;

/* What adopt() would do. */
typedef struct GaAdoption
{
	int64 waiting;	 /* invitations that wait */
	int64 expired;	 /* of these, too late to be sent */
	int64 sms;		 /* of those that will be sent */
	int64 mails;	 /* the same */
	int64 contacts;	 /* different ones that they go to */
	int64 groups;	 /* that they belong to */
	int64 under_way; /* being sent when the data were copied */
	int64 forgotten; /* suppressions nobody can match: their salt is missing */
	bool has_key;	 /* the key of the links came along */
} GaAdoption;

/* All run inside ga_owner_enter()/leave(). */

/* The cluster's system identifier and the database's oid: int8 and oid. */
extern void ga_installation_fill_identity(Datum *values);
extern GaOrigin ga_installation_origin(void);
/* Whether the data are ours; false also where there are none. */
extern bool ga_installation_is_ours(void);
/*
 * Whether the data bear this cluster and database; nothing else is looked at.  `shard`
 * becomes their number, 0 where none was given.
 */
extern bool ga_installation_is_named(int *shard);
/* The number of this shard (base/uuid). */
extern int ga_installation_shard(void);
/*
 * Gives the data, which are ours, another number, and lets groups and events be
 * counted from there.  Waits for those who are creating groups, as long as callers wait
 * for locks.  Error: 55000 where groups bear the number that it has.
 */
extern void ga_installation_set_shard(int shard);
/* Whether the data are those of another cluster or database. */
extern bool ga_installation_is_foreign(void);
/* The system identifier of the cluster they were in before pg_upgrade; 0: none. */
extern int64 ga_installation_moved_from(void);
/*
 * The same where it is this cluster that pg_upgrade moved them into, noted already or
 * not: oids of roles that were written there are those of the same roles here.
 */
extern int64 ga_installation_former_cluster(void);

/* Makes the data ours where there are none but `group` (or NULL), which was just
 * written; whether so. */
extern bool ga_installation_claim(const pg_uuid_t *group);
/* Notes what pg_upgrade moved; false while somebody else holds the row. */
extern bool ga_installation_take_over(void);
/*
 * Another cluster's files under a new identity: whatever pg_upgrade does with them
 * later, they are not ours.
 */
extern void ga_installation_disown(void);

extern void ga_installation_plan_adoption(GaAdoption *plan);
/*
 * Makes the data ours, with the key that came along or a new one, and empties the
 * suppression list if it is to be forgotten; false when another session was faster.  Errors: 55000 when that key is missing, or is not
 * the one of these data.
 */
extern bool ga_installation_adopt(bool keep_links, bool forgets);

/* Copies the key; false when there is none that is ours. */
extern bool ga_installation_find_link_secret(uint8 *secret);
/*
 * Copies GA_LINK_SECRET_LENGTH bytes.  Before the first group they are random:
 * no link fits.  Error: 55000 when the data are foreign.
 */
extern void ga_installation_read_link_secret(uint8 *secret);

#endif /* GA_STORE_INSTALLATION_STORE_H */
