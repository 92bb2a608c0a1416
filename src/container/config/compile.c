/* SPDX-License-Identifier: Apache-2.0 */
#include "container/config/compile.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/path.h"
#include "container/config/compile-parts.h"

void plan_fds_done(struct plan_fds *fds)
{
	for (uint32_t i = 0; i < fds->count; i++)
		close_p(&fds->items[i]);
	fds->count = 0;
}

int32_t plan_fds_add_take(struct plan_fds *fds, int fd)
{
	if (fds->count == PLAN_FDS_MAX)
		return -ENOSPC;
	fds->items[fds->count] = fd;
	return (int32_t)fds->count++;
}

/* ---- the process ------------------------------------------------------------------------- */

static int refuse_process(const struct runtime_process *process, struct error *err)
{
	if (process->apparmor_profile && strcmp(process->apparmor_profile, "unconfined") != 0)
		return error_say(err, ENOTSUP, "apparmorProfile is not supported");
	if (process->selinux_label)
		return error_say(err, ENOTSUP, "selinuxLabel is not supported");
	if (process->scheduler)
		return error_say(err, ENOTSUP, "scheduler is not supported");
	if (process->io_priority)
		return error_say(err, ENOTSUP, "ioPriority is not supported");
	return 0;
}

static void compile_user(const struct runtime_user *user, const struct container_identity *identity,
			 struct plan *p)
{
	p->user.uid = user->uid;
	p->user.gid = user->gid;
	for (size_t i = 0; i < user->additional_gid_count; i++)
		*plan_add(p, &p->user.groups) = user->additional_gids[i];
	if (user->umask.set)
		p->umask = (uint32_t)user->umask.value;
	if (!identity)
		return;
	p->user.user = plan_text(p, identity->user);
	for (size_t i = 0; identity->groups && i < identity->groups->count; i++)
		*plan_add(p, &p->user.group_names) = plan_text(p, identity->groups->items[i]);
}

static void compile_process(const struct runtime_process *process,
			    const struct container_identity *identity,
			    const struct seccomp_program *seccomp, struct plan *p)
{
	for (size_t i = 0; i < process->args.count; i++)
		*plan_add(p, &p->argv) = plan_text(p, process->args.items[i]);
	for (size_t i = 0; i < process->env.count; i++)
		*plan_add(p, &p->env) = plan_text(p, process->env.items[i]);
	p->cwd = plan_text(p, process->cwd);
	compile_user(&process->user, identity, p);
	if (process->capabilities) {
		p->caps[PLAN_CAPS_BOUNDING] = process->capabilities->bounding;
		p->caps[PLAN_CAPS_EFFECTIVE] = process->capabilities->effective;
		p->caps[PLAN_CAPS_PERMITTED] = process->capabilities->permitted;
		p->caps[PLAN_CAPS_INHERITABLE] = process->capabilities->inheritable;
		p->caps[PLAN_CAPS_AMBIENT] = process->capabilities->ambient;
	}
	p->no_new_privs = process->no_new_privileges;
	for (size_t i = 0; i < process->rlimit_count; i++)
		*plan_add(p, &p->rlimits) = (struct plan_rlimit){
			.resource = (uint32_t)process->rlimits[i].resource,
			.soft = process->rlimits[i].soft,
			.hard = process->rlimits[i].hard,
			.required = true,
		};
	p->oom_score_adj_set = process->oom_score_adj.set;
	p->oom_score_adj = (int32_t)process->oom_score_adj.value;
	p->streams.terminal = process->terminal;
	if (process->console_size) {
		p->streams.rows = process->console_size->height;
		p->streams.cols = process->console_size->width;
	}
	if (seccomp && seccomp->count > 0) {
		size_t len = seccomp->count * sizeof(*seccomp->instructions);
		p->seccomp = plan_bytes(p, seccomp->instructions, len);
		p->seccomp_len = (uint32_t)len;
		p->seccomp_flags = (uint32_t)seccomp->flags;
	}
}

/* ---- namespaces -------------------------------------------------------------------------- */

