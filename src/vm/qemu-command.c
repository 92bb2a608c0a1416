/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/qemu-command.h"

#include "base/alloc.h"
#include "vm/guest-protocol.h"
#include "vm/machine-names.h"
#include "vm/machine.h"

/* What TCG translates well, and enough for programs built for x86-64-v2. */
#define TCG_CPU "qemu64,-svm,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16,+lahf-lm"
#define TCG_BUFFER_MIB 32

/*
 * A guest's own kernel is behind the machine's boundary. Emulated code does not speculate, so the
 * guest needs no protection from itself there; on real hardware it keeps it.
 */
#define KERNEL_COMMON                                                               \
	"console=ttyS0 quiet loglevel=1 panic=-1 reboot=t 8250.nr_uarts=1 audit=0 " \
	"cryptomgr.notests rcupdate.rcu_expedited=1 transparent_hugepage=madvise "  \
	"lsm=landlock,yama cgroup.memory=nokmem,nosocket psi=0 "                    \
	"cgroup_disable=rdma,misc,hugetlb,perf_event,net_cls,net_prio"
#define KERNEL_TCG                                                                         \
	" mitigations=off nokaslr no_timer_check tsc=reliable init_on_alloc=0 nowatchdog " \
	"preempt=none" KERNEL_NO_CX16
/*
 * QEMU 7.2's translator leaves rubbish in the flags after cmpxchg16b until they are next computed;
 * an interrupt in between saves it, and the guest's kernel, whose allocator uses the instruction,
 * dies of a double fault. The kernel is told to do without; programs still see it.
 */
#define KERNEL_NO_CX16 " clearcpuid=cx16"

static void add(struct strv *v, const char *option, const char *value)
{
	strv_add(v, option);
	strv_add(v, value);
}

static void add_take(struct strv *v, const char *option, char *value)
{
	strv_add(v, option);
	strv_add_take(v, value);
}

static void add_fd(struct strv *v, int fd)
{
	add_take(v, "-add-fd", xasprintf("fd=%d,set=%d", fd, fd));
}

