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

#endif /* GA_BASE_SHARED_CHANNEL_H */