static int namespace_kind(int type)
{
	static const int types[PLAN_NS_COUNT] = {
		[PLAN_NS_USER] = CLONE_NEWUSER,     [PLAN_NS_MOUNT] = CLONE_NEWNS,
		[PLAN_NS_PID] = CLONE_NEWPID,       [PLAN_NS_NET] = CLONE_NEWNET,
		[PLAN_NS_IPC] = CLONE_NEWIPC,       [PLAN_NS_UTS] = CLONE_NEWUTS,
		[PLAN_NS_CGROUP] = CLONE_NEWCGROUP,
	};

	for (int kind = 0; kind < PLAN_NS_COUNT; kind++)
		if (types[kind] == type)
			return kind;
	return -ENOTSUP;
}

static int compile_namespace(const struct runtime_namespace *ns, struct plan_fds *fds,
			     struct plan *p, struct error *err)
{
	int kind = namespace_kind(ns->type);
	if (kind < 0)
		return error_say(err, ENOTSUP, "a time namespace is not supported");

	struct plan_namespace *out = &p->namespaces[kind];
	if (!ns->path) {
		out->mode = PLAN_NS_MODE_NEW;
		return 0;
	}
	if (kind == PLAN_NS_USER || kind == PLAN_NS_MOUNT)
		return error_say(err, ENOTSUP,
				 "joining a user or mount namespace is not supported");

