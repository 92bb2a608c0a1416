/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/accelerator.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "base/clock.h"
#include "base/macros.h"

#define MEMORY_BYTES (64u << 10)
#define CODE_AT 0x1000u
#define PML4_AT 0x2000u
#define PDPT_AT 0x3000u
#define PD_AT 0x4000u
#define PT_AT 0x5000u
#define OPERAND_AT 0x6000u
#define PAGE_BYTES 4096u
#define PRESENT_WRITABLE 3u
#define TSC_WINDOW_NS (40 * NSEC_PER_MSEC)
#define CPUID_POWER 0x80000007u
#define CPUID_TSC_CONSTANT (1u << 8)

/*
 *	mov $turns, %ecx; 1: dec %ecx; jnz 1b
 *	xor %eax,%eax; xor %edx,%edx; xor %ebx,%ebx; xor %ecx,%ecx
 *	lock cmpxchg16b (OPERAND_AT)
 *	hlt
 */
static const uint8_t code[] = {
	0xb9,
	ACCELERATOR_TURNS & 0xff,
	ACCELERATOR_TURNS >> 8 & 0xff,
	ACCELERATOR_TURNS >> 16 & 0xff,
	0x00,
	0xff,
	0xc9,
	0x75,
	0xfc,
	0x31,
	0xc0,
	0x31,
	0xd2,
	0x31,
	0xdb,
	0x31,
	0xc9,
	0xf0,
	0x48,
	0x0f,
	0xc7,
	0x0c,
	0x25,
	OPERAND_AT & 0xff,
	OPERAND_AT >> 8 & 0xff,
	0x00,
	0x00,
	0xf4,
};

struct guest {
	int kvm, vm, vcpu;
	uint8_t *memory;
	struct kvm_run *run;
	size_t run_size;
};

static void guest_done(struct guest *g)
{
	if (g->memory)
		(void)munmap(g->memory, MEMORY_BYTES);
	if (g->run)
		(void)munmap(g->run, g->run_size);
	close_p(&g->vcpu);
	close_p(&g->vm);
	close_p(&g->kvm);
}

static int make_vm(struct guest *g, const char *device, struct error *err)
{
	g->kvm = open(device, O_RDWR | O_CLOEXEC);
	if (g->kvm < 0)
		return error_set(err, errno, "open %s", device);
	g->vm = ioctl(g->kvm, KVM_CREATE_VM, 0);
	if (g->vm < 0)
		return error_set(err, errno, "make a machine");
	/* What guests get as well: pages of the ordinary size. */
	void *memory =
		mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return error_set(err, errno, "map memory");
	g->memory = memory;
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY_BYTES,
						      .userspace_addr = (uintptr_t)memory };
	if (ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return error_set(err, errno, "give memory to the machine");

	g->vcpu = ioctl(g->vm, KVM_CREATE_VCPU, 0);
	int size = ioctl(g->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (g->vcpu < 0 || size <= 0)
		return error_set(err, errno, "make a processor");
	void *run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
	if (run == MAP_FAILED)
		return error_set(err, errno, "map the processor");
	g->run = run;
	g->run_size = (size_t)size;
	return 0;
}

static uint64_t *entry(struct guest *g, uint32_t table, size_t index)
{
	return (uint64_t *)(void *)(g->memory + table) + index;
}

/* Long mode with the memory mapped as it is, by ordinary pages: every processor has those. */
static int enter_long_mode(struct guest *g, struct error *err)
{
	*entry(g, PML4_AT, 0) = PDPT_AT | PRESENT_WRITABLE;
	*entry(g, PDPT_AT, 0) = PD_AT | PRESENT_WRITABLE;
	*entry(g, PD_AT, 0) = PT_AT | PRESENT_WRITABLE;
	for (size_t i = 0; i < MEMORY_BYTES / PAGE_BYTES; i++)
		*entry(g, PT_AT, i) = i * PAGE_BYTES | PRESENT_WRITABLE;
	memcpy(g->memory + CODE_AT, code, sizeof(code));

	struct kvm_sregs s;
	if (ioctl(g->vcpu, KVM_GET_SREGS, &s) < 0)
		return error_set(err, errno, "read registers");
	s.cr3 = PML4_AT;
	s.cr4 = 1u << 5;                 /* PAE */
	s.cr0 = 1u | 1u << 4 | 1u << 31; /* protection, extension type, paging */
	s.efer = 1u << 8 | 1u << 10;     /* long mode, enabled and active */
	struct kvm_segment segment = {
		.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1
	};
	s.cs = segment;
	segment.type = 3;
	segment.selector = 16;
	s.ds = s.es = s.fs = s.gs = s.ss = segment;
	return ioctl(g->vcpu, KVM_SET_SREGS, &s) < 0 ? error_set(err, errno, "set registers") : 0;
}

/* The host's features; without them even a long jump may be refused. */
static int set_features(struct guest *g, struct error *err)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[128];
	} features = { .head = { .nent = 128 } };
	if (ioctl(g->kvm, KVM_GET_SUPPORTED_CPUID, &features) < 0 ||
	    ioctl(g->vcpu, KVM_SET_CPUID2, &features) < 0)
		return error_set(err, errno, "set the processor's features");
	return 0;
}

