/*
 * confine.c
 *		no_new_privs, limits, seccomp and Landlock.
 *
 * The courier talks to hosts of strangers and reads their MIME with libraries of
 * others.  Whoever takes it over that way finds a process that starts no program,
 * writes no file, signals and traces nobody; and the one that reads bounces has
 * no network besides.
 *
 * What is refused is listed, the rest is allowed: name services, TLS and threads
 * differ from system to system, and a message is worth more than a call less.  A
 * refused call fails like one without permission; nothing is killed.  The filter
 * is written by hand, since libseccomp would be one more library to have.
 *
 * Files that can be read are not limited where passwords and certificates are
 * named by options, which may change while the courier runs.
 */
#include "courier/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
	__has_feature(memory_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

/* Connections of many providers, and no more than that. */
#define FILES_MAX 65536

/* ---- limits ---------------------------------------------------------------- */

static void
limit(int resource, rlim_t value)
{
	struct rlimit bounds;

	if (getrlimit(resource, &bounds) != 0)
		return;
	if (bounds.rlim_max > value)
		bounds.rlim_max = value;
	bounds.rlim_cur = bounds.rlim_max;
	(void) setrlimit(resource, &bounds);
}

static bool
is_file(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/*
 * Memory is not bounded here, since each thread reserves much more than it uses;
 * nor are processes, which are counted for the whole user.
 */
static void
set_limits(void)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, FILES_MAX);
	/* Where the server's log is a file, what we say goes there. */
	if (!is_file(STDOUT_FILENO) && !is_file(STDERR_FILENO))
		limit(RLIMIT_FSIZE, 0);
}

/* ---- seccomp --------------------------------------------------------------- */

#if defined(__x86_64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef OUR_ARCHITECTURE

/* The lower half of an argument; both architectures are little-endian. */
#define ARGUMENT(n) (offsetof(struct seccomp_data, args) + (n) *8)
#define FILTER_MAX 512

typedef struct Filter
{
	struct sock_filter code[FILTER_MAX];
	unsigned short length;
} Filter;

static void
put(Filter *filter, struct sock_filter instruction)
{
	if (filter->length == FILTER_MAX)
		abort();
	filter->code[filter->length++] = instruction;
}

static void
put_load(Filter *filter, size_t offset)
{
	put(filter, (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
											  (uint32_t) offset));
}

static void
put_answer(Filter *filter, uint32_t answer)
{
	put(filter, (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, answer));
}

/* Skips so many instructions unless the value compares like that. */
static void
put_unless(Filter *filter, int comparison, uint32_t value, unsigned char skip)
{
	put(filter, (struct sock_filter) BPF_JUMP(BPF_JMP | comparison | BPF_K,
											  value, 0, skip));
}

static uint32_t
refuse(int code)
{
	return SECCOMP_RET_ERRNO | (uint32_t) code;
}

/* The number of the call is loaded, and stays so. */
static void
put_refusal(Filter *filter, int number, int code)
{
	put_unless(filter, BPF_JEQ, (uint32_t) number, 1);
	put_answer(filter, refuse(code));
}

static const int refused[] = {
	/* other programs, other users */
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kcmp,
	SYS_kill,
	SYS_tkill,
	SYS_rt_sigqueueinfo,
	SYS_rt_tgsigqueueinfo,
	SYS_pidfd_open,
	SYS_pidfd_send_signal,
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setgroups,
	SYS_capset,
	SYS_setns,
	SYS_unshare,
	SYS_personality,
	/* what is on the disk */
	SYS_truncate,
	SYS_unlinkat,
	SYS_renameat,
	SYS_renameat2,
	SYS_linkat,
	SYS_symlinkat,
	SYS_mkdirat,
	SYS_mknodat,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_fchown,
	SYS_fchownat,
	SYS_utimensat,
	SYS_setxattr,
	SYS_lsetxattr,
	SYS_fsetxattr,
	SYS_removexattr,
	SYS_lremovexattr,
	SYS_fremovexattr,
	SYS_name_to_handle_at,
	SYS_open_by_handle_at,
	SYS_memfd_create,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_chdir,
	SYS_fchdir,
	SYS_fsopen,
	SYS_fsmount,
	SYS_fspick,
	SYS_open_tree,
	SYS_move_mount,
	/* waiting for others */
	SYS_listen,
	SYS_accept,
	SYS_accept4,
	/* wide doors into the kernel */
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_io_setup,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_syslog,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_clock_adjtime,
	SYS_fanotify_init,
	SYS_vhangup,
#ifdef __x86_64__
	SYS_fork,
	SYS_vfork,
	SYS_creat,
	SYS_unlink,
	SYS_rename,
	SYS_link,
	SYS_symlink,
	SYS_mkdir,
	SYS_rmdir,
	SYS_mknod,
	SYS_chmod,
	SYS_chown,
	SYS_lchown,
	SYS_utime,
	SYS_utimes,
	SYS_futimesat,
	SYS_iopl,
	SYS_ioperm,
	SYS_modify_ldt,
	SYS_uselib,
#endif
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#ifdef SYS_pidfd_getfd
	SYS_pidfd_getfd,
#endif
#ifdef SYS_process_madvise
	SYS_process_madvise,
#endif
#ifdef SYS_mount_setattr
	SYS_mount_setattr,
#endif
};

