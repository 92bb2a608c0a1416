/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "sys/user-namespace.h"

/**
 * DOC: Launch plans
 *
 * A launch plan says everything that has to be done to start one process in a container: the
 * container's first one (a plan with a root) or one more in a container that runs (an exec: a plan
 * without). The engine compiles it from an OCI runtime configuration; a keeper, or the guest of a
 * virtual machine, carries it out. Nothing is left to be looked up or decided at that point.
 *
 * In memory a plan is a `struct plan` whose strings and lists live in an arena of its own, so a
 * writer may fill it freely and plan_free() releases it whole:
 *
 *	struct plan *p = plan_new();
 *	*plan_add(p, &p->argv) = plan_text(p, "/bin/true");
 *	struct plan_mount *m = plan_add_mount(p, PLAN_MOUNT_TMPFS, "/tmp");
 *	*plan_add(p, &m->options) = plan_text(p, "mode=1777");
 *
 * Between processes it travels as one position-independent byte string (plan_encode()), beside a
 * list of descriptors that the plan names by index. plan_decode() treats the bytes as hostile: each
 * count, length, index and enumerator is checked, unknown values are refused, and nothing points
 * outside of the bytes.
 *
 * Paths named "target" lie in the container and are resolved below its root by sys/rootfs.h.
 * Paths named "source" were chosen by the operator or the caller and are resolved on the host.
 */

#define PLAN_BYTES_MAX (4u << 20) /* most bytes of an encoded plan */
#define PLAN_FDS_MAX 512u         /* most descriptors that a plan names */
#define PLAN_LAYERS_MAX 256u
#define PLAN_NO_FD (-1) /* where an index of a descriptor may be missing */

/* A list of one type, kept in the plan's arena; appended to by plan_add(). */
#define PLAN_LIST(type)         \
	struct {                \
		type *items;    \
		uint32_t count; \
		uint32_t size;  \
	}

enum plan_namespace_kind {
	PLAN_NS_USER,
	PLAN_NS_MOUNT,
	PLAN_NS_PID,
	PLAN_NS_NET,
	PLAN_NS_IPC,
	PLAN_NS_UTS,
	PLAN_NS_CGROUP,
	PLAN_NS_COUNT
};

enum plan_namespace_mode {
	PLAN_NS_MODE_HOST, /* stay in the keeper's */
	PLAN_NS_MODE_NEW,
	PLAN_NS_MODE_FD, /* join the one behind plan_namespace.fd (not for user and mount) */
	PLAN_NS_MODE_COUNT
};

struct plan_namespace {
	uint32_t mode;
	int32_t fd; /* index of a descriptor; only for PLAN_NS_MODE_FD */
};

enum plan_capability_set {
	PLAN_CAPS_BOUNDING,
	PLAN_CAPS_EFFECTIVE,
	PLAN_CAPS_PERMITTED,
	PLAN_CAPS_INHERITABLE,
	PLAN_CAPS_AMBIENT,
	PLAN_CAPS_COUNT
};

struct plan_rlimit {
	uint32_t resource; /* RLIMIT_* */
	uint64_t soft;     /* RLIM_INFINITY is UINT64_MAX */
	uint64_t hard;
	/* The user asked for it: not to be had is a failure. Otherwise it is cut to what is held.
	 */
	bool required;
};

/*
 * Who the process is. Where @user is NULL, @uid, @gid and @groups are taken as they are. Otherwise
 * it is Docker's "name|uid[:group|gid]", looked up in the container's own /etc/passwd and
 * /etc/group, and @groups is added to what is found there; @group_names are looked up as well.
 */
struct plan_user {
	const char *user;
	uint32_t uid;
	uint32_t gid;
	PLAN_LIST(uint32_t) groups;
	PLAN_LIST(const char *) group_names;
};

enum plan_root_type {
	PLAN_ROOT_NONE,    /* exec: the running container's root */
	PLAN_ROOT_OVERLAY, /* @layers below a writable layer in @state_fd */
	PLAN_ROOT_FOLDER,  /* @layers[0] is a folder, used as it is */
	PLAN_ROOT_COUNT
};

struct plan_root {
	uint32_t type;
	PLAN_LIST(int32_t) layers; /* descriptors of folders or mounts, the uppermost first */
	int32_t state_fd; /* folder with "upper" and "work"; PLAN_NO_FD: no writable layer */
	bool idmap;       /* shift the layers' owners by the user namespace's maps */
	bool read_only;
	bool is_volatile;     /* the writable layer need not survive a power cut (--rm) */
	uint32_t propagation; /* MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE; 0 is private */
};

