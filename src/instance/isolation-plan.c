/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/isolation-plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "container/config/capabilities.h"
#include "container/request/check.h"
#include "container/request/log-config.h"
#include "container/request/mounts.h"
#include "instance/devices.h"
#include "instance/etc-files.h"
#include "instance/join.h"
#include "instance/log-attributes.h"
#include "instance/manager-internal.h"
#include "oci/image-config.h"
#include "store/image/image.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define SHORT_ID 12

/* ---- Mounts --------------------------------------------------------------------------------- */

static int check_mount(const struct container_mount *mount, struct error *err)
{
	struct stat st;

	if (mount->type == CONTAINER_MOUNT_VOLUME)
		return error_say(err, EOPNOTSUPP, "volume at %s: volumes are not available yet",
				 mount->target);
	if (mount->type != CONTAINER_MOUNT_BIND || stat(mount->source, &st) == 0)
		return 0;
	if (errno != ENOENT || !mount->bind.create_mountpoint)
		return error_say(err, EINVAL,
				 "invalid mount config for type \"bind\": bind source path does "
				 "not exist: %s",
				 mount->source);
	return path_make_dirs(mount->source, 0755, err);
}

static int collect_mounts(const struct record *r, struct container_mounts *ret, struct error *err)
{
	auto_container_mounts mounts = {};
	int result = container_mounts_collect(&r->request, NULL, &mounts, err);
	for (size_t i = 0; result == 0 && i < mounts.count; i++)
		result = check_mount(&mounts.items[i], err);
	if (result < 0)
		return result;
	*ret = mounts;
	mounts = (struct container_mounts){};
	return 0;
}

/* ---- The plan ------------------------------------------------------------------------------- */

int isolation_load_image(struct manager *m, struct record *r, struct error *err)
{
	struct digest id;

	if (r->image)
		return 0;
	int result = digest_parse(r->image_id, &id, err);
	return result < 0 ? result : image_load_config(m->options.store, &id, &r->image, err);
}

/*
 * @mounts: NULL where they do not matter, for what joins a container that has them already; as
 *          is @joined.
 * @whole:  with the built-in seccomp profile written out, which a start takes from a cache instead.
 */
static int make_config(struct manager *m, const struct record *r,
		       const struct container_mounts *mounts, const struct joined *joined,
		       bool whole, struct runtime_config *ret, struct container_identity *identity,
		       struct error *err)
{
	auto_free char *cgroups_path = xasprintf("berth/%s", r->id);
	const struct container_mounts none = { 0 };
	auto_device_nodes devices = {};
	struct rlimit nofile = {};

	(void)getrlimit(RLIMIT_NOFILE, &nofile);
	int result = mounts ? device_nodes_collect(&r->request, "/dev", &devices, err) : 0;
	if (result < 0)
		return result;
	const struct container_place place = {
		.id = r->id,
		.root_path = "rootfs",
		.cgroups_path = cgroups_path,
		.id_base = record_id_base(r),
		.capabilities = capabilities_held(),
		.nofile_hard = { .set = true, .value = nofile.rlim_max },
		.network_namespace = joined ? joined->network : NULL,
		.pid_namespace = joined ? joined->pid : NULL,
		.mounts = mounts ? mounts : &none,
		.devices = devices.items,
		.device_count = devices.count,
		.lacks_mqueue = access("/dev/mqueue", F_OK) < 0,
		.masked_paths = &m->masked_paths,
		.leave_default_seccomp = !whole,
	};
	return container_config_make(&r->request, r->image, &place, ret, identity, err);
}

static int compile(struct manager *m, const struct record *r, const struct runtime_config *config,
		   const struct container_identity *identity, struct plan_fds *fds,
		   struct plan **ret, struct error *err)
{
	auto_seccomp_program seccomp = {};
	int result = container_seccomp_program(m->seccomp, &r->request, config, &seccomp, err);

	return result < 0 ? result : container_compile(config, identity, &seccomp, fds, ret, err);
}

static int add_log(struct plan *plan, const struct record *r, struct error *err)
{
	struct plan_streams *streams = &plan->streams;
	struct log_config config;
	int result = log_config_read(&r->request.log, &config, err);
	if (result < 0 || config.driver == LOG_DRIVER_NONE)
		return result;

	streams->log = PLAN_LOG_FILE;
	streams->log_max_bytes = config.max_bytes;
	streams->log_max_files = config.max_files;
	if (config.driver == LOG_DRIVER_JOURNALD) {
		auto_strbuf fields = STRBUF_INIT(PLAN_BYTES_MAX);
		log_journal_fields(r, &config, r->image, &fields);
		streams->log = PLAN_LOG_JOURNAL;
		streams->journal_fields = plan_bytes(plan, fields.data, fields.len);
		streams->journal_fields_len = (uint32_t)fields.len;
	}
	return 0;
}

static int add_streams(struct plan *plan, const struct record *r, struct error *err)
{
	const struct container_request *request = &r->request;

	plan->streams.stdin_open = request->open_stdin;
	plan->streams.stdin_once = request->stdin_once;
	if (request->console_size_count == 2) {
		plan->streams.rows = request->console_size[0];
		plan->streams.cols = request->console_size[1];
	}
	return add_log(plan, r, err);
}

static bool has_resolver(const struct container_request *request)
{
	return !request->network_disabled &&
	       !(request->network_mode && strcmp(request->network_mode, "none") == 0);
}

