/* SPDX-License-Identifier: Apache-2.0 */
#include "container/config/default-config.h"

#include <errno.h>
#include <glob.h>
#include <sched.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/array.h"
#include "container/config/capabilities.h"
#include "container/config/default-parts.h"
#include "container/request/check.h"
#include "container/seccomp/seccomp.h"
#include "oci/image-config.h"

#define SHORT_ID 12

static const char *const masked_paths[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
};

static const char *const read_only_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

bool container_request_joins(const char *mode)
{
	return mode && strncmp(mode, "container:", 10) == 0;
}

static bool is_host(const char *mode)
{
	return mode && strcmp(mode, "host") == 0;
}

bool container_request_host_network(const struct container_request *request)
{
	return is_host(request->network_mode);
}

bool container_request_host_users(const struct container_request *request)
{
	/* Docker's --privileged means the host's root, so it takes a word to keep the own range */
	if (request->privileged && !request->userns_mode)
		return true;
	return is_host(request->userns_mode);
}

/* ---- the program ------------------------------------------------------------------------- */

int container_command(const struct container_request *request, const struct image_config *image,
		      struct strv *ret, struct error *err)
{
	static const struct strv none;
	const struct strv *entrypoint = &request->entrypoint;
	const struct strv *command = &request->command;

	if (entrypoint->count == 0) {
		if (command->count == 0 && image)
			command = &image->settings.cmd;
		if (!request->has_entrypoint && image)
			entrypoint = &image->settings.entrypoint;
	}
	if (entrypoint->count == 1 && entrypoint->items[0][0] == '\0')
		entrypoint = &none;
	if (entrypoint->count + command->count == 0)
		return error_say(err, EINVAL, "no command specified");

	strv_copy(ret, entrypoint);
	strv_add_all(ret, command);
	return 0;
}

static void assign(struct strv *env, const char *assignment)
{
	if (strchr(assignment, '='))
		env_set(env, assignment);
	else
		env_unset(env, assignment);
}

static void make_environment(const struct container_request *request,
			     const struct image_config *image, const char *hostname,
			     struct strv *ret)
{
	strv_add(ret, CONTAINER_PATH_DEFAULT);
	if (hostname)
		strv_addf(ret, "HOSTNAME=%s", hostname);
	if (request->tty)
		strv_add(ret, "TERM=xterm");
	/* an image's word is data: what is no assignment sets, and unsets, nothing */
	for (size_t i = 0; image && i < image->settings.env.count; i++) {
		const char *text = image->settings.env.items[i];
		if (text[0] != '=' && strchr(text, '='))
			env_set(ret, text);
	}
	for (size_t i = 0; i < request->env.count; i++)
		assign(ret, request->env.items[i]);
}

static char *make_cwd(const struct container_request *request, const struct image_config *image)
{
	const char *dir = request->working_dir;

	if (!dir && image)
		dir = image->settings.working_dir;
	if (!dir || !*dir)
		dir = "/";
	return *dir == '/' ? xstrdup(dir) : xasprintf("/%s", dir);
}

static bool adds_all(const struct container_request *request)
{
	for (size_t i = 0; i < request->cap_add.count; i++)
		if (strcasecmp(request->cap_add.items[i], "ALL") == 0)
			return true;
	return false;
}

static int make_capabilities(const struct container_request *request,
			     const struct container_place *place, struct runtime_process *process,
			     struct error *err)
{
	uint64_t set = CAPABILITY_ALL;

	if (!request->privileged) {
		int r = capabilities_adjust(CAPABILITY_DEFAULT, &request->cap_add,
					    &request->cap_drop, &set, err);
		if (r < 0)
			return r;
	}
	/* a user namespace of its own has every capability, however few its maker held */
	bool all = request->privileged || adds_all(request);
	if (all && place->capabilities && container_request_host_users(request))
		set &= place->capabilities;
	process->capabilities = xnew(struct runtime_capabilities);
	process->capabilities->bounding = set;
	process->capabilities->effective = set;
	process->capabilities->permitted = set;
	return 0;
}

