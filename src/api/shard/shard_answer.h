/*
 * shard_answer.h
 *		What a shard answers a proxy: both sides are of one library.
 */
#ifndef GA_API_SHARD_SHARD_ANSWER_H
#define GA_API_SHARD_SHARD_ANSWER_H

#include "postgres.h"

#include "nodes/execnodes.h"

/*
 * What call_as() answers is one text: for each of these but the first its length in
 * characters, or "-" where it is null, and a blank; "+", or "-" where the first one is null;
 * then the texts themselves, the first one last.  Characters, since a proxy may have
 * another encoding.  Of an error there are the last four.
 */
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