/* The reader alone. */
static const int refused_network[] = {SYS_socket,  SYS_socketpair, SYS_connect,
									  SYS_bind,	   SYS_sendto,	   SYS_sendmsg,
									  SYS_sendmmsg};

/* Opening for anything but reading; the flags are that argument. */
static void
put_open(Filter *filter, int number, int argument)
{
	put_unless(filter, BPF_JEQ, (uint32_t) number, 4);
	put_load(filter, ARGUMENT(argument));
	put(filter,
		(struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
									  O_ACCMODE | O_CREAT | O_TRUNC, 0, 1));
	put_answer(filter, refuse(EACCES));
	put_answer(filter, SECCOMP_RET_ALLOW);
}

/* Threads, but no processes. */
static void
put_clone(Filter *filter)
{
	/* glibc takes clone() then, whose flags can be looked at. */
#ifdef SYS_clone3
	put_refusal(filter, SYS_clone3, ENOSYS);
#endif
	put_unless(filter, BPF_JEQ, SYS_clone, 4);
	put_load(filter, ARGUMENT(0));
	put_unless(filter, BPF_JSET, CLONE_THREAD, 1);
	put_answer(filter, SECCOMP_RET_ALLOW);
	put_answer(filter, refuse(EPERM));
}

/* abort() signals its own thread. */
static void
put_own_signal(Filter *filter)
{
	put_unless(filter, BPF_JEQ, SYS_tgkill, 4);
	put_load(filter, ARGUMENT(0));
	put_unless(filter, BPF_JEQ, (uint32_t) getpid(), 1);
	put_answer(filter, SECCOMP_RET_ALLOW);
	put_answer(filter, refuse(EPERM));
}

/* TCP and UDP, name services by local sockets, routes for the resolver. */
static void
put_families(Filter *filter)
{
	static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
	size_t count = sizeof(families) / sizeof(families[0]);

	put_unless(filter, BPF_JEQ, SYS_socket, (unsigned char) (2 * count + 2));
	put_load(filter, ARGUMENT(0));
	for (size_t i = 0; i < count; i++)
	{
		put_unless(filter, BPF_JEQ, (uint32_t) families[i], 1);
		put_answer(filter, SECCOMP_RET_ALLOW);
	}
	put_answer(filter, refuse(EAFNOSUPPORT));
}

static void
write_filter(Filter *filter, GaConfinement confinement)
{
	filter->length = 0;
	put_load(filter, offsetof(struct seccomp_data, arch));
	put(filter, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
											  OUR_ARCHITECTURE, 1, 0));
	put_answer(filter, refuse(EPERM));
	put_load(filter, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	/* the numbers of x32 */
	put_unless(filter, BPF_JGE, 0x40000000, 1);
	put_answer(filter, refuse(EPERM));
#endif
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		put_refusal(filter, refused[i], EPERM);
	if (confinement == GA_CONFINE_READER)
		for (size_t i = 0;
			 i < sizeof(refused_network) / sizeof(refused_network[0]); i++)
			put_refusal(filter, refused_network[i], EPERM);
	put_clone(filter);
	put_own_signal(filter);
	put_families(filter);
#ifdef SYS_openat2
	put_refusal(filter, SYS_openat2, ENOSYS);
#endif
#ifdef SYS_open
	put_open(filter, SYS_open, 1);
#endif
	put_open(filter, SYS_openat, 2);
	put_answer(filter, SECCOMP_RET_ALLOW);
}