static int make_process(const struct container_request *request, const struct image_config *image,
			const struct container_place *place, const struct security_options *options,
			struct runtime_config *config, struct error *err)
{
	struct runtime_process *process = xnew(struct runtime_process);

	config->process = process;
	process->cwd = make_cwd(request, image);
	process->terminal = request->tty;
	process->no_new_privileges = options->no_new_privileges;
	if (request->console_size_count == 2 && request->console_size[0] > 0) {
		process->console_size = xnew(struct runtime_console_size);
		process->console_size->height = request->console_size[0];
		process->console_size->width = request->console_size[1];
	}
	if (request->oom_score_adj != 0)
		process->oom_score_adj = (struct optional_int){ true, request->oom_score_adj };
	make_environment(request, image, config->hostname, &process->env);
	default_rlimits_add(request, place, process);
	int r = make_capabilities(request, place, process, err);
	return r < 0 ? r : container_command(request, image, &process->args, err);
}

/* ---- what it runs in --------------------------------------------------------------------- */

static void add_namespace(struct runtime_linux *l, int type, const char *path)
{
	struct runtime_namespace *ns = array_add(l->namespaces, l->namespace_count);

	ns->type = type;
	ns->path = xstrdup_or_null(path);
}

static void add_id_maps(const struct container_place *place, struct runtime_linux *l)
{
	const struct runtime_id_map map = { 0, place->id_base, CONTAINER_ID_COUNT };

	*array_add(l->uid_maps, l->uid_map_count) = map;
	*array_add(l->gid_maps, l->gid_map_count) = map;
}

static void make_namespaces(const struct container_request *request,
			    const struct container_place *place, struct runtime_linux *l)
{
	add_namespace(l, CLONE_NEWNS, NULL);
	if (!is_host(request->cgroupns_mode))
		add_namespace(l, CLONE_NEWCGROUP, NULL);
	if (!is_host(request->uts_mode))
		add_namespace(l, CLONE_NEWUTS, NULL);
	if (!is_host(request->ipc_mode))
		add_namespace(l, CLONE_NEWIPC, place->ipc_namespace);
	if (!is_host(request->pid_mode))
		add_namespace(l, CLONE_NEWPID, place->pid_namespace);
	if (!container_request_host_network(request))
		add_namespace(l, CLONE_NEWNET, place->network_namespace);
	if (!container_request_host_users(request)) {
		add_namespace(l, CLONE_NEWUSER, NULL);
		add_id_maps(place, l);
	}
}

static void make_sysctls(const struct container_request *request, struct runtime_linux *l)
{
	size_t position = 0;
	const char *key;
	const char *value;

	l->sysctl = map_new(free);
	/* ping and low ports need no capability where the network is the container's own */
	if (!container_request_host_network(request) &&
	    !container_request_joins(request->network_mode)) {
		map_set(l->sysctl, "net.ipv4.ping_group_range", xstrdup("0 65535"));
		map_set(l->sysctl, "net.ipv4.ip_unprivileged_port_start", xstrdup("0"));
	}
	while (request->sysctls && (value = map_next(request->sysctls, &position, &key)))
		map_set(l->sysctl, key, xstrdup(value));
}

static void make_hidden_paths(const struct container_request *request,
			      const struct container_place *place,
			      const struct security_options *options, struct runtime_linux *l)
{
	if (request->has_masked_paths)
		strv_copy(&l->masked_paths, &request->masked_paths);
	if (request->has_read_only_paths)
		strv_copy(&l->read_only_paths, &request->read_only_paths);
	if (request->privileged || options->unconfined_paths)
		return;

	for (size_t i = 0; !request->has_masked_paths && i < ARRAY_SIZE(masked_paths); i++)
		strv_add(&l->masked_paths, masked_paths[i]);
	if (!request->has_masked_paths && place->masked_paths)
		strv_add_all(&l->masked_paths, place->masked_paths);
	for (size_t i = 0; !request->has_read_only_paths && i < ARRAY_SIZE(read_only_paths); i++)
		strv_add(&l->read_only_paths, read_only_paths[i]);
}

