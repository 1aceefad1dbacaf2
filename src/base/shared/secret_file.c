/*
 * secret_file.c
 *		Reading a secret from a file.
 *
 * Must not hang on a FIFO nor follow what others may write; says nothing about
 * what it read.
 */
#include "base/shared/secret_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static GaSecretFileResult
read_line(int fd, char *line, size_t size)
{
	struct stat status;
	ssize_t length;

	if (fstat(fd, &status) < 0)
		return GA_SECRET_FILE_UNREADABLE;
	if (!S_ISREG(status.st_mode) || (status.st_mode & (S_IRWXG | S_IRWXO)))
		return GA_SECRET_FILE_OPEN;
	length = read(fd, line, size - 1);
	if (length < 0)
		return GA_SECRET_FILE_UNREADABLE;
	line[length] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return *line ? GA_SECRET_FILE_READ : GA_SECRET_FILE_EMPTY;
}

GaSecretFileResult
ga_secret_file_read(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	GaSecretFileResult result;

	*line = '\0';
	if (fd < 0)
		return GA_SECRET_FILE_UNREADABLE;
	result = read_line(fd, line, size);
	close(fd);
	return result;
}
