/*
 * confine_test.c
 *		What a confined process still can do, and what no longer: each tried in a
 *		child of its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <linux/if_packet.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "courier/confine.h"

#define UNCONFINED 77
#define NO_SECCOMP 78

static char directory[] = "/tmp/confine.XXXXXX";

/* Each answers whether it succeeded; in a child that may be lost. */

static bool
runs_a_program(void)
{
	char *arguments[] = {"true", NULL};

	execv("/bin/true", arguments);
	return errno != EPERM && errno != EACCES;
}

static bool
forks(void)
{
	pid_t child = (pid_t) syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (child == 0)
		_exit(0);
	return child > 0 || fork() >= 0;
}

static bool
writes_a_file(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/new", directory);
	if (open(path, O_WRONLY | O_CREAT, 0600) >= 0 ||
		open("/dev/null", O_RDWR) >= 0 || mkdir(path, 0700) == 0 ||
		symlink("/x", path) == 0)
		return true;
	snprintf(path, sizeof(path), "%s/old", directory);
	return truncate(path, 0) == 0 || unlink(path) == 0 ||
		   chmod(path, 0777) == 0 || open(path, O_RDONLY | O_TRUNC) >= 0;
}

static bool
signals_others(void)
{
	return kill(getppid(), 0) == 0 ||
		   syscall(SYS_tgkill, getppid(), getppid(), 0) == 0;
}

static bool
traces_others(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0 ||
		   ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool
opens_odd_sockets(void)
{
	return socket(AF_PACKET, SOCK_DGRAM, 0) >= 0 ||
		   socket(AF_VSOCK, SOCK_STREAM, 0) >= 0 ||
		   socket(AF_ALG, SOCK_SEQPACKET, 0) >= 0;
}

static bool
listens(void)
{
	return listen(socket(AF_INET, SOCK_STREAM, 0), 1) == 0;
}

static bool
makes_namespaces(void)
{
	return unshare(CLONE_NEWUSER) == 0 || unshare(CLONE_NEWNET) == 0;
}

static bool
has_a_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 ||
		   socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool
reads_any_file(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/old", directory);
	return open(path, O_RDONLY) >= 0;
}

static void *
note(void *context)
{
	*(bool *) context = true;
	return NULL;
}

static bool
starts_threads(void)
{
	bool ran = false;
	pthread_t thread;

	return pthread_create(&thread, NULL, note, &ran) == 0 &&
		   pthread_join(thread, NULL) == 0 && ran;
}

static bool
looks_names_up(void)
{
	struct addrinfo *found;

	return getaddrinfo("localhost", "25", NULL, &found) == 0;
}

static bool
connects(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons(1);
	return fd >= 0 &&
		   (connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0 ||
			errno == ECONNREFUSED);
}

static bool
converts(void)
{
	char in[] = "\xA4\xA2", out[16];
	char *from = in, *to = out;
	size_t left = 2, room = sizeof(out);
	iconv_t how = iconv_open("UTF-8", "EUC-JP");

	return how != (iconv_t) -1 && iconv(how, &from, &left, &to, &room) == 0 &&
		   memcmp(out, "\xE3\x81\x82", 3) == 0;
}

static bool
aborts(void)
{
	signal(SIGABRT, SIG_DFL);
	abort();
}

/* Its answer, after it was confined. */
static int
try_confined(GaConfinement confinement, bool (*attempt)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
	{
		char said[128];

		ga_confine(confinement, said, sizeof(said));
		if (strncmp(said, "nothing", 7) == 0)
			_exit(UNCONFINED);
		if (strstr(said, "no seccomp"))
			_exit(NO_SECCOMP);
		_exit(attempt());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void
refuses(GaConfinement confinement, const char *what, bool (*attempt)(void))
{
	int answer = try_confined(confinement, attempt);

	if (answer != 0 && answer != UNCONFINED && answer != NO_SECCOMP)
		fail_msg("a confined process %s: %d", what, answer);
}

static void
allows(GaConfinement confinement, const char *what, bool (*attempt)(void))
{
	int answer = try_confined(confinement, attempt);

	if (answer != 1 && answer != UNCONFINED && answer != NO_SECCOMP)
		fail_msg("a confined process no longer %s: %d", what, answer);
}

static void
nobody_gets_further_from_here(void **state)
{
	(void) state;
	for (int i = GA_CONFINE_SENDER; i <= GA_CONFINE_READER; i++)
	{
		refuses(i, "runs a program", runs_a_program);
		refuses(i, "forks", forks);
		refuses(i, "writes a file", writes_a_file);
		refuses(i, "signals others", signals_others);
		refuses(i, "traces others", traces_others);
		refuses(i, "opens odd sockets", opens_odd_sockets);
		refuses(i, "listens", listens);
		refuses(i, "makes namespaces", makes_namespaces);
	}
}

static void
sending_goes_on(void **state)
{
	(void) state;
	allows(GA_CONFINE_SENDER, "starts threads", starts_threads);
	allows(GA_CONFINE_SENDER, "looks names up", looks_names_up);
	allows(GA_CONFINE_SENDER, "connects", connects);
	allows(GA_CONFINE_SENDER, "reads files", reads_any_file);
	assert_true(try_confined(GA_CONFINE_SENDER, aborts) == -SIGABRT ||
				try_confined(GA_CONFINE_SENDER, starts_threads) != 1);
}

static void
reading_has_no_network_and_no_files(void **state)
{
	bool has_landlock =
		syscall(444 /* landlock_create_ruleset */, NULL, 0, 1) > 0;

	(void) state;
	refuses(GA_CONFINE_READER, "has a socket", has_a_socket);
	if (has_landlock)
		refuses(GA_CONFINE_READER, "reads any file", reads_any_file);
	allows(GA_CONFINE_READER, "converts", converts);
}

static int
make_directory(void **state)
{
	char path[64];

	(void) state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/old", directory);
	return close(open(path, O_WRONLY | O_CREAT, 0600));
}

static int
remove_directory(void **state)
{
	char path[64];

	(void) state;
	snprintf(path, sizeof(path), "%s/old", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/new", directory);
	unlink(path);
	return rmdir(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_gets_further_from_here),
		cmocka_unit_test(sending_goes_on),
		cmocka_unit_test(reading_has_no_network_and_no_files),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
