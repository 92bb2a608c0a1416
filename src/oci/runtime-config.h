/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json-fields.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/map.h"
#include "base/optional.h"
#include "base/strv.h"

/**
 * DOC: The OCI runtime specification's config.json
 *
 * A `struct runtime_config` is the document as C data, in the specification's own words and order
 * (https://github.com/opencontainers/runtime-spec, config.md and config-linux.md). The engine makes
 * one in memory for each start and never writes it out; an OCI runtime command line reads one from
 * a bundle. Both give it to container/config/compile.h.
 *
 * runtime_config_parse() is strict about what it knows: types, ranges and every value that comes
 * from a list. Keys that it does not know are left alone, as the specification demands; but the
 * parts of it that Berth cannot do (a virtual machine's section, Intel RDT) are refused by
 * runtime_config_check(), for a sandbox that is silently weaker than written is worse than none.
 *
 * Embedded: a zeroed one is empty, runtime_config_done() releases. Strings are NULL where missing.
 * Arrays are malloc'ed; array_add() appends.
 */

#define RUNTIME_SPEC_VERSION "1.2.0"

struct runtime_rlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft;
	uint64_t hard;
};

/* Sets of capabilities: bit n is capability n. */
struct runtime_capabilities {
	uint64_t bounding;
	uint64_t effective;
	uint64_t inheritable;
	uint64_t permitted;
	uint64_t ambient;
};

struct runtime_user {
	uint32_t uid;
	uint32_t gid;
	struct optional_uint umask;
	uint32_t *additional_gids;
	size_t additional_gid_count;
};

struct runtime_console_size {
	uint32_t height;
	uint32_t width;
};

struct runtime_io_priority {
	int class; /* IOPRIO_CLASS_* */
	int64_t priority;
};

struct runtime_scheduler {
	int policy; /* SCHED_* */
	int64_t nice;
	int64_t priority;
	uint64_t flags; /* SCHED_FLAG_* */
	uint64_t runtime_ns;
	uint64_t deadline_ns;
	uint64_t period_ns;
};

struct runtime_process {
	bool terminal;
	struct runtime_console_size *console_size;
	struct runtime_user user;
	struct strv args;
	struct strv env;
	char *cwd;
	struct runtime_capabilities *capabilities; /* NULL: leave them as they are */
	struct runtime_rlimit *rlimits;
	size_t rlimit_count;
	bool no_new_privileges;
	char *apparmor_profile;
	char *selinux_label;
	struct optional_int oom_score_adj;
	struct runtime_scheduler *scheduler;
	struct runtime_io_priority *io_priority;
};

/* Ids @container_id … + @size - 1 inside are @host_id … outside. */
struct runtime_id_map {
	uint32_t container_id;
	uint32_t host_id;
	uint32_t size;
};

struct runtime_mount {
	char *destination;
	char *type;
	char *source;
	struct strv options;
	struct runtime_id_map *uid_maps;
	size_t uid_map_count;
	struct runtime_id_map *gid_maps;
	size_t gid_map_count;
};

struct runtime_root {
	char *path;
	bool read_only;
};

struct runtime_namespace {
	int type;   /* CLONE_NEW* */
	char *path; /* NULL: a new one */
};

struct runtime_device {
	int type; /* 'b', 'c', 'p'; "u" is 'c' */
	char *path;
	int64_t major;
	int64_t minor;
	struct optional_uint mode;
	struct optional_uint uid;
	struct optional_uint gid;
};

struct runtime_device_rule {
	bool allow;
	int type;                  /* 'a', 'b', 'c' */
	struct optional_int major; /* not given, or -1: any */
	struct optional_int minor;
	char *access; /* of "rwm" */
};

struct runtime_memory {
	struct optional_int limit; /* bytes; -1 none */
	struct optional_int reservation;
	struct optional_int swap; /* memory and swap together */
	struct optional_int kernel;
	struct optional_int kernel_tcp;
	struct optional_uint swappiness;
	bool disable_oom_killer;
	bool use_hierarchy;
	bool check_before_update;
};

struct runtime_cpu {
	struct optional_uint shares;
	struct optional_int quota_us;
	struct optional_uint burst_us;
	struct optional_uint period_us;
	struct optional_int realtime_runtime_us;
	struct optional_uint realtime_period_us;
	char *cpus;
	char *mems;
	struct optional_int idle;
};

struct runtime_weight_device {
	int64_t major;
	int64_t minor;
	struct optional_uint weight;
	struct optional_uint leaf_weight;
};

struct runtime_throttle_device {
	int64_t major;
	int64_t minor;
	uint64_t rate;
};

struct runtime_throttle {
	struct runtime_throttle_device *items;
	size_t count;
};

struct runtime_block_io {
	struct optional_uint weight;
	struct optional_uint leaf_weight;
	struct runtime_weight_device *weight_devices;
	size_t weight_device_count;
	struct runtime_throttle read_bps;
	struct runtime_throttle write_bps;
	struct runtime_throttle read_iops;
	struct runtime_throttle write_iops;
};

struct runtime_hugepage_limit {
	char *page_size; /* "2MB" */
	uint64_t limit;
};

struct runtime_interface_priority {
	char *name;
	uint32_t priority;
};

struct runtime_network {
	struct optional_uint class_id;
	struct runtime_interface_priority *priorities;
	size_t priority_count;
};

struct runtime_pids {
	int64_t limit; /* 0 and -1: none */
};

