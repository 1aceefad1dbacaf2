/*
 * setting_guard.h
 *		What ALTER DATABASE ... SET and its like do to our settings.
 */
#ifndef GA_DISPATCH_SETTING_GUARD_H
#define GA_DISPATCH_SETTING_GUARD_H

/* Hooks utility commands; called while preloading. */
extern void ga_setting_guard_init(void);

#endif /* GA_DISPATCH_SETTING_GUARD_H */
