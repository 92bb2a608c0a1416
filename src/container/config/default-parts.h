/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "container/config/default-config.h"

/**
 * DOC: The parts of container_config_make(), each in a file of its own
 */

/* Answers about the request's modes that more than one part needs. */
bool container_request_host_network(const struct container_request *request);

/* default-options.c: the security options, read once. */
struct security_options {
	bool no_new_privileges;
	bool unconfined_paths;
	bool unconfined_seccomp;
	bool writable_cgroups;
	const char *seccomp_profile; /* JSON; NULL: the built-in one */
};
must_check int security_options_read(const struct container_request *request,
				     struct security_options *ret, struct error *err);

/* default-mounts.c */
void default_mounts_add(const struct container_request *request,
			const struct container_place *place, bool writable_cgroups,
			struct runtime_config *config);

/* default-limits.c */
void default_limits_add(const struct container_request *request,
			const struct container_place *place, struct runtime_config *config);
void default_rlimits_add(const struct container_request *request,
			 const struct container_place *place, struct runtime_process *process);
