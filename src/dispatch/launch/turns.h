/*
 * turns.h
 *		Whose turn it is: the line of databases that want a dispatcher, and who
 *		makes room for them.
 */
#ifndef GA_DISPATCH_LAUNCH_TURNS_H
#define GA_DISPATCH_LAUNCH_TURNS_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* A slot that may get a worker now. */
typedef struct GaInLine
{
	int at; /* the slot's index */
	Oid database;
	GaMonotonic since;
} GaInLine;

extern void ga_turns_init(void);
/* Forms the line anew; returns its length. */
extern int ga_turns_line(GaMonotonic now, GaInLine **line);
/* So many wait: as many dispatchers are asked to leave. */
extern void ga_turns_make_room(int waiting, GaMonotonic now);

#endif /* GA_DISPATCH_LAUNCH_TURNS_H */
