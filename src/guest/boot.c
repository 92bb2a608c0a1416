/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/boot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strbuf.h"
#include "vm/machine-names.h"

#define PORT_TIMEOUT_MS 10000
#define SERIAL_MAX 32

struct kernel_mount {
	const char *target;
	const char *type;
	unsigned long flags;
	const char *options;
};

static const struct kernel_mount kernel_mounts[] = {
	{ "/dev", "devtmpfs", MS_NOSUID, "mode=0755" },
	{ "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
	{ "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL },
};

static int make_dir(const char *path, struct error *err)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_set(err, errno, "make %s", path);
	return 0;
}

static int load_modules(struct error *err)
{
	for (unsigned i = 0;; i++) {
		auto_free char *path = xasprintf(GUEST_MODULE_FORMAT, i);
		auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return errno == ENOENT ? 0 : error_set(err, errno, "open %s", path);
		if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
			return error_set(err, errno, "load %s", path);
	}
}

int boot_prepare(struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kernel_mounts); i++) {
		const struct kernel_mount *m = &kernel_mounts[i];
		if (mkdir(m->target, 0755) < 0 && errno != EEXIST)
			return error_set(err, errno, "make %s", m->target);
		if (mount(m->type, m->target, m->type, m->flags, m->options) < 0)
			return error_set(err, errno, "mount %s", m->target);
	}
	return load_modules(err);
}

int boot_switch_root(struct error *err)
{
	static const char *const moved[] = { "/dev", "/proc", "/sys" };

	int rc = make_dir("/root", err);
	if (rc < 0)
		return rc;
	if (mount("root", "/root", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
		return error_set(err, errno, "mount the new root");
	for (size_t i = 0; i < ARRAY_SIZE(moved); i++) {
		auto_free char *target = xasprintf("/root%s", moved[i]);
		rc = make_dir(target, err);
		if (rc < 0)
			return rc;
		if (mount(moved[i], target, NULL, MS_MOVE, NULL) < 0)
			return error_set(err, errno, "move %s", moved[i]);
	}
	if (chdir("/root") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		return error_set(err, errno, "enter the new root");
	return 0;
}

/* The first port in /dev: the machine has one. */
static int find_port(void)
{
	DIR *dir = opendir("/dev");
	if (!dir)
		return -errno;
	int fd = -ENOENT;
	for (struct dirent *e = readdir(dir); e && fd < 0; e = readdir(dir)) {
		if (strncmp(e->d_name, "vport", 5) != 0)
			continue;
		fd = openat(dirfd(dir), e->d_name, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			fd = -errno;
	}
	(void)closedir(dir);
	return fd;
}

int boot_open_port(struct error *err)
{
	auto_close int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch < 0 || inotify_add_watch(watch, "/dev", IN_CREATE) < 0)
		return error_set(err, errno, "watch /dev");

	for (;;) {
		int fd = find_port();
		if (fd != -ENOENT)
			return fd < 0 ? error_set(err, fd, "open the port to the host") : fd;
		struct pollfd p = { .fd = watch, .events = POLLIN };
		if (poll(&p, 1, PORT_TIMEOUT_MS) <= 0)
			return error_say(err, ETIMEDOUT, "the port to the host did not appear");
		char events[4096];
		while (read(watch, events, sizeof(events)) > 0)
			continue;
	}
}

static bool serial_is(const char *disk, const char *serial)
{
	auto_free char *path = xasprintf("/sys/block/%s/serial", disk);
	auto_strbuf text = STRBUF_INIT(SERIAL_MAX);
	if (read_file_at(AT_FDCWD, path, SERIAL_MAX, &text, NULL) < 0)
		return false;
	return strcmp(strbuf_text(&text), serial) == 0;
}

int boot_find_disks(struct boot_disks *ret, struct error *err)
{
	struct boot_disks disks = { 0 };
	for (int letter = 'a'; letter <= 'd'; letter++) {
		const char name[] = { 'v', 'd', (char)letter, '\0' };
		if (serial_is(name, MACHINE_LAYERS_SERIAL))
			(void)snprintf(disks.layers, sizeof(disks.layers), "/dev/%s", name);
		else if (serial_is(name, MACHINE_WRITABLE_SERIAL))
			(void)snprintf(disks.writable, sizeof(disks.writable), "/dev/%s", name);
	}
	if (!disks.layers[0] || !disks.writable[0])
		return error_say(err, ENODEV,
				 "the machine has no disks for layers and writable data");
	*ret = disks;
	return 0;
}

int boot_loopback(struct error *err)
{
	auto_close int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		return error_set(err, errno, "bring lo up");
	return 0;
}
