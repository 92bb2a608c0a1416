/* SPDX-License-Identifier: Apache-2.0 */
#include "container/test-world.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "container/container.h"
#include "sys/cgroup.h"
#include "sys/process-fd.h"

#define BUSYBOX "/bin/busybox"
#define OUTPUT_MAX 65536

static int busybox_layer = -1;

/* One folder with a static busybox under the names that the tests use. */
int world_group_setup(void **state)
{
	static const char *const names[] = { "sh",       "true",  "cat",   "ls",    "id",
					     "stat",     "mount", "grep",  "sleep", "tty",
					     "hostname", "touch", "mkdir", "kill",  "ps",
					     "stty",     "head",  "env",   "wc",    "readlink" };
	auto_strbuf data = STRBUF_INIT(16u << 20);
	struct error err;
	(void)state;
	if (geteuid() != 0 || faccessat(AT_FDCWD, BUSYBOX, X_OK, 0) < 0) {
		print_message("skipped: starting containers needs root and %s\n", BUSYBOX);
		exit(77);
	}
	busybox_layer = test_dir();
	assert_int_equal(fchmod(busybox_layer, 0755), 0);
	assert_int_equal(mkdirat(busybox_layer, "bin", 0755), 0);
	if (read_file_at(AT_FDCWD, BUSYBOX, 16u << 20, &data, &err) < 0 ||
	    write_file_at(busybox_layer, "bin/busybox", data.data, data.len, 0755, false, &err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *path = xasprintf("bin/%s", names[i]);
		assert_int_equal(symlinkat("busybox", busybox_layer, path), 0);
	}
	return 0;
}

/* Removes the folder of this program's groups from every hierarchy. */
static void remove_groups(void)
{
	auto_cgroup_layout l = CGROUP_LAYOUT_NONE;
	auto_cgroup *cg = NULL;
	struct error err;
	char path[64];
	(void)snprintf(path, sizeof(path), "berth-test-%d", (int)getpid());
	if (cgroup_layout_probe(CGROUP_ROOT, &l, &err) == 0 &&
	    cgroup_open(&l, path, &cg, &err) == 0)
		assert_int_equal(cgroup_remove(cg, &err), 0);
}

int world_group_teardown(void **state)
{
	(void)state;
	remove_groups();
	test_dir_done(&busybox_layer);
	return 0;
}

static void add_mount(struct plan *p, uint32_t type, const char *target, uint64_t attrs)
{
	plan_add_mount(p, type, target)->attr_set = attrs;
}

void world_options(struct plan *p, struct plan_mount *m, const char *text)
{
	auto_strv list = { 0 };
	strv_split(&list, text, ',');
	for (size_t i = 0; i < list.count; i++)
		*plan_add(p, &m->options) = plan_text(p, list.items[i]);
}

static void add_device(struct plan *p, const char *path, uint32_t major, uint32_t minor)
{
	*plan_add(p, &p->devices) =
		(struct plan_device){ plan_text(p, path), S_IFCHR, major, minor, 0666, 0, 0 };
	*plan_add(p, &p->cgroup.devices) =
		(struct plan_device_rule){ true, 'c', major, minor, PLAN_DEVICE_ALL };
}

void world_args(struct plan *p, const char *a, const char *b, const char *c)
{
	p->argv.count = 0;
	*plan_add(p, &p->argv) = plan_text(p, a);
	if (b)
		*plan_add(p, &p->argv) = plan_text(p, b);
	if (c)
		*plan_add(p, &p->argv) = plan_text(p, c);
}

/* The plan of `sh -c SCRIPT` with the usual rights. */
struct plan *world_exec_plan(const char *script)
{
	/* Podman's eleven. */
	static const uint64_t caps = 0x800405fb;
	struct plan *p = plan_new();
	world_args(p, "sh", "-c", script);
	*plan_add(p, &p->env) = plan_text(p, "PATH=/bin");
	p->caps[PLAN_CAPS_BOUNDING] = caps;
	p->caps[PLAN_CAPS_EFFECTIVE] = caps;
	p->caps[PLAN_CAPS_PERMITTED] = caps;
	p->no_new_privs = true;
	return p;
}

static void add_usual_mounts(struct plan *p)
{
	static const uint64_t safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	add_mount(p, PLAN_MOUNT_PROC, "/proc", safe);
	add_mount(p, PLAN_MOUNT_DEV, "/dev", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	struct plan_mount *pts = plan_add_mount(p, PLAN_MOUNT_DEVPTS, "/dev/pts");
	pts->attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	world_options(p, pts, "newinstance,ptmxmode=0666,mode=0620,gid=5");
	struct plan_mount *shm = plan_add_mount(p, PLAN_MOUNT_TMPFS, "/dev/shm");
	shm->attr_set = safe;
	world_options(p, shm, "size=64m,mode=1777");
	add_mount(p, PLAN_MOUNT_MQUEUE, "/dev/mqueue", safe);
	add_mount(p, PLAN_MOUNT_SYSFS, "/sys", safe | MOUNT_ATTR_RDONLY);
	add_mount(p, PLAN_MOUNT_CGROUP, "/sys/fs/cgroup", safe | MOUNT_ATTR_RDONLY);
	add_device(p, "/dev/null", 1, 3);
	add_device(p, "/dev/zero", 1, 5);
	add_device(p, "/dev/full", 1, 7);
	add_device(p, "/dev/random", 1, 8);
	add_device(p, "/dev/urandom", 1, 9);
	add_device(p, "/dev/tty", 5, 0);
	*plan_add(p, &p->cgroup.devices) =
		(struct plan_device_rule){ true, 'c', 5, 2, PLAN_DEVICE_ALL };
	*plan_add(p, &p->cgroup.devices) =
		(struct plan_device_rule){ true, 'c', 136, PLAN_DEVICE_ANY, PLAN_DEVICE_ALL };
	*plan_add(p, &p->masked) = "/proc/kcore";
	*plan_add(p, &p->masked) = "/proc/acpi";
	*plan_add(p, &p->masked) = "/proc/timer_list";
	*plan_add(p, &p->masked) = "/sys/firmware";
	*plan_add(p, &p->masked) = "/no/such/path";
	*plan_add(p, &p->read_only) = "/proc/sys";
	*plan_add(p, &p->files) =
		(struct plan_file){ "/etc/hosts", "127.0.0.1 localhost\n", 20, 0644 };
}

void world_init(struct world *w, const char *script)
{
	static int serial;
	*w = (struct world){ .dir = test_dir(), .fds = { -1, -1, busybox_layer, -1 } };
	test_write(w->dir, "root/etc/passwd",
		   "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1001:U:/home/user:/bin/sh\n");
	test_write(w->dir, "root/etc/group", "root:x:0:\nuser:x:1001:\nextra:x:1002:root,user\n");
	assert_int_equal(mkdirat(w->dir, "state", 0755), 0);
	w->fds[0] = openat(w->dir, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->fds[1] = openat(w->dir, "state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(w->cgroup, sizeof(w->cgroup), "berth-test-%d/%d", (int)getpid(), serial++);

	struct plan *p = w->plan = world_exec_plan(script);
	p->fd_count = 4;
	for (int i = 0; i < PLAN_NS_COUNT; i++)
		p->namespaces[i].mode = PLAN_NS_MODE_NEW;
	*plan_add(p, &p->uid_maps) = (struct id_range){ 0, WORLD_ID_BASE, 65536 };
	*plan_add(p, &p->gid_maps) = (struct id_range){ 0, WORLD_ID_BASE, 65536 };
	p->hostname = plan_text(p, "box");
	p->loopback = true;
	p->root.type = PLAN_ROOT_OVERLAY;
	*plan_add(p, &p->root.layers) = 0;
	*plan_add(p, &p->root.layers) = 2;
	p->root.state_fd = 1;
	p->root.idmap = true;
	p->root.is_volatile = true;
	p->cgroup.path = w->cgroup;
	p->cgroup.filter_devices = true;
	p->cgroup.pids = 100;
	add_usual_mounts(p);
}

void world_host_user(struct world *w)
{
	w->plan->namespaces[PLAN_NS_USER].mode = PLAN_NS_MODE_HOST;
	w->plan->uid_maps.count = w->plan->gid_maps.count = 0;
	w->plan->root.idmap = false;
}

void world_done(struct world *w)
{
	plan_free(w->plan);
	close_p(&w->fds[0]);
	close_p(&w->fds[1]);
	close_p(&w->fds[3]);
	test_dir_done(&w->dir);
}

/* True where a control group of this name is left in any hierarchy. */
bool world_cgroup_left(const char *path)
{
	auto_cgroup_layout l = CGROUP_LAYOUT_NONE;
	struct cgroup *cg = NULL;
	struct error err;
	assert_int_equal(cgroup_layout_probe(CGROUP_ROOT, &l, &err), 0);
	bool left = cgroup_open(&l, path, &cg, &err) == 0;
	cgroup_free(cg);
	return left;
}

void result_done(struct result *res)
{
	strbuf_done(&res->output);
}

/* Waits for the end of a process, then takes its status. */
static void await(int pidfd, struct result *res)
{
	assert_int_equal(pidfd_wait_end(pidfd, 10000), 0);
	assert_int_equal(pidfd_reap(pidfd, &res->exit_code, &res->signal), 0);
}

/* Runs the plan to its end; the output of both streams comes together. */
void world_run(struct world *w, struct result *res)
{
	*res = (struct result){ .output = STRBUF_INIT(OUTPUT_MAX) };
	int out[2];
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	struct container_streams streams = { { -1, out[1], out[1] } };
	auto_container_process p = CONTAINER_PROCESS_NONE;
	auto_container *c = NULL;
	assert_int_equal(fchown(out[1], WORLD_ID_BASE, WORLD_ID_BASE), 0);
	res->r = container_start(w->plan, w->fds, &streams, &p, &c, &res->err);
	(void)close(out[1]);
	res->exit_code = p.exit_code;
	if (res->r == 0) {
		struct error err;
		assert_int_equal(read_file_fd(out[0], "output", OUTPUT_MAX, &res->output, &err), 0);
		await(p.pidfd, res);
		if (container_end(c, &err) < 0)
			fail_msg("%s", err.text);
	}
	(void)close(out[0]);
}

/* As world_run(), for what must have started; shows why where it did not. */
void world_run_well(struct world *w, struct result *res)
{
	world_run(w, res);
	if (res->r < 0)
		fail_msg("%s", res->err.text);
}