enum plan_mount_type {
	PLAN_MOUNT_BIND,  /* @source or @source_fd */
	PLAN_MOUNT_TMPFS, /* also shm: a tmpfs with size=, mode=1777 */
	PLAN_MOUNT_DEV,   /* Berth's own /dev: a tmpfs with plan.devices and the usual links */
	PLAN_MOUNT_DEVPTS,
	PLAN_MOUNT_PROC,
	PLAN_MOUNT_SYSFS, /* the host's, read-only, where the network namespace is the host's */
	PLAN_MOUNT_MQUEUE,
	PLAN_MOUNT_CGROUP, /* the container's own groups, as the host has them (v1, hybrid, v2) */
	PLAN_MOUNT_COUNT
};

enum plan_mount_flags {
	PLAN_MOUNT_RECURSIVE = 1 << 0,      /* bind: with what is mounted below */
	PLAN_MOUNT_IDMAP = 1 << 1,          /* bind: shift owners by the user namespace's maps */
	PLAN_MOUNT_IDMAP_OPTIONAL = 1 << 2, /* ... where the file system can, else as it is */
	PLAN_MOUNT_ATTR_RECURSIVE = 1 << 3, /* @attr_set and @attr_clear hold for what is below */
	PLAN_MOUNT_FLAGS_ALL = (1 << 4) - 1,
};

struct plan_mount {
	uint32_t type;
	uint32_t flags;       /* enum plan_mount_flags */
	const char *target;   /* absolute, in the container; made where it is missing */
	const char *source;   /* bind: absolute path on the host; NULL where @source_fd is set */
	int32_t source_fd;    /* bind: index of a descriptor, else PLAN_NO_FD */
	uint64_t attr_set;    /* MOUNT_ATTR_RDONLY, _NOSUID, _NODEV, _NOEXEC, _NOATIME, ... */
	uint64_t attr_clear;  /* the same, to take off a bind */
	uint32_t propagation; /* MS_*; 0 is private */
	PLAN_LIST(const char *) options; /* of the file system: "size=64m", "mode=1777" */
};

struct plan_device {
	const char *path; /* absolute, below /dev */
	uint32_t type;    /* S_IFCHR, S_IFBLK or S_IFIFO */
	uint32_t major;
	uint32_t minor;
	uint32_t mode; /* permission bits */
	uint32_t uid;  /* inside */
	uint32_t gid;
};

/* A small file that the container gets by a mount of its own, such as /etc/hosts. */
struct plan_file {
	const char *target;
	const void *data;
	uint32_t len;
	uint32_t mode;
};

struct plan_sysctl {
	const char *key; /* with dots: "net.ipv4.ping_group_range" */
	const char *value;
};

enum plan_device_access {
	PLAN_DEVICE_READ = 1 << 0,
	PLAN_DEVICE_WRITE = 1 << 1,
	PLAN_DEVICE_MKNOD = 1 << 2,
	PLAN_DEVICE_ALL = 7,
};

#define PLAN_DEVICE_ANY (-1)

/* One line of a device policy; the last one that matches decides, and nothing is allowed before. */
struct plan_device_rule {
	bool allow;
	uint32_t type;   /* 'c', 'b' or 'a' for both */
	int64_t major;   /* PLAN_DEVICE_ANY */
	int64_t minor;   /* PLAN_DEVICE_ANY */
	uint32_t access; /* enum plan_device_access */
};

#define PLAN_LIMIT_NONE INT64_MIN /* not asked for: leave it as the kernel has it */
#define PLAN_LIMIT_MAX (-1)       /* asked for: no limit */

struct plan_cgroup {
	/* Path below each hierarchy's root ("berth/4f9c..."); NULL: no group of its own. */
	const char *path;
	int64_t memory_bytes;
	int64_t memory_swap_bytes; /* memory and swap together, as Docker counts */
	int64_t memory_low_bytes;  /* reservation */
	int64_t cpu_quota_us;
	int64_t cpu_period_us;
	int64_t cpu_shares; /* 2..262144 */
	int64_t pids;
	int64_t blkio_weight;      /* 10..1000 */
	int64_t memory_swappiness; /* 0..100 */
	const char *cpuset_cpus;
	const char *cpuset_mems;
	bool oom_kill_disable;
	bool filter_devices; /* false: no device policy at all (privileged) */
	PLAN_LIST(struct plan_device_rule) devices;
};

/* Where the output of the first process is logged. */
enum plan_log {
	PLAN_LOG_NONE,
	PLAN_LOG_FILE,    /* files in the instance's folder */
	PLAN_LOG_JOURNAL, /* journald */
	PLAN_LOG_COUNT
};

