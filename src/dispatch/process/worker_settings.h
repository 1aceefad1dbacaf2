/*
 * worker_settings.h
 *		The settings that the dispatcher runs its statements with.
 */
#ifndef GA_DISPATCH_PROCESS_WORKER_SETTINGS_H
#define GA_DISPATCH_PROCESS_WORKER_SETTINGS_H

/* Once, when the process is connected to its database. */
extern void ga_worker_settings_pin(void);

#endif /* GA_DISPATCH_PROCESS_WORKER_SETTINGS_H */
