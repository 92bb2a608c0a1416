/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"
#include "cli/verb.h"

/**
 * DOC: Options of run, create and update
 *
 * One struct and its tables for `run` and `create`; the limits, which `update` also has, are a
 * struct of their own that stands first in each. create_body() turns them into the request of POST
 * /containers/create, as Docker's command line would; what is not asked for is left out.
 */

struct limit_options {
	int64_t blkio_weight;
	int64_t cpu_period;
	int64_t cpu_quota;
	int64_t cpu_rt_period;
	int64_t cpu_rt_runtime;
	int64_t cpu_shares;
	int64_t cpus;
	const char *cpuset_cpus;
	const char *cpuset_mems;
	int64_t memory;
	int64_t memory_reservation;
	int64_t memory_swap;
	int64_t pids_limit;
	const char *restart;
};

struct create_options {
	struct limit_options limits;
	const char *name;
	const char *platform;
	const char *pull;
	const char *cidfile;

	/* the program and its surroundings */
	struct strv attach;
	struct strv env;
	struct strv env_files;
	struct strv labels;
	struct strv label_files;
	const char *entrypoint;
	const char *user;
	const char *workdir;
	const char *hostname;
	const char *domainname;
	const char *stop_signal;
	int64_t stop_timeout;
	const char *health_cmd;
	int64_t health_interval;
	int64_t health_timeout;
	int64_t health_start_period;
	int64_t health_start_interval;
	int64_t health_retries;

	/* isolation */
	const char *isolation;
	const char *runtime;
	struct strv cap_add;
	struct strv cap_drop;
	struct strv security_opt;
	struct strv group_add;
	struct strv sysctls;
	struct strv annotations;
	const char *userns;
	const char *ipc;
	const char *pid;
	const char *uts;
	const char *cgroupns;
	const char *cgroup_parent;

	/* files and devices */
	struct strv volumes;
	struct strv mounts;
	struct strv tmpfs;
	struct strv volumes_from;
	const char *volume_driver;
	struct strv storage_opt;
	struct strv devices;
	struct strv device_cgroup_rules;
	int64_t shm_size;

	/* network */
	struct strv networks;
	struct strv publish;
	struct strv expose;
	struct strv add_host;
	struct strv dns;
	struct strv dns_option;
	struct strv dns_search;
	struct strv network_alias;
	struct strv link;
	struct strv link_local_ip;
	const char *ip;
	const char *ip6;
	const char *mac_address;

	/* more limits, and the log */
	struct strv ulimits;
	struct strv blkio_weight_device;
	struct strv device_read_bps;
	struct strv device_read_iops;
	struct strv device_write_bps;
	struct strv device_write_iops;
	int64_t oom_score_adj;
	int64_t memory_swappiness;
	const char *log_driver;
	struct strv log_opt;

	/* flags of all of these */
	bool quiet;
	bool interactive;
	bool tty;
	bool init;
	bool rm;
	bool no_healthcheck;
	bool vm;
	bool privileged;
	bool read_only;
	bool publish_all;
	bool oom_kill_disable;
	bool disable_content_trust;
};

/* Tables; places count from a struct that begins with limit_options or create_options. */
extern const struct option limit_table[];
extern const struct option create_table[];
extern const struct option create_place_table[];

/**
 * create_body() - make the request
 * @call:     of run or create; its options begin with struct create_options
 * @detach:   attach to nothing
 * @ret:      receives the request
 *
 * Return: 0, -EINVAL with a text as Docker's, or what reading a named file gave.
 */
must_check int create_body(const struct call *call, bool detach, struct json_object **ret,
			   struct error *err);

/* Adds the limits that were given to a HostConfig. */
must_check int create_add_limits(const struct call *call, const struct limit_options *o,
				 struct json_object *host, struct error *err);

/* Adds "NetworkMode", ports, names and addresses: network.c. */
must_check int create_add_network(const struct create_options *o, struct json_object *body,
				  struct json_object *host, struct error *err);

/* Adds everything else of HostConfig: host.c. */
must_check int create_add_host(const struct call *call, const struct create_options *o,
			       struct json_object *body, struct json_object *host,
			       struct error *err);
