/*
 * empty.c
 *		A function in C that does nothing: what any call of one costs.
 *
 * Build: cc -O2 -shared -fPIC -I$(pg_config --includedir-server) -o empty.so bench/empty.c
 */
#include "postgres.h"

#include "fmgr.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(bench_empty);

Datum
bench_empty(PG_FUNCTION_ARGS)
{
	PG_RETURN_NULL();
}
