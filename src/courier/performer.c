/*
 * performer.c
 *		A thread that performs the transfers of one connection, one after another.
 *
 * Locks: its own, which protects what stands below it and is held for a few
 * instructions; no other is taken under it.
 */
#include "courier/performer.h"

#include <pthread.h>
#include <stdlib.h>

#include "courier/memory.h"
#include "courier/thread.h"

struct GaPerformer
{
	GaTransfers *transfers;
	GaTransferEnd end;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	GaSender *sender; /* to be performed; NULL: nothing is */
	bool is_closed;
};

/* NULL: the performer is closed. */
static GaSender *
wait_for_transfer(GaPerformer *performer)
{
	GaSender *sender;

	pthread_mutex_lock(&performer->lock);
	while (performer->sender == NULL && !performer->is_closed)
		pthread_cond_wait(&performer->changed, &performer->lock);
	sender = performer->sender;
	performer->sender = NULL;
	pthread_mutex_unlock(&performer->lock);
	return sender;
}

static void
free_performer(GaPerformer *performer)
{
	pthread_cond_destroy(&performer->changed);
	pthread_mutex_destroy(&performer->lock);
	free(performer);
}

static void *
perform(void *context)
{
	GaPerformer *performer = context;
	GaSender *sender;

	while ((sender = wait_for_transfer(performer)) != NULL)
	{
		performer->end.result = ga_provider_perform(sender);
		ga_transfers_post_end(performer->transfers, &performer->end);
	}
	free_performer(performer);
	return NULL;
}

GaPerformer *
ga_performer_open(GaTransfers *transfers)
{
	GaPerformer *performer = ga_memory_alloc(sizeof(*performer));

	performer->transfers = transfers;
	pthread_mutex_init(&performer->lock, NULL);
	pthread_cond_init(&performer->changed, NULL);
	if (ga_thread_start(perform, performer))
		return performer;
	free_performer(performer);
	return NULL;
}

void
ga_performer_close(GaPerformer *performer)
{
	pthread_mutex_lock(&performer->lock);
	performer->is_closed = true;
	pthread_cond_signal(&performer->changed);
	pthread_mutex_unlock(&performer->lock);
}

void
ga_performer_run(GaPerformer *performer, GaSender *sender, void *context)
{
	performer->end.context = context;
	pthread_mutex_lock(&performer->lock);
	performer->sender = sender;
	pthread_cond_signal(&performer->changed);
	pthread_mutex_unlock(&performer->lock);
}
