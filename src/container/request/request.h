/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/map.h"
#include "base/optional.h"
#include "base/strv.h"

/**
 * DOC: What a caller asks for when an instance is created
 *
 * A `struct container_request` is Docker's create document (its Config, and its HostConfig) as C
 * data: what `docker run` sends, what the record of an instance keeps and what inspect shows. It
 * says what was asked, nothing else: what the image adds and what Berth decides by itself is put
 * together by config/default-config.h when the instance starts. json.h reads and writes it.
 *
 * A value that Docker keeps as text (a mode, a bind) stays text here, so that inspect shows what
 * was sent; check.h holds each text to its grammar, and mounts.h turns binds,
 * mounts and tmpfs into one list. Nothing uses a request that container_request_check() has not
 * accepted.
 *
 * Strings are NULL or non-empty where not said otherwise; a `struct map *` holds malloc'ed strings
 * and is NULL while empty. A zeroed request is a valid empty one. Embedded:
 * container_request_done() releases what it holds.
 */

/* Config.Healthcheck: times in nanoseconds, 0 for the image's or the default value. */
struct container_health {
	struct strv test; /* "NONE", or "CMD" and arguments, or "CMD-SHELL" and one text */
	int64_t interval_ns;
	int64_t timeout_ns;
	int64_t start_period_ns;
	int64_t start_interval_ns;
	int64_t retries;
};

enum container_mount_type {
	CONTAINER_MOUNT_BIND,
	CONTAINER_MOUNT_VOLUME,
	CONTAINER_MOUNT_TMPFS,
};

/* HostConfig.Mounts[].BindOptions */
struct container_bind_options {
	char *propagation; /* private, rprivate, shared, rshared, slave, rslave */
	bool non_recursive;
	bool create_mountpoint; /* make a missing source folder */
	bool read_only_non_recursive;
	bool read_only_force_recursive;
};

/* HostConfig.Mounts[].VolumeOptions */
struct container_volume_options {
	bool no_copy;
	struct map *labels;
	char *subpath;
	char *driver;
	struct map *driver_options;
};

/* HostConfig.Mounts[].TmpfsOptions; nosuid, nodev and noexec are on unless an option says else */
struct container_tmpfs_options {
	int64_t size_bytes;  /* 0: no limit of its own */
	uint32_t mode;       /* 0: 01777 */
	struct strv options; /* what has no field: "exec", "uid=5" */
};

/* One of HostConfig.Mounts, and what mounts.h makes of binds and tmpfs. */
struct container_mount {
	enum container_mount_type type;
	char *source; /* bind: absolute host path; volume: name, NULL for an anonymous one */
	char *target; /* absolute path inside */
	bool read_only;
	struct container_bind_options bind;
	struct container_volume_options volume;
	struct container_tmpfs_options tmpfs;
};

/* HostConfig.Devices */
struct container_device {
	char *host_path;
	char *path;        /* inside; NULL: as on the host */
	char *permissions; /* of "rwm"; NULL: all three */
};

/* HostConfig.Ulimits; -1 is unlimited */
struct container_ulimit {
	char *name; /* lower case without RLIMIT_: "nofile" */
	int64_t soft;
	int64_t hard;
};

/* One binding of HostConfig.PortBindings. */
struct container_port {
	char *port;      /* "80/tcp" */
	char *host_ip;   /* NULL: the default address */
	char *host_port; /* NULL or "0": a free one; "8000-8010": a free one of these */
};

/* HostConfig.RestartPolicy; a NULL name is "no" */
struct container_restart {
	char *name;
	int64_t maximum_retry_count;
};

/* HostConfig.LogConfig; a NULL type is Berth's own file */
struct container_log {
	char *type;
	struct map *options;
};

struct container_request {
	/* Config */
	char *image; /* as the caller named it */
	char *hostname;
	char *domainname;
	char *user; /* name or number, optionally ":" and a group */
	char *working_dir;
	char *mac_address;
	char *stop_signal;                  /* "SIGTERM", "TERM" or "15" */
	struct optional_int stop_timeout_s; /* -1 waits for ever */
	bool attach_stdin;
	bool attach_stdout;
	bool attach_stderr;
	bool tty;
	bool open_stdin;
	bool stdin_once;
	bool network_disabled;
	struct strv env; /* "NAME=value", or "NAME" to unset the image's */
	bool has_entrypoint;
	struct strv entrypoint; /* [""] is no entry point at all */
	bool has_command;
	struct strv command;
	struct map *labels;
	struct strv exposed_ports;       /* "80/tcp" */
	struct strv anonymous_volumes;   /* Config.Volumes: paths inside */
	struct container_health *health; /* NULL: the image's */

	/* HostConfig: what it sees */
	struct strv binds; /* "source:target[:options]" */
	struct container_mount *mounts;
	size_t mount_count;
	struct map *tmpfs; /* path inside -> options */
	struct strv volumes_from;
	char *volume_driver;
	bool read_only_root;
	struct container_device *devices;
	size_t device_count;
	struct strv device_cgroup_rules; /* "c 1:3 rwm" */
	int64_t shm_size_bytes;          /* 0: 64 MiB */
	struct map *storage_options;

	/* HostConfig: namespaces: NULL, "private", "host", "container:NAME" as each allows */
	char *network_mode; /* also "none", "default", "bridge" or a network's name */
	char *ipc_mode;     /* also "none", "shareable" */
	char *pid_mode;
	char *uts_mode;
	char *userns_mode;
	char *cgroupns_mode;

	/* HostConfig: privileges */
	bool privileged;
	struct strv cap_add;
	struct strv cap_drop;
	struct strv security_options; /* "seccomp=…", "no-new-privileges", … */
	struct strv group_add;
	struct map *sysctls;
	bool has_masked_paths; /* as given, instead of the default lists */
	struct strv masked_paths;
	bool has_read_only_paths;
	struct strv read_only_paths;

	/* HostConfig: limits; 0 is "not given" where the field is no optional one */
	int64_t memory_bytes;
	int64_t memory_reservation_bytes;
	int64_t memory_swap_bytes; /* memory and swap together; -1: no limit */
	struct optional_int memory_swappiness;
	struct optional_bool oom_kill_disable;
	int64_t oom_score_adj;
	int64_t nano_cpus; /* 1e-9 of one processor */
	int64_t cpu_shares;
	int64_t cpu_period_us;
	int64_t cpu_quota_us;
	char *cpuset_cpus;
	char *cpuset_mems;
	uint64_t blkio_weight;
	struct optional_int pids_limit; /* 0: the default; -1: no limit */
	struct container_ulimit *ulimits;
	size_t ulimit_count;
	char *cgroup_parent;

	/* HostConfig: network */
	struct container_port *ports;
	size_t port_count;
	bool publish_all_ports;
	struct strv dns;
	struct strv dns_options;
	struct strv dns_search;
	struct strv extra_hosts; /* "name:address" */
	struct strv links;

	/* HostConfig: life */
	bool auto_remove;
	struct optional_bool init;
	struct container_restart restart;
	struct container_log log;
	struct map *annotations;
	char *container_id_file;
	char *runtime;
	char *isolation;        /* NULL or "default", "container", "vm" */
	uint32_t *console_size; /* rows, columns; NULL where not given */
	size_t console_size_count;
};

/* Releases what @request holds and leaves it empty. */
void container_request_done(struct container_request *request);
#define auto_container_request auto_(container_request_done) struct container_request