struct runtime_resources {
	struct runtime_device_rule *devices;
	size_t device_count;
	struct runtime_memory *memory;
	struct runtime_cpu *cpu;
	struct runtime_pids *pids;
	struct runtime_block_io *block_io;
	struct runtime_hugepage_limit *hugepage_limits;
	size_t hugepage_limit_count;
	struct runtime_network *network;
	struct map *unified; /* file of cgroup v2 -> text */
	bool has_rdma;       /* noticed to be refused */
};

struct runtime_seccomp_arg {
	uint32_t index; /* 0 to 5 */
	uint64_t value;
	uint64_t value_two; /* MASKED_EQ: what @value masks must be equal to this */
	int op;             /* enum scmp_compare */
};

struct runtime_seccomp_rule {
	struct strv names;
	uint32_t action; /* SCMP_ACT_* without errno */
	struct optional_uint errno_ret;
	struct runtime_seccomp_arg *args; /* all must hold */
	size_t arg_count;
};

struct runtime_seccomp {
	uint32_t default_action; /* SCMP_ACT_* without errno */
	struct optional_uint default_errno_ret;
	uint32_t *architectures; /* SCMP_ARCH_* */
	size_t architecture_count;
	uint64_t flags; /* SECCOMP_FILTER_FLAG_* */
	char *listener_path;
	char *listener_metadata;
	struct runtime_seccomp_rule *rules;
	size_t rule_count;
};

struct runtime_personality {
	uint64_t domain; /* PER_LINUX or PER_LINUX32 */
	struct strv flags;
};

struct runtime_time_offset {
	char *clock; /* "monotonic", "boottime" */
	int64_t seconds;
	uint32_t nanoseconds;
};

struct runtime_linux {
	struct runtime_id_map *uid_maps;
	size_t uid_map_count;
	struct runtime_id_map *gid_maps;
	size_t gid_map_count;
	struct map *sysctl;
	struct runtime_resources *resources;
	char *cgroups_path;
	struct runtime_namespace *namespaces;
	size_t namespace_count;
	struct runtime_device *devices;
	size_t device_count;
	struct runtime_seccomp *seccomp;
	uint64_t rootfs_propagation; /* MS_* flags; 0: not given */
	struct strv masked_paths;
	struct strv read_only_paths;
	char *mount_label;
	struct runtime_personality *personality;
	struct runtime_time_offset *time_offsets;
	size_t time_offset_count;
	/* noticed to be refused */
	bool has_intel_rdt;
	bool has_net_devices;
	bool has_memory_policy;
};

struct runtime_hook {
	char *path;
	struct strv args;
	struct strv env;
	struct optional_int timeout_s;
};

struct runtime_hook_list {
	struct runtime_hook *items;
	size_t count;
};

struct runtime_hooks {
	struct runtime_hook_list prestart;
	struct runtime_hook_list create_runtime;
	struct runtime_hook_list create_container;
	struct runtime_hook_list start_container;
	struct runtime_hook_list poststart;
	struct runtime_hook_list poststop;
};

struct runtime_config {
	char *oci_version;
	struct runtime_process *process;
	struct runtime_root root;
	char *hostname;
	char *domainname;
	struct runtime_mount *mounts;
	size_t mount_count;
	struct runtime_hooks hooks;
	struct map *annotations;
	struct runtime_linux linux_; /* the plain word is a macro of GNU C */
	bool has_vm;                 /* noticed to be refused */
};

void runtime_config_done(struct runtime_config *config);
#define auto_runtime_config auto_(runtime_config_done) struct runtime_config

/**
 * runtime_config_parse() - read a config.json
 * @text: bytes, need not be terminated
 * @len:  how many; more than 4 MiB is refused
 * @ret:  receives the configuration; untouched on failure
 *
 * Return: 0; -EFBIG; -EBADMSG where it is no such document. The error names the path of the value,
 *         such as "process: rlimits[2]: type: no such value 'RLIMIT_X'".
 */
must_check int runtime_config_parse(const char *text, size_t len, struct runtime_config *ret,
				    struct error *err);

/* A bundle's process.json, as `exec --process` takes it; released by runtime_process_done(). */
must_check int runtime_process_parse(const char *text, size_t len, struct runtime_process *ret,
				     struct error *err);
void runtime_process_done(struct runtime_process *process);

/**
 * runtime_config_check() - refuse what contradicts itself or cannot be done
 *
 * Return: 0; -EINVAL; -ENOTSUP.
 */
must_check int runtime_config_check(const struct runtime_config *config, struct error *err);

/* The document; released by the caller. What is missing in @config is left out. */
struct json_object *runtime_config_json(const struct runtime_config *config);

/* Adds a mount and gives it; @options is a comma-separated list or NULL. */
struct runtime_mount *runtime_config_add_mount(struct runtime_config *config,
					       const char *destination, const char *type,
					       const char *source, const char *options);

/* Words of the specification and their values, each list ended by a NULL word. */
extern const struct json_word runtime_capability_words[]; /* one bit each */
extern const struct json_word runtime_rlimit_words[];     /* RLIMIT_* */
extern const struct json_word runtime_action_words[];     /* SCMP_ACT_* */
extern const struct json_word runtime_arch_words[];       /* SCMP_ARCH_* */
extern const struct json_word runtime_compare_words[];    /* enum scmp_compare */

/* Releases what a profile that stands alone holds. */
void runtime_seccomp_done(struct runtime_seccomp *seccomp);

/* The entry for one CLONE_NEW* type, or NULL where that namespace stays the caller's. */
struct runtime_namespace *runtime_config_namespace(const struct runtime_config *config, int type);