	auto_close int fd = openat(AT_FDCWD, ns->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open namespace '%s'", ns->path);
	int32_t index = plan_fds_add_take(fds, fd);
	if (index < 0)
		return error_say(err, ENOSPC, "more than %u descriptors", PLAN_FDS_MAX);
	(void)take_fd(fd);
	out->mode = PLAN_NS_MODE_FD;
	out->fd = index;
	return 0;
}

static int compile_namespaces(const struct runtime_linux *l, struct plan_fds *fds, struct plan *p,
			      struct error *err)
{
	for (size_t i = 0; i < l->namespace_count; i++) {
		int r = compile_namespace(&l->namespaces[i], fds, p, err);
		if (r < 0)
			return r;
	}
	if (p->namespaces[PLAN_NS_MOUNT].mode != PLAN_NS_MODE_NEW)
		return error_say(err, ENOTSUP, "a container without a new mount namespace");
	for (size_t i = 0; i < l->uid_map_count; i++)
		*plan_add(p, &p->uid_maps) =
			(struct id_range){ l->uid_maps[i].container_id, l->uid_maps[i].host_id,
					   l->uid_maps[i].size };
	for (size_t i = 0; i < l->gid_map_count; i++)
		*plan_add(p, &p->gid_maps) =
			(struct id_range){ l->gid_maps[i].container_id, l->gid_maps[i].host_id,
					   l->gid_maps[i].size };
	p->loopback = p->namespaces[PLAN_NS_NET].mode == PLAN_NS_MODE_NEW;
	return 0;
}

/* ---- devices ----------------------------------------------------------------------------- */

static void add_device(struct plan *p, const char *path, int type, uint32_t major, uint32_t minor,
		       uint32_t mode)
{
	struct plan_device *d = plan_add(p, &p->devices);

	d->path = plan_text(p, path);
	d->type = type == 'b' ? S_IFBLK : type == 'p' ? S_IFIFO : S_IFCHR;
	d->major = major;
	d->minor = minor;
	d->mode = mode;
}

static int compile_devices(const struct runtime_linux *l, struct plan *p, struct error *err)
{
	/* config-linux.md: these are there whatever the configuration says */
	static const struct {
		const char *path;
		uint32_t major;
		uint32_t minor;
	} defaults[] = {
		{ "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
		{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		add_device(p, defaults[i].path, 'c', defaults[i].major, defaults[i].minor, 0666);
	for (size_t i = 0; i < l->device_count; i++) {
		const struct runtime_device *d = &l->devices[i];
		if (strncmp(d->path, "/dev/", 5) != 0)
			return error_say(err, ENOTSUP, "device '%s' is not below /dev", d->path);
		if (d->major < 0 || d->major > UINT32_MAX || d->minor < 0 || d->minor > UINT32_MAX)
			return error_say(err, EINVAL, "device '%s' has no such number", d->path);
		bool standard = false;
		for (size_t k = 0; k < ARRAY_SIZE(defaults); k++)
			standard |= strcmp(defaults[k].path, d->path) == 0;
		if (standard)
			continue;
		add_device(p, d->path, d->type, (uint32_t)d->major, (uint32_t)d->minor,
			   d->mode.set ? d->mode.value & 07777 : 0666);
		struct plan_device *out = &p->devices.items[p->devices.count - 1];
		out->uid = (uint32_t)d->uid.value;
		out->gid = (uint32_t)d->gid.value;
	}
	return 0;
}

/* ---- the rest ---------------------------------------------------------------------------- */

static int refuse_linux(const struct runtime_config *config, struct error *err)
{
	const struct runtime_linux *l = &config->linux_;
	const struct runtime_hooks *h = &config->hooks;

	if (l->mount_label)
		return error_say(err, ENOTSUP, "mountLabel is not supported");
	if (l->time_offset_count > 0)
		return error_say(err, ENOTSUP, "timeOffsets is not supported");
	if (l->personality && (l->personality->domain != PER_LINUX || l->personality->flags.count))
		return error_say(err, ENOTSUP, "personality is not supported");
	if (l->seccomp && l->seccomp->listener_path)
		return error_say(err, ENOTSUP, "seccomp.listenerPath is not supported");
	if (h->create_container.count > 0 || h->start_container.count > 0)
		return error_say(err, ENOTSUP, "hooks inside the container are not supported");
	return 0;
}

static void compile_paths(struct plan *p, const struct runtime_linux *l)
{
	for (size_t i = 0; i < l->masked_paths.count; i++)
		*plan_add(p, &p->masked) = plan_text(p, l->masked_paths.items[i]);
	for (size_t i = 0; i < l->read_only_paths.count; i++)
		*plan_add(p, &p->read_only) = plan_text(p, l->read_only_paths.items[i]);
}

static void compile_sysctls(struct plan *p, const struct runtime_linux *l)
{
	size_t position = 0;
	const char *key;
	const char *value;

	while (l->sysctl && (value = map_next(l->sysctl, &position, &key))) {
		struct plan_sysctl *s = plan_add(p, &p->sysctls);
		s->key = plan_text(p, key);
		s->value = plan_text(p, value);
	}
}

static void compile_root(struct plan *p, const struct runtime_config *config)
{
	p->root.read_only = config->root.read_only;
	p->root.propagation = (uint32_t)(config->linux_.rootfs_propagation & ~(uint64_t)MS_REC);
	p->root.idmap = p->namespaces[PLAN_NS_USER].mode == PLAN_NS_MODE_NEW;
	p->hostname = plan_text(p, config->hostname);
	p->domainname = plan_text(p, config->domainname);
}

static int compile(const struct runtime_config *config, struct plan_fds *fds, struct plan *p,
		   struct error *err)
{
	int r = refuse_linux(config, err);

	if (r == 0)
		r = compile_namespaces(&config->linux_, fds, p, err);
	if (r == 0)
		r = compile_mounts(config, p, err);
	if (r == 0)
		r = compile_devices(&config->linux_, p, err);
	if (r == 0)
		r = compile_cgroup(&config->linux_, p, err);
	if (r < 0)
		return r;
	compile_root(p, config);
	compile_paths(p, &config->linux_);
	compile_sysctls(p, &config->linux_);
	p->fd_count = fds->count;
	return 0;
}

int container_compile(const struct runtime_config *config,
		      const struct container_identity *identity,
		      const struct seccomp_program *seccomp, struct plan_fds *fds,
		      struct plan **ret, struct error *err)
{
	if (!config->process)
		return error_say(err, EINVAL, "the configuration has no process");
	if (config->linux_.seccomp && !seccomp)
		return error_say(err, EINVAL, "the configuration's filter was not compiled");
	int r = refuse_process(config->process, err);
	if (r < 0)
		return r;

	auto_plan *p = plan_new();
	compile_process(config->process, identity, seccomp, p);
	p->cwd_create = true;
	r = compile(config, fds, p, err);
	if (r < 0)
		return r;
	*ret = take_ptr(p);
	return 0;
}

int container_compile_exec(const struct runtime_process *process,
			   const struct container_identity *identity,
			   const struct seccomp_program *seccomp, struct plan **ret,
			   struct error *err)
{
	int r = refuse_process(process, err);
	if (r < 0)
		return r;

	struct plan *p = plan_new();
	compile_process(process, identity, seccomp, p);
	*ret = p;
	return 0;
}
