/*
 * die_at_start.c
 *		Makes a dispatcher die of a segmentation fault at its start, again and again.
 *
 * A start is on record in the file group_api.starts.DATABASE until the dispatcher has
 * proved itself; when it is about to take that back, it dies. Loaded by LD_PRELOAD into a
 * server of its own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

int
unlink(const char *path)
{
	int (*original)(const char *) =
		(int (*)(const char *)) dlsym(RTLD_NEXT, "unlink");

	if (strncmp(path, "group_api.starts.", strlen("group_api.starts.")) == 0)
		raise(SIGSEGV);
	return original(path);
}
