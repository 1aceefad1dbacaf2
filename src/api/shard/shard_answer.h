/*
 * shard_answer.h
 *		What a shard answers a proxy: both sides are of one library.
 */
#ifndef GA_API_SHARD_SHARD_ANSWER_H
#define GA_API_SHARD_SHARD_ANSWER_H

#include "postgres.h"

#include "nodes/execnodes.h"

/* The texts of call_as()'s array, in this order; of an error the last four. */
enum
{
	ANSWER_TEXT,	/* what the function returned */
	ANSWER_STATUS,	/* response.status, for the gateway */
	ANSWER_HEADERS, /* response.headers */
	ANSWER_SQLSTATE,
	ANSWER_MESSAGE,
	ANSWER_DETAIL,
	ANSWER_HINT,
	ANSWER_PARTS
};

/* The first column of SPI's rows becomes those of a function that returns a set. */
extern void ga_shard_keep_rows(ReturnSetInfo *result);

#endif /* GA_API_SHARD_SHARD_ANSWER_H */
