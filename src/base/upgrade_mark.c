/*
 * upgrade_mark.c
 *		What tells a database that pg_upgrade moved here from one that was copied.
 *
 * pg_upgrade puts the data files into a cluster that initdb made, with a system
 * identifier of its own, so to each database it looks as if it had been copied.
 * But pg_upgrade starts both servers in binary upgrade mode, which nobody else
 * does, and the new one last after it was given the old one's transaction
 * counter.  There this file writes down, in the data directory, the system
 * identifier and the next transaction: rows with an older xmin were in the old
 * cluster, any that are copied here later are newer.  The identifier makes the
 * mark worthless in a copy of the directory that was given another one.
 *
 * Takes no locks.  A mark that cannot be written is a WARNING and not more: the
 * data then count as copied until adopt().
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "access/transam.h"
#include "access/xlog.h"
#include "base/upgrade_mark.h"
#include "catalog/pg_control.h"
#include "common/controldata_utils.h"
#include "miscadmin.h"
#include "storage/fd.h"

/* In the data directory, which is the server's working directory. */
#define MARK_FILE "group_api.upgraded"

void
ga_upgrade_mark_init(void)
{
	ControlFileData *control;
	bool crc_is_right;
	FILE *file;

	if (!IsBinaryUpgrade)
		return;
	control = get_controlfile(DataDir, &crc_is_right);
	file = AllocateFile(MARK_FILE, "w");
	if (file == NULL ||
		fprintf(file, UINT64_FORMAT " %u\n", control->system_identifier,
				XidFromFullTransactionId(control->checkPointCopy.nextXid)) <
			0 ||
		fflush(file) != 0 || pg_fsync(fileno(file)) != 0)
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", MARK_FILE),
				 errhint("After pg_upgrade, SELECT group_api.adopt(keep_links "
						 "=> true); in each database with group_api.")));
	if (file != NULL)
		FreeFile(file);
	pfree(control);
}

/* The next transaction at the upgrade; InvalidTransactionId: there was none. */
static TransactionId
read_mark(void)
{
	unsigned long long identifier;
	TransactionId next;
	FILE *file = AllocateFile(MARK_FILE, "r");
	bool is_read;

	if (file == NULL)
		return InvalidTransactionId;
	is_read = fscanf(file, "%llu %u", &identifier, &next) == 2 &&
			  (uint64) identifier == GetSystemIdentifier();
	FreeFile(file);
	return is_read ? next : InvalidTransactionId;
}

bool
ga_upgrade_mark_covers(TransactionId xmin)
{
	TransactionId next = read_mark();

	return TransactionIdIsValid(next) && TransactionIdPrecedes(xmin, next);
}
