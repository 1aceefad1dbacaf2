/*
 * barest.c
 *		The least that is between a COMMIT and the first byte of what it asks for, where a
 *		claim has to be durable before: a queue of one row, and a dispatcher that does
 *		nothing but claim it.  bench/latency.c is its caller, its courier and its provider.
 *
 * Each COMMIT writes the row's number into a FIFO, as ours sets a latch; the dispatcher, a
 * session in a procedure, reads it, updates the row by a saved plan, commits, and writes into
 * a second FIFO, which the courier reads.  It ends when nobody can write into the first.
 *
 * Build: as bench/empty.c
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(bench_wake);
PG_FUNCTION_INFO_V1(bench_dispatch);

/* Of this session, at its COMMIT: 0 is nothing. */
static int64 committed;
static int wake_fd = -1;

static void
wake_at_commit(XactEvent event, void *unused)
{
	if (event == XACT_EVENT_COMMIT && committed != 0 &&
		write(wake_fd, &committed, sizeof(committed)) != sizeof(committed))
		elog(WARNING, "could not wake the dispatcher: %m");
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
		committed = 0;
}

static int
open_fifo(text *path, int flags)
{
	int fd = open(text_to_cstring(path), flags);

	if (fd < 0)
		elog(ERROR, "could not open \"%s\": %m", text_to_cstring(path));
	return fd;
}

/* bench_wake(fifo text, id bigint) */
Datum
bench_wake(PG_FUNCTION_ARGS)
{
	if (wake_fd < 0)
	{
		wake_fd = open_fifo(PG_GETARG_TEXT_PP(0), O_WRONLY);
		RegisterXactCallback(wake_at_commit, NULL);
	}
	committed = PG_GETARG_INT64(1);
	PG_RETURN_VOID();
}

/* bench_dispatch(commits text, claims text): a procedure */
Datum
bench_dispatch(PG_FUNCTION_ARGS)
{
	Oid type = INT8OID;
	int in = open_fifo(PG_GETARG_TEXT_PP(0), O_RDONLY);
	int out = open_fifo(PG_GETARG_TEXT_PP(1), O_WRONLY);
	SPIPlanPtr plan;
	int64 id;

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	plan = SPI_prepare(
		"UPDATE bench.least_queue SET claimed = true WHERE id = $1", 1, &type);
	SPI_keepplan(plan);
	while (read(in, &id, sizeof(id)) == sizeof(id))
	{
		Datum value = Int64GetDatum(id);

		if (SPI_execute_plan(plan, &value, NULL, false, 0) != SPI_OK_UPDATE ||
			SPI_processed != 1)
			elog(ERROR, "there is no row " INT64_FORMAT, id);
		SPI_commit();
		if (write(out, &id, sizeof(id)) != sizeof(id))
			break;
	}
	SPI_finish();
	close(in);
	close(out);
	PG_RETURN_VOID();
}