static void add_base(const struct qemu_machine *m, struct strv *v)
{
	strv_add(v, m->qemu);
	strv_add(v, "-nodefaults");
	strv_add(v, "-no-user-config");
	strv_add(v, "-no-reboot");
	add(v, "-display", "none");
	add(v, "-sandbox",
	    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
}

static void add_machine(const struct qemu_machine *m, struct strv *v)
{
	add(v, "-machine",
	    "microvm,x-option-roms=off,acpi=on,pic=off,pit=off,rtc=off,isa-serial=on,"
	    "usb=off,pcie=off,graphics=off,mem-merge=off,memory-backend=ram");
	/* By default QEMU takes bios-microvm.bin, which on Debian 13 is a SeaBIOS that boots nothing. */
	add(v, "-bios", "qboot.rom");
	if (m->accelerator == QEMU_KVM) {
		add(v, "-accel", "kvm");
		add(v, "-cpu", "host");
	} else {
		add_take(v, "-accel",
			 xasprintf("tcg,thread=%s,tb-size=%d", m->cpus > 1 ? "multi" : "single",
				   TCG_BUFFER_MIB));
		add(v, "-cpu", TCG_CPU);
	}
	add_take(v, "-smp", xasprintf("cpus=%u", m->cpus));
	add_take(v, "-m", xasprintf("size=%lluk", (unsigned long long)(m->memory_bytes >> 10)));
	add_take(v, "-object",
		 xasprintf("{\"qom-type\":\"memory-backend-file\",\"id\":\"ram\",\"size\":%llu,"
			   "\"mem-path\":\"/proc/self/fd/%d\",\"share\":%s}",
			   (unsigned long long)m->memory_bytes, m->memory_fd,
			   m->keeps_memory ? "true" : "false"));
}

static void add_kernel(const struct qemu_machine *m, struct strv *v)
{
	if (m->kernel_fd < 0)
		return;
	add_take(v, "-kernel", xasprintf("/proc/self/fd/%d", m->kernel_fd));
	add_take(v, "-initrd", xasprintf("/proc/self/fd/%d", m->initramfs_fd));
	char *tsc = m->tsc_khz ? xasprintf(" tsc_early_khz=%u", m->tsc_khz) : xstrdup("");
	add_take(v, "-append",
		 xasprintf("%s%s%s", KERNEL_COMMON, m->accelerator == QEMU_TCG ? KERNEL_TCG : "",
			   tsc));
	free(tsc);
}

static void add_talk(struct strv *v)
{
	add_take(v, "-chardev", xasprintf("socket,id=monitor,fd=%d", MACHINE_FD_QMP));
	add(v, "-mon", "chardev=monitor,mode=control");
	add_fd(v, MACHINE_FD_CONSOLE);
	add_take(v, "-chardev",
		 xasprintf("file,id=console,path=/dev/fdset/%d,append=on", MACHINE_FD_CONSOLE));
	add(v, "-serial", "chardev:console");
	add_take(v, "-chardev", xasprintf("socket,id=guest,fd=%d", MACHINE_FD_CHANNEL));
	add(v, "-device", "{\"driver\":\"virtio-serial-device\",\"max_ports\":2}");
	add(v, "-device",
	    "{\"driver\":\"virtserialport\",\"chardev\":\"guest\",\"nr\":1,"
	    "\"name\":\"" GUEST_PORT_NAME "\"}");
}

/* A disk of a template: it has the size, and no content. */
static char *placeholder(const char *name, bool read_only)
{
	return xasprintf("{\"driver\":\"null-co\",\"node-name\":\"%s\",\"size\":%llu,"
			 "\"read-zeroes\":true,\"read-only\":%s}",
			 name, (unsigned long long)QEMU_DISK_BYTES, read_only ? "true" : "false");
}

static void add_layers(const struct qemu_machine *m, struct strv *v)
{
	if (m->layers_fd < 0) {
		add_take(v, "-blockdev", placeholder(MACHINE_LAYERS_SERIAL, true));
		return;
	}
	add_fd(v, m->layers_fd);
	for (uint32_t i = 0; i < m->file_count; i++)
		add_fd(v, m->file_fds[i]);
	add_take(v, "-blockdev",
		 xasprintf("{\"driver\":\"vmdk\",\"node-name\":\"" MACHINE_FILES_NODE "\","
			   "\"read-only\":true,\"file\":{\"driver\":\"file\","
			   "\"filename\":\"/dev/fdset/%d\"}}",
			   m->layers_fd));
	add(v, "-blockdev",
	    "{\"driver\":\"raw\",\"node-name\":\"" MACHINE_LAYERS_SERIAL "\","
	    "\"read-only\":true,\"file\":\"" MACHINE_FILES_NODE "\"}");
}

static void add_writable(const struct qemu_machine *m, struct strv *v)
{
	if (m->writable_fd < 0) {
		add_take(v, "-blockdev", placeholder(MACHINE_WRITABLE_SERIAL, false));
		return;
	}
	add_fd(v, m->writable_fd);
	add_take(v, "-blockdev",
		 xasprintf("{\"driver\":\"raw\",\"node-name\":\"" MACHINE_WRITABLE_SERIAL "\","
			   "\"discard\":\"unmap\",\"cache\":{\"direct\":false,\"no-flush\":%s},"
			   "\"file\":{\"driver\":\"file\",\"discard\":\"unmap\","
			   "\"cache\":{\"direct\":false,\"no-flush\":%s},"
			   "\"filename\":\"/dev/fdset/%d\"}}",
			   m->is_volatile ? "true" : "false", m->is_volatile ? "true" : "false",
			   m->writable_fd));
}

static void add_disks(const struct qemu_machine *m, struct strv *v)
{
	static const char *const names[] = { MACHINE_LAYERS_SERIAL, MACHINE_WRITABLE_SERIAL };
	add_layers(m, v);
	add_writable(m, v);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add_take(v, "-device",
			 xasprintf("{\"driver\":\"virtio-blk-device\",\"drive\":\"%s\","
				   "\"serial\":\"%s\",\"num-queues\":1}",
				   names[i], names[i]));
}

void qemu_command(const struct qemu_machine *m, struct strv *ret)
{
	add_base(m, ret);
	add_machine(m, ret);
	add_kernel(m, ret);
	add_talk(ret);
	add_disks(m, ret);
	if (m->kernel_fd < 0)
		add(ret, "-incoming", "defer");
}
