/*
 * pinned_settings.h
 *		Settings that our statements run under, whatever the session has set.
 */
#ifndef GA_STORE_PINNED_SETTINGS_H
#define GA_STORE_PINNED_SETTINGS_H

/* The search path that every statement of ours runs with. */
#define GA_PINNED_SEARCH_PATH "pg_catalog, pg_temp"

/*
 * Sets what differs for the current nest level of settings (NewGUCNestLevel);
 * the caller ends that level.
 */
extern void ga_settings_pin(void);
/* Sets one for that level. */
extern void ga_settings_set(const char *name, const char *value);

#endif /* GA_STORE_PINNED_SETTINGS_H */