static void add_files(struct plan *plan, const struct record *r)
{
	auto_strbuf resolv_conf = STRBUF_INIT(65536);
	char short_id[SHORT_ID + 1];

	(void)snprintf(short_id, sizeof(short_id), "%.*s", SHORT_ID, r->id);
	if (has_resolver(&r->request))
		(void)!read_file_at(AT_FDCWD, RESOLV_CONF, 65536, &resolv_conf, NULL);
	etc_files_add(plan, &r->request, plan->hostname ? plan->hostname : short_id,
		      strbuf_text(&resolv_conf));
}

static void add_life(struct plan *plan, const struct record *r)
{
	const struct optional_int *timeout = &r->request.stop_timeout_s;

	plan->id = plan_text(plan, r->id);
	plan->init = r->request.init.value;
	plan->stop_signal = (uint32_t)r->stop_signal;
	if (timeout->set && timeout->value >= 0 && timeout->value < INT32_MAX / 1000)
		plan->stop_timeout_ms = (uint32_t)timeout->value * 1000;
}

int isolation_seal_plan(const struct plan *plan, int *ret, struct error *err)
{
	auto_strbuf bytes = STRBUF_INIT(PLAN_BYTES_MAX);
	int r = plan_encode(plan, &bytes, err);
	if (r < 0)
		return r;
	*ret = fd_memory("berth-plan", strbuf_text(&bytes), bytes.len);
	return *ret < 0 ? error_set(err, *ret, "write the launch plan") : 0;
}

int isolation_make_plan(struct manager *m, const struct record *r, struct plan_fds *fds,
			struct plan **ret, struct error *err)
{
	auto_container_mounts mounts = {};
	auto_joined joined = {};
	auto_runtime_config config = {};
	struct container_identity identity = {};
	auto_plan *plan = NULL;

	int result = collect_mounts(r, &mounts, err);
	if (result == 0)
		result = joined_find(m, r, &joined, err);
	if (result == 0)
		result = make_config(m, r, &mounts, &joined, false, &config, &identity, err);
	if (result == 0)
		result = compile(m, r, &config, &identity, fds, &plan, err);
	if (result == 0)
		result = joined_confirm(m, r, err);
	if (result < 0)
		return result;
	result = add_streams(plan, r, err);
	if (result < 0)
		return result;
	add_life(plan, r);
	add_files(plan, r);
	*ret = take_ptr(plan);
	return 0;
}

int isolation_write_config(struct manager *m, struct record *r, struct json_object **ret,
			   struct error *err)
{
	auto_container_mounts mounts = {};
	auto_joined joined = {};
	auto_runtime_config config = {};
	struct container_identity identity = {};

	int result = isolation_load_image(m, r, err);
	if (result == 0)
		result = collect_mounts(r, &mounts, err);
	if (result == 0)
		result = joined_find(m, r, &joined, err);
	if (result == 0)
		result = make_config(m, r, &mounts, &joined, true, &config, &identity, err);
	if (result == 0)
		*ret = runtime_config_json(&config);
	return result;
}

/* ---- Programs beside it --------------------------------------------------------------------- */

static void container_exec_done(struct container_exec *exec)
{
	strv_done(&exec->args);
	strv_done(&exec->env);
	free(exec->user);
	free(exec->working_dir);
}

static int read_exec(struct json_object *request, struct container_exec *ret, struct error *err)
{
	const char *user = NULL;
	const char *folder = NULL;

	int result = json_get_strings(request, "Cmd", &ret->args, err);
	if (result == 0)
		result = json_get_strings(request, "Env", &ret->env, err);
	if (result == 0)
		result = json_get_string(request, "User", &user, err);
	if (result == 0)
		result = json_get_string(request, "WorkingDir", &folder, err);
	if (result == 0)
		result = json_get_bool(request, "Tty", &ret->tty, err);
	if (result == 0)
		result = json_get_bool(request, "Privileged", &ret->privileged, err);
	if (result < 0)
		return error_say(err, EINVAL, "%s", err ? err->text : "");
	ret->user = user && *user ? xstrdup(user) : NULL;
	ret->working_dir = folder && *folder ? xstrdup(folder) : NULL;
	return 0;
}

static int compile_exec(struct manager *m, const struct record *r,
			const struct runtime_config *config,
			const struct container_identity *container,
			const struct container_exec *exec, struct plan **ret, struct error *err)
{
	auto_(runtime_process_done) struct runtime_process process = {};
	struct container_identity identity = {};
	auto_seccomp_program seccomp = {};

	int result = container_exec_make(config, container, exec, &process, &identity, err);
	if (result == 0)
		result = container_seccomp_program(m->seccomp, &r->request, config, &seccomp, err);
	return result < 0 ? result
			  : container_compile_exec(&process, &identity, &seccomp, ret, err);
}

int isolation_exec(struct manager *m, struct record *r, struct json_object *request,
		   struct launch *ret, struct error *err)
{
	auto_(container_exec_done) struct container_exec exec = {};
	auto_runtime_config config = {};
	struct container_identity identity = {};
	auto_plan *plan = NULL;

	int result = read_exec(request, &exec, err);
	if (result == 0)
		result = isolation_load_image(m, r, err);
	if (result == 0)
		result = make_config(m, r, NULL, NULL, false, &config, &identity, err);
	if (result == 0)
		result = compile_exec(m, r, &config, &identity, &exec, &plan, err);
	if (result < 0)
		return result;
	result = json_get_bool(request, "AttachStdin", &plan->streams.stdin_open, err);
	if (result < 0)
		return error_say(err, EINVAL, "%s", err ? err->text : "");
	plan->streams.stdin_once = true;
	plan->id = plan_text(plan, r->id);
	return isolation_seal_plan(plan, &ret->plan_fd, err);
}
