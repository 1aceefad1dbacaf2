/*
 * commit.h
 *		A commit that waits for the synchronous standbys.
 */
#ifndef GA_DISPATCH_PROCESS_COMMIT_H
#define GA_DISPATCH_PROCESS_COMMIT_H

/*
 * Commits the current transaction and waits until the server's synchronous standbys have it
 * on disk, or until the process is told to stop.  Without such standbys it is committed as
 * ever.
 */
extern void ga_commit_replicated(void);

#endif /* GA_DISPATCH_PROCESS_COMMIT_H */
