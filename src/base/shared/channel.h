/*
 * channel.h
 *		How a person is reached.
 */
#ifndef GA_BASE_SHARED_CHANNEL_H
#define GA_BASE_SHARED_CHANNEL_H

typedef enum GaChannel
{
	GA_CHANNEL_NONE = 0, /* told inside the app only (contract B) */
	GA_CHANNEL_MOBILE,
	GA_CHANNEL_EMAIL
} GaChannel;

#define GA_CHANNEL_COUNT 3

/* "MOBILE", "EMAIL"; NULL for GA_CHANNEL_NONE. */
extern const char *ga_channel_name(GaChannel channel);
/* The channel of that name; GA_CHANNEL_NONE: there is none, or `name` is NULL. */
extern GaChannel ga_channel_named(const char *name);

#endif /* GA_BASE_SHARED_CHANNEL_H */