/* What the keeper does with the streams of the container's first process. */
struct plan_streams {
	bool terminal;
	uint32_t rows; /* 0: leave the terminal's default */
	uint32_t cols;
	bool stdin_open;        /* else standard input is /dev/null */
	bool stdin_once;        /* its end is passed on when the first attached client's ends */
	uint32_t log;           /* enum plan_log */
	uint64_t log_max_bytes; /* of one file; 0: no limit */
	uint32_t log_max_files; /* files kept, the current one counted; 0 and 1: one */
	/* Added to each message, as the native journal protocol encodes them. */
	const void *journal_fields;
	uint32_t journal_fields_len;
};

struct plan {
	/* What runs. */
	const char *id; /* of the instance; for messages */
	PLAN_LIST(const char *) argv;
	PLAN_LIST(const char *) env;
	const char *cwd; /* absolute; NULL is "/" */
	bool cwd_create; /* make it where it is missing, owned by root inside */
	struct plan_user user;
	uint64_t caps[PLAN_CAPS_COUNT]; /* one bit a capability */
	bool no_new_privs;
	PLAN_LIST(struct plan_rlimit) rlimits;
	bool oom_score_adj_set;
	int32_t oom_score_adj;
	uint32_t umask;
	const void *seccomp;    /* struct sock_filter array; NULL: none */
	uint32_t seccomp_len;   /* bytes */
	uint32_t seccomp_flags; /* SECCOMP_FILTER_FLAG_LOG and the like */
	struct plan_streams streams;
	bool own_work; /* @argv names no program but work of a machine's guest: vm/guest-work.h */

	/* What it runs in; an exec leaves all of this empty. */
	struct plan_namespace namespaces[PLAN_NS_COUNT];
	PLAN_LIST(struct id_range) uid_maps;
	PLAN_LIST(struct id_range) gid_maps;
	const char *hostname;
	const char *domainname;
	struct plan_root root;
	PLAN_LIST(struct plan_mount) mounts; /* carried out in this order */
	PLAN_LIST(struct plan_device) devices;
	PLAN_LIST(struct plan_file) files;
	PLAN_LIST(const char *) masked;    /* paths; one that is missing is passed over */
	PLAN_LIST(const char *) read_only; /* the same */
	PLAN_LIST(struct plan_sysctl) sysctls;
	struct plan_cgroup cgroup;
	bool init;     /* --init: a small reaping init of Berth's own is process 1 */
	bool loopback; /* bring "lo" up; only where the network namespace is new */

	/* How it ends, where the keeper itself is told to end. */
	uint32_t stop_signal;
	uint32_t stop_timeout_ms;

	uint32_t fd_count; /* how many descriptors travel beside the plan */

	struct plan_arena *arena;
};

/* An empty plan: no limits, no descriptors, umask 022, SIGTERM and 10 s to stop. */
struct plan *plan_new(void);
void plan_free(struct plan *p);
DEFINE_AUTO(struct plan, plan_free);
#define auto_plan auto_(plan_freep) struct plan

/* Memory of the plan's arena, zeroed. */
void *plan_alloc(struct plan *p, size_t size);
/* Copies into the plan's arena; NULL gives NULL. */
const char *plan_text(struct plan *p, const char *s);
const char *plan_textf(struct plan *p, const char *fmt, ...) printf_like(2, 3);
const void *plan_bytes(struct plan *p, const void *data, size_t len);

/* Appends a zeroed item to a list and gives its address, valid until the next plan_add(). */
#define plan_add(p, list)                                                                    \
	((typeof((list)->items))plan_list_grow((p), (void **)&(list)->items, &(list)->count, \
					       &(list)->size, sizeof(*(list)->items)))
void *plan_list_grow(struct plan *p, void **items, uint32_t *count, uint32_t *size,
		     size_t item_size);

/* Appends a mount of @type at @target that names no descriptor. */
struct plan_mount *plan_add_mount(struct plan *p, uint32_t type, const char *target);

/**
 * plan_encode() - write a plan as bytes
 * @p:   plan; not changed
 * @ret: appended to; its cap should be PLAN_BYTES_MAX
 *
 * Return: 0; -EINVAL where the plan does not hold together (what plan_decode() would refuse);
 * -E2BIG.
 */
must_check int plan_encode(const struct plan *p, struct strbuf *ret, struct error *err);

/**
 * plan_decode() - read a plan from bytes that nobody vouches for
 * @data: bytes; strings of the plan point into them, so they must outlive it
 * @len:  how many
 * @ret:  receives the plan; plan_free()
 *
 * Return: 0 or -EBADMSG; nothing but the first fault is told.
 */
must_check int plan_decode(const void *data, size_t len, struct plan **ret, struct error *err);
