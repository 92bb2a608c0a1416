/* SPDX-License-Identifier: Apache-2.0 */
#include "container/config/default-parts.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>

#include "base/alloc.h"

/* True where one of the caller's mounts takes this place. */
static bool taken(const struct container_place *place, const char *target)
{
	for (size_t i = 0; place->mounts && i < place->mounts->count; i++)
		if (strcmp(place->mounts->items[i].target, target) == 0)
			return true;
	return false;
}

static struct runtime_mount *add(struct runtime_config *config, const struct container_place *place,
				 const char *target, const char *type, const char *source,
				 const char *options)
{
	if (taken(place, target))
		return NULL;
	return runtime_config_add_mount(config, target, type, source, options);
}

static bool is_mode(const char *mode, const char *word)
{
	return mode && strcmp(mode, word) == 0;
}

static void add_proc(const struct container_request *request, const struct container_place *place,
		     struct runtime_config *config)
{
	/* a new proc of the host's processes can only be mounted from the host's user namespace */
	if (is_mode(request->pid_mode, "host") && !container_request_host_users(request))
		(void)add(config, place, "/proc", "bind", "/proc", "rbind,nosuid,noexec,nodev");
	else
		(void)add(config, place, "/proc", "proc", "proc", "nosuid,noexec,nodev");
}

static void add_ipc(const struct container_request *request, const struct container_place *place,
		    struct runtime_config *config)
{
	int64_t size =
		request->shm_size_bytes > 0 ? request->shm_size_bytes : CONTAINER_SHM_DEFAULT;

	if (is_mode(request->ipc_mode, "host")) {
		if (!place->lacks_mqueue)
			(void)add(config, place, "/dev/mqueue", "bind", "/dev/mqueue",
				  "bind,nosuid,noexec,nodev");
		(void)add(config, place, "/dev/shm", "bind", "/dev/shm",
			  "bind,nosuid,noexec,nodev");
		return;
	}
	(void)add(config, place, "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev");
	if (is_mode(request->ipc_mode, "none"))
		return;
	struct runtime_mount *shm =
		add(config, place, "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777");
	if (shm)
		strv_addf(&shm->options, "size=%" PRId64, size);
}

static void add_system_mounts(const struct container_request *request,
			      const struct container_place *place, bool writable_cgroups,
			      struct runtime_config *config)
{
	bool all = request->privileged;

	add_proc(request, place, config);
	(void)add(config, place, "/dev", "tmpfs", "tmpfs",
		  "nosuid,strictatime,mode=755,size=65536k");
	(void)add(config, place, "/dev/pts", "devpts", "devpts",
		  "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
	(void)add(config, place, "/sys", "sysfs", "sysfs",
		  all ? "nosuid,noexec,nodev" : "nosuid,noexec,nodev,ro");
	(void)add(config, place, "/sys/fs/cgroup", "cgroup", "cgroup",
		  all || writable_cgroups ? "nosuid,noexec,nodev,relatime"
					  : "nosuid,noexec,nodev,relatime,ro");
	add_ipc(request, place, config);
}

/* ---- the caller's mounts ----------------------------------------------------------------- */

static bool below_dev(const char *path)
{
	return strcmp(path, "/dev") == 0 || strncmp(path, "/dev/", 5) == 0;
}

static void add_bind(const struct container_request *request, const struct container_mount *m,
		     struct runtime_config *config)
{
	bool recursive = m->type == CONTAINER_MOUNT_BIND && !m->bind.non_recursive;
	struct runtime_mount *out = runtime_config_add_mount(config, m->target, "bind", m->source,
							     recursive ? "rbind" : "bind");

	strv_add(&out->options, m->bind.propagation ? m->bind.propagation : "rprivate");
	/* files from outside carry no privilege in; a bind of the host's devices is for opening
	 * them */
	if (!request->privileged) {
		strv_add(&out->options, "nosuid");
		if (!below_dev(m->source))
			strv_add(&out->options, "nodev");
	}
	if (m->read_only) {
		bool deep = recursive && !m->bind.read_only_non_recursive;
		strv_add(&out->options, deep ? "rro" : "ro");
	}
	/* host owners show as the same ids inside; a file system that cannot shows them as nobody
	 */
	if (!container_request_host_users(request))
		strv_add(&out->options, recursive ? "ridmap=try" : "idmap=try");
}

static void add_tmpfs(const struct container_mount *m, struct runtime_config *config)
{
	struct runtime_mount *out = runtime_config_add_mount(config, m->target, "tmpfs", "tmpfs",
							     "nosuid,nodev,noexec");

	strv_addf(&out->options, "mode=%o", m->tmpfs.mode ? m->tmpfs.mode : 01777);
	if (m->tmpfs.size_bytes > 0)
		strv_addf(&out->options, "size=%" PRId64, m->tmpfs.size_bytes);
	strv_add_all(&out->options, &m->tmpfs.options);
	if (m->read_only)
		strv_add(&out->options, "ro");
}

/* The root must let through what one of the mounts wants to. */
static void widen_propagation(const struct container_mount *m, struct runtime_linux *l)
{
	const char *word = m->type == CONTAINER_MOUNT_BIND ? m->bind.propagation : NULL;

	if (!word)
		return;
	if (strstr(word, "shared"))
		l->rootfs_propagation = MS_SHARED | MS_REC;
	else if (strstr(word, "slave") && l->rootfs_propagation == 0)
		l->rootfs_propagation = MS_SLAVE | MS_REC;
}

void default_mounts_add(const struct container_request *request,
			const struct container_place *place, bool writable_cgroups,
			struct runtime_config *config)
{
	add_system_mounts(request, place, writable_cgroups, config);
	for (size_t i = 0; place->mounts && i < place->mounts->count; i++) {
		const struct container_mount *m = &place->mounts->items[i];
		if (m->type == CONTAINER_MOUNT_TMPFS)
			add_tmpfs(m, config);
		else
			add_bind(request, m, config);
		widen_propagation(m, &config->linux_);
	}
}
