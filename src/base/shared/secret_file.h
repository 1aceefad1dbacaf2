/*
 * secret_file.h
 *		The file that an option password_file or secret_file names.
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_BASE_SHARED_SECRET_FILE_H
#define GA_BASE_SHARED_SECRET_FILE_H

#include <stddef.h>

typedef enum GaSecretFileResult
{
	GA_SECRET_FILE_READ,
	GA_SECRET_FILE_UNREADABLE, /* errno says why */
	GA_SECRET_FILE_OPEN, /* no regular file, or others than its owner may read it */
	GA_SECRET_FILE_EMPTY
} GaSecretFileResult;

/*
 * Reads the first line, without its end, cut to size - 1 bytes; "" where it is not
 * read.  Whoever calls overwrites it when done.
 */
extern GaSecretFileResult ga_secret_file_read(const char *path, char *line,
											  size_t size);

#endif /* GA_BASE_SHARED_SECRET_FILE_H */