static bool
filter_calls(GaConfinement confinement)
{
	static Filter filter;
	struct sock_fprog program = {0, filter.code};

	write_filter(&filter, confinement);
	program.len = filter.length;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				   SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

#else

static bool
filter_calls(GaConfinement confinement)
{
	(void) confinement;
	return false;
}

#endif

/* ---- Landlock -------------------------------------------------------------- */

/* linux/landlock.h as of 6.12; older headers lack some, older kernels, too. */
#define LANDLOCK_CREATE_RULESET 444
#define LANDLOCK_ADD_RULE 445
#define LANDLOCK_RESTRICT_SELF 446
#define VERSION_FLAG 1u
#define PATH_BENEATH 1

#define FS_EXECUTE (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_CHANGES (0x1FFFULL & ~0xFULL) /* REMOVE_DIR to MAKE_SYM */
#define FS_REFER (1ULL << 13)			 /* 2 */
#define FS_TRUNCATE (1ULL << 14)		 /* 3 */
#define FS_IOCTL_DEV (1ULL << 15)		 /* 5 */
#define NET_BIND_TCP (1ULL << 0)		 /* 4 */
#define NET_CONNECT_TCP (1ULL << 1)		 /* 4 */
#define SCOPES 3ULL						 /* 6: abstract sockets, signals */

typedef struct Ruleset
{
	uint64_t files;
	uint64_t network;
	uint64_t scoped;
} Ruleset;

typedef struct __attribute__((packed)) PathRule
{
	uint64_t allowed;
	int32_t parent;
} PathRule;

/* What this version of Landlock knows; more would be refused as a whole. */
static Ruleset
rules_of(long version, GaConfinement confinement)
{
	Ruleset rules = {FS_EXECUTE | FS_WRITE_FILE | FS_CHANGES, 0, 0};

	if (version >= 2)
		rules.files |= FS_REFER;
	if (version >= 3)
		rules.files |= FS_TRUNCATE;
	if (version >= 4)
		rules.network = NET_BIND_TCP;
	if (version >= 5)
		rules.files |= FS_IOCTL_DEV;
	if (version >= 6)
		rules.scoped = SCOPES;
	if (confinement == GA_CONFINE_READER)
	{
		rules.files |= FS_READ_FILE | FS_READ_DIR;
		if (version >= 4)
			rules.network |= NET_CONNECT_TCP;
	}
	return rules;
}

/* iconv loads its tables while it reads. */
static void
let_read_system(int ruleset)
{
	static const char *const places[] = {"/usr", "/lib",	   "/lib64",
										 "/etc", "/nix/store", NULL};

	for (int i = 0; places[i]; i++)
	{
		PathRule rule = {FS_READ_FILE | FS_READ_DIR, -1};

		rule.parent = open(places[i], O_PATH | O_CLOEXEC);
		if (rule.parent < 0)
			continue;
		(void) syscall(LANDLOCK_ADD_RULE, ruleset, PATH_BENEATH, &rule, 0);
		close(rule.parent);
	}
}

/* The version that was applied; 0: none. */
static long
restrict_files(GaConfinement confinement)
{
	long version = syscall(LANDLOCK_CREATE_RULESET, NULL, 0, VERSION_FLAG);
	Ruleset rules;
	long ruleset;
	bool good;

	if (version <= 0)
		return 0;
	rules = rules_of(version, confinement);
	/* What an older kernel does not know is zero there. */
	ruleset = syscall(LANDLOCK_CREATE_RULESET, &rules, sizeof(rules), 0);
	if (ruleset < 0)
		return 0;
	if (confinement == GA_CONFINE_READER)
		let_read_system((int) ruleset);
	good = syscall(LANDLOCK_RESTRICT_SELF, (int) ruleset, 0) == 0;
	close((int) ruleset);
	return good ? version : 0;
}

/* ---- all of it ------------------------------------------------------------- */

/* Tools that have to trace, fork and write for what they are asked to do. */
static bool
is_examined(void)
{
#ifdef SANITIZED
	return true;
#else
	const char *preloaded = getenv("LD_PRELOAD");

	return preloaded && strstr(preloaded, "vgpreload") != NULL;
#endif
}

void
ga_confine(GaConfinement confinement, char *said, size_t size)
{
	long version;
	bool unprivileged;
	bool filtered;

	if (is_examined())
	{
		snprintf(said, size, "nothing, as it runs under a checker of memory");
		return;
	}
	set_limits();
	unprivileged = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	/* Landlock's own calls come before the filter. */
	version = restrict_files(confinement);
	filtered = filter_calls(confinement);
	snprintf(said, size, "limits, %sno_new_privs, %sseccomp, %sLandlock",
			 unprivileged ? "" : "no ", filtered ? "" : "no ",
			 version > 0 ? "" : "no ");
}
