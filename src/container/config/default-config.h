/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "container/request/mounts.h"
#include "container/request/request.h"
#include "oci/runtime-config.h"

struct image_config;
struct seccomp_cache;
struct seccomp_program;

/**
 * DOC: Berth's default sandbox
 *
 * container_config_make() puts three things together, each from another level of trust: what Berth
 * holds to be right (namespaces, mounts, masked paths, capabilities, limits, the seccomp profile),
 * what the image says about its own program (command, environment, user, folder, stop signal), and
 * what the caller asked for. Only the caller can widen the sandbox, only by the flag that says so;
 * nothing of the image but those five values is read here, and none of them is a path outside.
 *
 * The result is a pure function of its arguments: no file is read, no clock asked. User names are
 * resolved inside the container, from the image's own passwd and group, so the configuration holds
 * user 0 and the name is handed on in `container_identity`.
 */

/* What only the engine knows about one start. */
struct container_place {
	const char *id;        /* 64 hexadecimal digits */
	const char *root_path; /* written as root.path; the launch plan has descriptors instead */
	const char *cgroups_path; /* below the engine's own group */
	uint32_t id_base;      /* host id of 0 inside, for 65,536 ids; not used with the host's user
			     namespace */
	uint64_t capabilities; /* capabilities_held(): all that "all" can mean in the host's user
				  namespace; 0: every one */
	struct optional_uint nofile_hard; /* hard limits held: defaults never ask for more */
	const char *network_namespace;    /* path of one to join; NULL: a new one, or the host's if
					     asked */
	const char *ipc_namespace;        /* of the instance that "container:NAME" names */
	const char *pid_namespace;
	/* the mounts of container_mounts_collect(), sources of volumes filled with host paths */
	const struct container_mounts *mounts;
	/* the nodes of the request's devices; all of the host's for a privileged one */
	const struct runtime_device *devices;
	size_t device_count;
	bool lacks_mqueue; /* the host has no /dev/mqueue to be shared */
	/* linux.seccomp stays empty for the built-in profile: container_seccomp_program() has it */
	bool leave_default_seccomp;
	const struct strv *masked_paths; /* container_host_masked_paths() once; NULL for none */
};

/* Who runs the program, in words that only the image's own files can resolve. */
struct container_identity {
	const char *user; /* "", "0", "www-data", "1000:staff"; borrowed from request or image */
	const struct strv *groups; /* --group-add; borrowed */
};

#define CONTAINER_ID_COUNT 65536
#define CONTAINER_PIDS_DEFAULT 2048
#define CONTAINER_SHM_DEFAULT (64LL << 20)
#define CONTAINER_PATH_DEFAULT "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/**
 * container_config_make() - the configuration of one start
 * @request:  what the caller asked for, accepted by container_request_check()
 * @image:    the image's configuration; NULL for none
 * @place:    what the engine knows
 * @ret:      receives the configuration; untouched on failure
 * @identity: receives who runs the program; borrows from @request and @image
 *
 * Return: 0; -EINVAL where request and image together make no container, as with no command at
 *         all ("No command specified", Docker's text).
 */
must_check int container_config_make(const struct container_request *request,
				     const struct image_config *image,
				     const struct container_place *place,
				     struct runtime_config *ret,
				     struct container_identity *identity, struct error *err);

/**
 * container_seccomp_program() - the system call filter of one start, compiled at most once
 * @config: made of @request by container_config_make(), with place.leave_default_seccomp or without
 * @ret:    receives the program, released by seccomp_program_done(); empty where the request wants
 *          no filter; untouched on failure
 */
must_check int container_seccomp_program(struct seccomp_cache *cache,
					 const struct container_request *request,
					 const struct runtime_config *config,
					 struct seccomp_program *ret, struct error *err);

/* Appends what has to be masked on this very host, beside what is masked everywhere. */
void container_host_masked_paths(struct strv *ret);

/**
 * container_command() - the program and its arguments, as Docker puts them together
 * @image: the image's settings; NULL for none
 * @ret:   replaced
 *
 * Return: 0; -EINVAL "no command specified".
 */
must_check int container_command(const struct container_request *request,
				 const struct image_config *image, struct strv *ret,
				 struct error *err);

/* True where the request leaves the container in the host's user namespace. */
bool container_request_host_users(const struct container_request *request);

/* What a caller asks to run in a container that runs already. */
struct container_exec {
	struct strv args;
	struct strv env;   /* over the container's own */
	char *user;        /* NULL: the container's */
	char *working_dir; /* NULL: the container's */
	bool tty;
	bool privileged; /* every capability that the container's namespaces give meaning to */
};

/**
 * container_exec_make() - the process of one exec
 * @config:    the container's configuration
 * @container: who runs its program
 * @exec:      what is asked
 * @ret:       receives the process; released with runtime_process_done(); untouched on failure
 * @identity:  receives who runs it; borrows from @container and @exec
 *
 * Everything that @exec does not say is the container's: environment, limits, capabilities,
 * no_new_privs. The system call filter is the container's even for a privileged exec.
 *
 * Return: 0; -EINVAL: "No exec command specified" or a working folder that is no absolute path.
 */
must_check int container_exec_make(const struct runtime_config *config,
				   const struct container_identity *container,
				   const struct container_exec *exec, struct runtime_process *ret,
				   struct container_identity *identity, struct error *err);
