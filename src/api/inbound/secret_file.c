/*
 * secret_file.c
 *		Reading a secret from a file, by the courier's rules.
 *
 * Must not hang on a FIFO nor follow what others may write; says nothing about
 * what it read.
 */
#include "api/inbound/secret_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
ga_secret_file_read(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	ssize_t length = -1;

	if (fd < 0)
		return false;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
		(status.st_mode & (S_IRWXG | S_IRWXO)) == 0)
		length = read(fd, line, size - 1);
	close(fd);
	line[length > 0 ? length : 0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return *line != '\0';
}
