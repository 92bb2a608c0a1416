/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/template-boot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "vm/machine.h"

#define BOOT_TIMEOUT_MS 90000
/* User of the QEMU that boots a template: nobody's, like those of the instances. */
#define TEMPLATE_UID 0x6fff0000u

/* Numbers of the keeper's descriptors; instance/keeper-protocol.h has the same ones. */
#define FD_CONTROL 4
#define FD_MACHINE 8

enum boot_place { PLACE_MEMORY = MACHINE_FD_FIRST, PLACE_KERNEL, PLACE_INITRAMFS, PLACE_STATE };

/* Reads one record from a process, which is killed where it does not write it in time. */
static int await_record(pid_t pid, int fd, void *ret, size_t size, int timeout_ms,
			struct error *err)
{
	int64_t deadline = clock_monotonic() + timeout_ms * NSEC_PER_MSEC;
	size_t have = 0;
	int rc = 0;
	while (rc == 0 && have < size) {
		int64_t left_ms = (deadline - clock_monotonic()) / NSEC_PER_MSEC;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (left_ms <= 0 || poll(&p, 1, (int)left_ms) == 0) {
			rc = error_say(err, ETIMEDOUT, "no answer within %d ms", timeout_ms);
			break;
		}
		ssize_t n = read(fd, (char *)ret + have, size - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			rc = error_say(err, ECHILD, "berth-keeper ended without an answer");
		else
			have += (size_t)n;
	}
	if (rc < 0)
		(void)kill(pid, SIGKILL);
	int status;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return rc;
}

static int run_keeper(int keeper_fd, const char *word, struct process_fd *fds, size_t count,
		      void *ret, size_t size, int timeout_ms, struct error *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(err, errno, "make a pipe");
	auto_close int ours = ends[0];
	auto_close int theirs = ends[1];
	fds[count++] = (struct process_fd){ theirs, FD_CONTROL };
	fds[count++] = (struct process_fd){ STDERR_FILENO, STDERR_FILENO };

	char path[64];
	/* The child closes its copy before it executes: so it goes by way of this process. */
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), keeper_fd);
	char *const argv[] = { (char *)"berth-keeper", (char *)word, NULL };
	pid_t pid;
	int rc = process_spawn(path, argv, NULL, fds, count, &pid, err);
	if (rc < 0)
		return rc;
	close_p(&theirs);
	theirs = -1;
	return await_record(pid, ours, ret, size, timeout_ms, err);
}

static int describe(const struct template_boot *boot, struct strbuf *ret, struct error *err)
{
	struct qemu_machine qemu = {
		.qemu = boot->qemu,
		.accelerator = boot->accelerator,
		.memory_bytes = boot->shape.memory_bytes,
		.cpus = boot->shape.cpus,
		.memory_fd = PLACE_MEMORY,
		.keeps_memory = true,
		.kernel_fd = PLACE_KERNEL,
		.initramfs_fd = PLACE_INITRAMFS,
		.tsc_khz = boot->accelerator == QEMU_TCG ? accelerator_tsc_khz() : 0,
		.layers_fd = -1,
		.writable_fd = -1,
	};
	auto_machine machine;
	machine_init(&machine);
	machine.qemu = xstrdup(boot->qemu);
	machine.cgroup = xstrdup("");
	qemu_command(&qemu, &machine.argv);
	machine.uid = TEMPLATE_UID;
	machine.fd_count = PLACE_INITRAMFS - PLACE_MEMORY + 1;
	machine.use_kvm = boot->accelerator == QEMU_KVM;
	machine.make_template = true;
	machine.template_fd = PLACE_STATE;
	return machine_encode(&machine, ret, err);
}

int template_boot(const struct template_boot *boot, int memory_fd, int state_fd,
		  struct channel_counts *ret_talk, struct error *err)
{
	auto_strbuf bytes = STRBUF_INIT(MACHINE_BYTES_MAX);
	int rc = describe(boot, &bytes, err);
	if (rc < 0)
		return rc;
	auto_close int machine_fd = fd_memory("berth-machine", bytes.data, bytes.len);
	if (machine_fd < 0)
		return error_set(err, machine_fd, "write the machine's description");

	struct process_fd fds[8] = {
		{ machine_fd, FD_MACHINE },
		{ memory_fd, PLACE_MEMORY },
		{ boot->kernel->kernel_fd, PLACE_KERNEL },
		{ boot->kernel->initramfs_fd, PLACE_INITRAMFS },
		{ state_fd, PLACE_STATE },
	};
	return template_freeze(boot->keeper_fd, fds, 5, ret_talk, err);
}

int template_freeze(int keeper_fd, struct process_fd *fds, size_t count,
		    struct channel_counts *ret_talk, struct error *err)
{
	struct machine_frozen frozen = { 0 };
	int rc = run_keeper(keeper_fd, "--template", fds, count, &frozen, sizeof(frozen),
			    BOOT_TIMEOUT_MS, err);
	if (rc == 0 && frozen.error.code != 0) {
		frozen.error.text[sizeof(frozen.error.text) - 1] = '\0';
		rc = error_say(err, frozen.error.code, "%s", frozen.error.text);
	}
	if (rc < 0)
		return error_prefix(err, "template");
	*ret_talk = frozen.talk;
	return 0;
}

void template_probe(int keeper_fd, struct vm_probe *ret)
{
	struct process_fd fds[4];
	struct error err = { 0 };
	*ret = (struct vm_probe){ 0 };
	if (run_keeper(keeper_fd, "--probe", fds, 0, ret, sizeof(*ret), ACCELERATOR_TIMEOUT_MS,
		       &err) < 0)
		ret->error = err;
	ret->error.text[sizeof(ret->error.text) - 1] = '\0';
}
