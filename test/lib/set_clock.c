/*
 * set_clock.c
 *		A wall clock that a test can set, for a process and those it starts.
 *
 * Preloaded (LD_PRELOAD), it adds the seconds that stand in the file named by
 * SET_CLOCK_FILE to the wall clock and leaves every other clock alone.  The file
 * is eight bytes, an int64, mapped once a process.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t
offset_s(void)
{
	static const volatile int64_t *map;
	static const int64_t none = 0;
	const char *path;
	void *found;
	int fd;

	if (map != NULL)
		return *map;
	map = &none;
	path = getenv("SET_CLOCK_FILE");
	if (path == NULL || (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return 0;
	found = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (found != MAP_FAILED)
		map = found;
	return *map;
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	int result;

	if (real == NULL)
		real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT,
															 "clock_gettime");
	result = real(clock, now);
	if (result == 0 &&
		(clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += offset_s();
	return result;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec time;

	(void) zone;
	if (clock_gettime(CLOCK_REALTIME, &time) != 0)
		return -1;
	now->tv_sec = time.tv_sec;
	now->tv_usec = time.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *to)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return (time_t) -1;
	if (to != NULL)
		*to = now.tv_sec;
	return now.tv_sec;
}
