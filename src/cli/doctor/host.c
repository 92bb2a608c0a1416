/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/doctor/doctor.h"

#define FILE_MAX 65536

/* A file of the kernel as text; "" where there is none. */
static const char *read_text(const char *path, struct strbuf *ret)
{
	struct error ignored;

	strbuf_clear(ret);
	(void)!read_file_at(AT_FDCWD, path, FILE_MAX, ret, &ignored);
	return strbuf_text(ret);
}

/* A system call that exists refuses these arguments by another error. */
static bool has_call(long number)
{
	return syscall(number, -1, NULL, NULL, NULL, NULL, NULL) >= 0 || errno != ENOSYS;
}

static void look_calls(const struct call *call, struct finding *ret)
{
	static const struct {
		long number;
		const char *name;
	} calls[] = {
		{ SYS_openat2, "openat2" },         { SYS_pidfd_open, "pidfd_open" },
		{ SYS_close_range, "close_range" }, { SYS_mount_setattr, "mount_setattr" },
		{ SYS_fsopen, "fsopen" },           { SYS_move_mount, "move_mount" },
	};

	(void)call;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!has_call(calls[i].number)) {
			finding_set(ret, VERDICT_BAD, "the kernel has no %s", calls[i].name);
			finding_mend(ret, "a kernel of 5.19 or newer");
			return;
		}
	}
	finding_set(ret, VERDICT_GOOD, "the kernel has every system call that is needed");
}

static void look_namespaces(const struct call *call, struct finding *ret)
{
	static const char *const names[] = { "user", "pid", "mnt", "net", "ipc", "uts", "cgroup" };
	auto_strbuf text = STRBUF_INIT(FILE_MAX);
	char path[64];

	(void)call;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		if (access(path, F_OK) < 0) {
			finding_set(ret, VERDICT_BAD, "the kernel has no %s namespaces", names[i]);
			finding_mend(ret, "a kernel that is built with them");
			return;
		}
	}
	if (strtol(read_text("/proc/sys/user/max_user_namespaces", &text), NULL, 10) == 0) {
		finding_set(ret, VERDICT_BAD, "user namespaces are switched off");
		finding_mend(ret, "sysctl -w user.max_user_namespaces=65536");
		return;
	}
	finding_set(ret, VERDICT_GOOD, "all seven kinds, user namespaces among them");
}

static void look_cgroups(const struct call *call, struct finding *ret)
{
	static const char *const needed[] = { "cpu", "memory", "pids" };
	auto_strbuf unified = STRBUF_INIT(FILE_MAX);
	auto_strbuf legacy = STRBUF_INIT(FILE_MAX);

	(void)call;
	(void)read_text("/sys/fs/cgroup/cgroup.controllers", &unified);
	(void)read_text("/proc/cgroups", &legacy);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		char path[64];
		(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", needed[i]);
		if (strstr(strbuf_text(&unified), needed[i]) || access(path, F_OK) == 0)
			continue;
		finding_set(ret, VERDICT_BAD, "the controller '%s' is not there", needed[i]);
		finding_mend(ret, "mount cgroup2 on /sys/fs/cgroup with it enabled");
		return;
	}
	finding_set(ret, VERDICT_GOOD, "%s, with cpu, memory and pids",
		    unified.len > 0 ? "version 2" : "version 1");
}

static bool has_file_system(const char *name)
{
	auto_strbuf text = STRBUF_INIT(FILE_MAX);
	char line[32];

	(void)snprintf(line, sizeof(line), "\t%s\n", name);
	return strstr(read_text("/proc/filesystems", &text), line) != NULL;
}

static void look_file_systems(const struct call *call, struct finding *ret)
{
	(void)call;
	if (!has_file_system("overlay")) {
		finding_set(ret, VERDICT_BAD, "the kernel knows no overlay file system");
		finding_mend(ret, "modprobe overlay");
	} else if (!has_file_system("erofs")) {
		finding_set(ret, VERDICT_NOTE,
			    "overlay; no erofs, so layers are unpacked when they are pulled");
		finding_mend(ret, "modprobe erofs");
	} else {
		finding_set(ret, VERDICT_GOOD, "overlay and erofs");
	}
}

static void look_seccomp(const struct call *call, struct finding *ret)
{
	auto_strbuf text = STRBUF_INIT(FILE_MAX);

	(void)call;
	if (strstr(read_text("/proc/sys/kernel/seccomp/actions_avail", &text), "errno")) {
		finding_set(ret, VERDICT_GOOD, "filters of system calls can be loaded");
		return;
	}
	finding_set(ret, VERDICT_BAD, "the kernel cannot filter system calls");
	finding_mend(ret, "a kernel with CONFIG_SECCOMP_FILTER");
}

static void look_rights(const struct call *call, struct finding *ret)
{
	(void)call;
	if (geteuid() == 0) {
		finding_set(ret, VERDICT_GOOD, "root");
		return;
	}
	finding_set(ret, VERDICT_NOTE,
		    "not root: the engine can be used, where its socket allows "
		    "that, but not started");
	finding_mend(ret, "sudo berthd --daemon --group berth");
}

static bool find_qemu(char *ret, size_t room)
{
	static const char *const places[] = { "/usr/bin", "/usr/local/bin", "/usr/libexec" };
	static const char *const names[] = { "qemu-system-x86_64", "qemu-system-aarch64",
					     "qemu-kvm" };

	for (size_t p = 0; p < ARRAY_SIZE(places); p++) {
		for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
			(void)snprintf(ret, room, "%s/%s", places[p], names[n]);
			if (access(ret, X_OK) == 0)
				return true;
		}
	}
	return false;
}

static void look_vm(const struct call *call, struct finding *ret)
{
	char qemu[64];

	(void)call;
	if (!find_qemu(qemu, sizeof(qemu))) {
		finding_set(ret, VERDICT_NOTE, "no QEMU: --vm is refused");
		finding_mend(ret, "apt-get install qemu-system-x86");
		return;
	}
	if (access("/dev/kvm", R_OK | W_OK) < 0) {
		finding_set(ret, VERDICT_NOTE, "%s, without hardware help (/dev/kvm): slower",
			    qemu);
		finding_mend(ret, "switch virtualization on in the firmware; modprobe kvm_intel or "
				  "kvm_amd");
		return;
	}
	finding_set(ret, VERDICT_GOOD, "%s, /dev/kvm is there; 'berth info' tells whether it helps",
		    qemu);
}

static void look_forwarding(const struct call *call, struct finding *ret)
{
	auto_strbuf text = STRBUF_INIT(FILE_MAX);

	(void)call;
	if (read_text("/proc/sys/net/ipv4/ip_forward", &text)[0] == '1') {
		finding_set(ret, VERDICT_GOOD, "packets are forwarded");
		return;
	}
	finding_set(ret, VERDICT_NOTE, "packets are not forwarded: instances reach no other host");
	finding_mend(ret, "sysctl -w net.ipv4.ip_forward=1");
}

const struct doctor_check doctor_host_checks[] = {
	{ "system calls", look_calls },
	{ "namespaces", look_namespaces },
	{ "control groups", look_cgroups },
	{ "file systems", look_file_systems },
	{ "seccomp", look_seccomp },
	{ "rights", look_rights },
	{ "virtual machines", look_vm },
	{ "network", look_forwarding },
	{},
};
