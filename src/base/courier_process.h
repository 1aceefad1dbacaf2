/*
 * courier_process.h
 *		Starting the courier program: for the dispatcher, which keeps one
 *		running, and for a backend that has one thing to ask.
 */
#ifndef GA_BASE_COURIER_PROCESS_H
#define GA_BASE_COURIER_PROCESS_H

#include "postgres.h"

/* Descriptors the program may get: 0, 1, 2, the dispatcher's socket, 3, and beside that
 * its journal, 4. */
#define GA_COURIER_FDS 5
#define GA_COURIER_SOCKET 3
#define GA_COURIER_JOURNAL 4

typedef struct GaCourierStart
{
	/* the program's own name first, NULL last */
	char *const *arguments;
	/* which of our descriptors become its 0 to 4; -1: the server's own for 0
	 * to 2, none for the others */
	int fds[GA_COURIER_FDS];
	/* A child that reads what strangers wrote is bounded; 0: unbounded. */
	uint64 memory_bytes;
	int cpu_seconds;
	uint64 file_bytes; /* what it may write into a file */
} GaCourierStart;

/* The path of the program as the settings say. */
extern const char *ga_courier_path(void);

/*
 * The process id, or 0 when it cannot be started, with a reason in *reason
 * (static or palloc'ed).  The caller kills and reaps it.
 */
extern pid_t ga_courier_spawn(const GaCourierStart *start, const char **reason);

/* Kills it if it still runs, and reaps it. */
extern void ga_courier_kill(pid_t pid);

#endif /* GA_BASE_COURIER_PROCESS_H */