void container_host_masked_paths(struct strv *ret)
{
	glob_t found = {};

	if (glob("/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle", 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			strv_add(ret, found.gl_pathv[i]);
	globfree(&found);
}

/* A request with --privileged has a filter only if it names one. */
static bool wants_filter(const struct container_request *request,
			 const struct security_options *options)
{
	return !options->unconfined_seccomp && (!request->privileged || options->seccomp_profile);
}

static int make_seccomp(const struct container_request *request,
			const struct container_place *place, const struct security_options *options,
			struct runtime_config *config, struct error *err)
{
	const char *profile = options->seccomp_profile;
	uint64_t capabilities = config->process->capabilities->bounding;

	if (!wants_filter(request, options) || (!profile && place->leave_default_seccomp))
		return 0;
	config->linux_.seccomp = xnew(struct runtime_seccomp);
	if (!profile) {
		seccomp_profile_default(capabilities, config->linux_.seccomp);
		return 0;
	}
	return seccomp_profile_parse(profile, strlen(profile), capabilities, config->linux_.seccomp,
				     err);
}

int container_seccomp_program(struct seccomp_cache *cache, const struct container_request *request,
			      const struct runtime_config *config, struct seccomp_program *ret,
			      struct error *err)
{
	struct security_options options;
	int r = security_options_read(request, &options, err);
	if (r < 0)
		return r;

	if (config->linux_.seccomp)
		return seccomp_cache_get(cache, config->linux_.seccomp, ret, err);
	if (wants_filter(request, &options))
		return seccomp_cache_get_default(cache, config->process->capabilities->bounding,
						 ret, err);
	*ret = (struct seccomp_program){};
	return 0;
}

static void copy_annotations(const struct container_request *request, struct runtime_config *config)
{
	size_t position = 0;
	const char *key;
	const char *value;

	if (!request->annotations)
		return;
	config->annotations = map_new(free);
	while ((value = map_next(request->annotations, &position, &key)))
		map_set(config->annotations, key, xstrdup(value));
}

static int make(const struct container_request *request, const struct image_config *image,
		const struct container_place *place, struct runtime_config *config,
		struct error *err)
{
	struct security_options options;
	int r = security_options_read(request, &options, err);
	if (r < 0)
		return r;

	config->oci_version = xstrdup(RUNTIME_SPEC_VERSION);
	config->root.path = xstrdup_or_null(place->root_path);
	config->root.read_only = request->read_only_root;
	if (!is_host(request->uts_mode)) {
		config->hostname = request->hostname ? xstrdup(request->hostname)
						     : xstrndup(place->id, SHORT_ID);
		config->domainname = xstrdup_or_null(request->domainname);
	}
	copy_annotations(request, config);
	r = make_process(request, image, place, &options, config, err);
	if (r < 0)
		return r;

	make_namespaces(request, place, &config->linux_);
	make_sysctls(request, &config->linux_);
	make_hidden_paths(request, place, &options, &config->linux_);
	default_mounts_add(request, place, options.writable_cgroups, config);
	default_limits_add(request, place, config);
	return make_seccomp(request, place, &options, config, err);
}

int container_config_make(const struct container_request *request, const struct image_config *image,
			  const struct container_place *place, struct runtime_config *ret,
			  struct container_identity *identity, struct error *err)
{
	auto_runtime_config config = {};
	int r = make(request, image, place, &config, err);
	if (r < 0)
		return r;

	const char *user = request->user;
	if (!user && image)
		user = image->settings.user;
	*identity = (struct container_identity){
		.user = user ? user : "",
		.groups = &request->group_add,
	};
	*ret = config;
	config = (struct runtime_config){};
	return 0;
}
