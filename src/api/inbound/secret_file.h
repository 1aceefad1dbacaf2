/*
 * secret_file.h
 *		The file an option password_file names.
 *
 * Pure C: no PostgreSQL header, no allocation.
 */
#ifndef GA_API_INBOUND_SECRET_FILE_H
#define GA_API_INBOUND_SECRET_FILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The first line of a regular file that only its owner may read.  false:
 * there is no such file, or it is empty.
 */
extern bool ga_secret_file_read(const char *path, char *line, size_t size);

#endif /* GA_API_INBOUND_SECRET_FILE_H */