/* Runs the code once from its beginning. */
static int run_code(struct guest *g, int64_t *ret_ns, struct error *err)
{
	const struct kvm_regs regs = { .rip = CODE_AT, .rflags = 2 };
	if (ioctl(g->vcpu, KVM_SET_REGS, &regs) < 0)
		return error_set(err, errno, "set registers");
	int64_t before = clock_monotonic();
	while (ioctl(g->vcpu, KVM_RUN, 0) < 0)
		if (errno != EINTR)
			return error_set(err, ENOTSUP, "run the guest");
	if (g->run->exit_reason != KVM_EXIT_HLT)
		return error_say(err, ENOTSUP, "the guest ended with reason %u instead of a halt",
				 g->run->exit_reason);
	*ret_ns = clock_monotonic() - before;
	return 0;
}

int accelerator_measure(const char *device, int64_t *ret_ns, struct error *err)
{
	auto_(guest_done) struct guest g = { .kvm = -1, .vm = -1, .vcpu = -1 };
	int rc = make_vm(&g, device, err);
	if (rc == 0)
		rc = set_features(&g, err);
	if (rc == 0)
		rc = enter_long_mode(&g, err);

	/* The best of some: a busy host interrupts, and the first run builds the guest's memory. */
	int64_t best_ns = INT64_MAX;
	for (int i = 0; rc == 0 && i < ACCELERATOR_TRIES && best_ns >= ACCELERATOR_LIMIT_NS; i++) {
		int64_t took_ns;
		rc = run_code(&g, &took_ns, err);
		if (rc == 0 && took_ns < best_ns)
			best_ns = took_ns;
	}
	if (rc == 0)
		*ret_ns = best_ns;
	return rc;
}

bool accelerator_is_real(const struct vm_probe *probe, char *reason, size_t size)
{
	if (probe->error.code == -ENOENT) {
		(void)snprintf(reason, size, "this host has no /dev/kvm");
		return false;
	}
	if (probe->error.code != 0) {
		(void)snprintf(reason, size, "/dev/kvm is of no use: %.200s", probe->error.text);
		return false;
	}
	bool real = probe->loop_ns < ACCELERATOR_LIMIT_NS;
	(void)snprintf(reason, size, "a loop of %u turns took %.1f ms behind /dev/kvm%s",
		       ACCELERATOR_TURNS, (double)probe->loop_ns / NSEC_PER_MSEC,
		       real ? "" : ", slower than QEMU translates");
	return real;
}

static int64_t raw_now(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

uint32_t accelerator_tsc_khz(void)
{
	unsigned a, b, c, d;
	if (!__get_cpuid(CPUID_POWER, &a, &b, &c, &d) || !(d & CPUID_TSC_CONSTANT))
		return 0;
	int64_t start_ns = raw_now(), end_ns;
	uint64_t start = __rdtsc(), end;
	do {
		end_ns = raw_now();
		end = __rdtsc();
	} while (end_ns - start_ns < TSC_WINDOW_NS);
	return (uint32_t)((end - start) * 1000000u / (uint64_t)(end_ns - start_ns));
}
