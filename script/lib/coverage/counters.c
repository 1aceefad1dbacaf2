/*
 * counters.c
 *		Keeps what gcc's coverage counts, whatever ends the process.
 *
 * libgcov writes its files at exit().  Backends are killed, the courier ends by
 * _exit(), and its sandbox opens no file for writing: none of them would write.  So
 * the counters lie in a file that all processes of a program map, from before main()
 * and before any sandbox; nothing has to be written at the end.  Where the file is
 * missing, or may not be opened, the program runs all the same.
 *
 * With COVERAGE_DUMP in its environment a program does nothing but hand what is in
 * the file to libgcov.
 *
 * Linked into each program and library of a coverage build, itself not counted;
 * COVERAGE_COUNTERS is the file's name.
 */
#include <fcntl.h>
#include <gcov.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* By counters.ld. */
extern char coverage_counters_begin[] __attribute__((visibility("hidden")));
extern char coverage_counters_end[] __attribute__((visibility("hidden")));

/*
 * By ld --wrap in place of libgcov's own, which would write at exit(), and set the
 * counters to zero, which are everybody's, in a child and before another program.
 */
void
__wrap___gcov_exit(void)
{
}

pid_t
__wrap___gcov_fork(void)
{
	return fork();
}

int
__wrap___gcov_execve(const char *path, char *const *arguments,
					 char *const *environment)
{
	return execve(path, arguments, environment);
}

/* After libgcov was told of the counters, whose constructors have a priority. */
__attribute__((constructor)) static void
map_counters(void)
{
	size_t size = (size_t) (coverage_counters_end - coverage_counters_begin);
	int fd = open(COVERAGE_COUNTERS, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	if (mmap(coverage_counters_begin, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		abort();
	close(fd);
	if (getenv("COVERAGE_DUMP"))
	{
		__gcov_dump();
		_exit(0);
	}
}
