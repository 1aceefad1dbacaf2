/*
 * own_journal.c
 *		The journal that the dispatcher of a database shares with its courier.
 *
 * The server's own shared memory is made anew after a crash, so this is a POSIX shared
 * memory object, which is gone with the machine.  Its name tells the data directory, by
 * device and inode, and the database: a copy of the directory finds no journal, nor
 * does another server.  Anybody can make an object of that name before us, so one that
 * is not ours alone is left alone.  Its pages are reserved at once: else a full
 * /dev/shm would end the server by SIGBUS at the first message.
 *
 * Locks: none; the launcher starts one dispatcher for a database.
 *
 * Must never: hold up or end the dispatcher for want of a journal.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "dispatch/courier/own_journal.h"
#include "dispatch/slots.h"
#include "miscadmin.h"
#include "storage/ipc.h"

/* A journal takes this part of what is free at the most. */
#define ROOM_SHARE 8

static GaJournal *journal;
static int journal_fd = -1;
static char journal_name[64];

static bool
set_name(Oid database)
{
	struct stat directory;

	if (stat(DataDir, &directory) != 0)
		return false;
	snprintf(journal_name, sizeof(journal_name), "/group_api.%llx.%llx.%u",
			 (unsigned long long) directory.st_dev,
			 (unsigned long long) directory.st_ino, database);
	return true;
}

/* Whether nobody else can write to it, or make it shorter. */
static bool
is_ours_alone(int fd)
{
	struct stat object;

	return fstat(fd, &object) == 0 && object.st_uid == geteuid() &&
		   (object.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

/*
 * Sessions have what they share for parallel queries in the same place, which is small
 * in a container: 64 MB, unless somebody says otherwise.
 */
static bool
leaves_room(int fd)
{
	struct statvfs place;

	return fstatvfs(fd, &place) == 0 &&
		   ga_journal_size() * ROOM_SHARE <=
			   (uint64) place.f_bavail * place.f_bsize;
}

/* Once for the server, since dispatchers come and go. */
static void
tell_that_there_is_none(void)
{
	if (pg_atomic_exchange_u32(&ga_slots->no_journal_told, 1) == 0)
		ereport(LOG,
				(errmsg("group_api has no shared memory for its journal: what "
						"is in flight at a crash may be sent again"),
				 errdetail("\"%s\" in /dev/shm cannot be made, is open to "
						   "others, or finds no room.",
						   journal_name)));
}

/* Where all is recorded, and no courier was left behind, nobody will look for it. */
static void
remove_empty(int code, Datum arg)
{
	if (ga_journal_is_empty(journal) &&
		ga_journal_busy_until(journal) <= ga_monotonic_now())
		(void) shm_unlink(journal_name);
}

void
ga_own_journal_open(Oid database)
{
	void *memory = MAP_FAILED;
	int fd = set_name(database)
				 ? shm_open(journal_name, O_RDWR | O_CREAT, S_IRUSR | S_IWUSR)
				 : -1;

	if (fd >= 0 && is_ours_alone(fd) && leaves_room(fd) &&
		posix_fallocate(fd, 0, (off_t) ga_journal_size()) == 0)
		memory = mmap(NULL, ga_journal_size(), PROT_READ | PROT_WRITE,
					  MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
	{
		if (fd >= 0)
			close(fd);
		tell_that_there_is_none();
		return;
	}
	journal = memory;
	journal_fd = fd;
	(void) ga_journal_take(journal);
	before_shmem_exit(remove_empty, (Datum) 0);
}

int
ga_own_journal_fd(void)
{
	return journal_fd;
}

GaJournal *
ga_own_journal(void)
{
	return journal;
}

uint64
ga_own_journal_first_job_id(int64 incarnation)
{
	return (uint64) incarnation << 32;
}

int64
ga_own_journal_incarnation(uint64 job_id)
{
	return (int64) (job_id >> 32);
}

void
ga_own_journal_put(const GaJob *job)
{
	GaJournalMessage message = {
		.job_id = job->id,
		.handed_at = job->handed_at,
		.number = job->number,
		.attempt = job->attempt,
		.segments = job->segments,
	};

	if (journal == NULL)
		return;
	memcpy(message.group_id, job->group_id.data, sizeof(message.group_id));
	strlcpy(message.server, job->provider->server, sizeof(message.server));
	ga_journal_put(journal, &message);
}

void
ga_own_journal_release(uint64 job_id)
{
	if (journal != NULL)
		ga_journal_release(journal, job_id);
}

void
ga_own_journal_clear(void)
{
	if (journal != NULL)
		ga_journal_clear(journal);
}
