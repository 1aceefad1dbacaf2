/*
 * pinned_settings.h
 *		The settings that the dispatcher runs its statements with.
 */
#ifndef GA_DISPATCH_PROCESS_PINNED_SETTINGS_H
#define GA_DISPATCH_PROCESS_PINNED_SETTINGS_H

/* Once, when the process is connected to its database. */
extern void ga_pinned_settings_apply(void);

#endif /* GA_DISPATCH_PROCESS_PINNED_SETTINGS_H */
