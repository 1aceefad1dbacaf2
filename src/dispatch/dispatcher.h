/*
 * dispatcher.h
 *		The background worker of one database.
 */
#ifndef GA_DISPATCH_DISPATCHER_H
#define GA_DISPATCH_DISPATCHER_H

#include "postgres.h"

/* arg: the index of its slot */
extern PGDLLEXPORT void group_api_dispatcher_main(Datum arg);

#endif /* GA_DISPATCH_DISPATCHER_H */
