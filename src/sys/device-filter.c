/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/device-filter.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"

static void format_number(int64_t n, char ret[24])
{
	if (n == DEVICE_ANY)
		(void)snprintf(ret, 24, "*");
	else
		(void)snprintf(ret, 24, "%lld", (long long)n);
}

void device_rule_format(const struct device_rule *rule, char ret[DEVICE_RULE_TEXT])
{
	char major[24], minor[24];
	format_number(rule->major, major);
	format_number(rule->minor, minor);
	(void)snprintf(ret, DEVICE_RULE_TEXT, "%c %s:%s %s%s%s", (int)rule->type, major, minor,
		       rule->access & DEVICE_ACCESS_READ ? "r" : "",
		       rule->access & DEVICE_ACCESS_WRITE ? "w" : "",
		       rule->access & DEVICE_ACCESS_MKNOD ? "m" : "");
}

static struct bpf_insn insn(int code, int dst, int src, int off, int imm)
{
	return (struct bpf_insn){ .code = (uint8_t)code,
				  .dst_reg = (uint8_t)(dst & 15),
				  .src_reg = (uint8_t)(src & 15),
				  .off = (int16_t)off,
				  .imm = imm };
}

/* Registers of the program: type, access, major, minor of the access asked for. */
#define REG_TYPE BPF_REG_2
#define REG_ACCESS BPF_REG_3
#define REG_MAJOR BPF_REG_4
#define REG_MINOR BPF_REG_5

static size_t compile_head(struct bpf_insn *p)
{
	/* access_type is access << 16 | type. */
	p[0] = insn(BPF_LDX | BPF_MEM | BPF_W, REG_TYPE, BPF_REG_1, 0, 0);
	p[1] = insn(BPF_ALU | BPF_MOV | BPF_X, REG_ACCESS, REG_TYPE, 0, 0);
	p[2] = insn(BPF_ALU | BPF_AND | BPF_K, REG_TYPE, 0, 0, 0xffff);
	p[3] = insn(BPF_ALU | BPF_RSH | BPF_K, REG_ACCESS, 0, 0, 16);
	p[4] = insn(BPF_LDX | BPF_MEM | BPF_W, REG_MAJOR, BPF_REG_1, 4, 0);
	p[5] = insn(BPF_LDX | BPF_MEM | BPF_W, REG_MINOR, BPF_REG_1, 8, 0);
	return 6;
}

/*
 * A rule that allows matches when everything asked for is within it; one that denies, when anything
 * is. Each test jumps to the next rule, whose distance is patched in at the end.
 */
static size_t compile_rule(const struct device_rule *rule, struct bpf_insn *p)
{
	size_t n = 0;
	if (rule->type != 'a')
		p[n++] = insn(BPF_JMP32 | BPF_JNE | BPF_K, REG_TYPE, 0, 0,
			      rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (rule->major != DEVICE_ANY)
		p[n++] = insn(BPF_JMP32 | BPF_JNE | BPF_K, REG_MAJOR, 0, 0, (int)rule->major);
	if (rule->minor != DEVICE_ANY)
		p[n++] = insn(BPF_JMP32 | BPF_JNE | BPF_K, REG_MINOR, 0, 0, (int)rule->minor);
	if (rule->access != DEVICE_ACCESS_ALL) {
		int mask = (rule->access & DEVICE_ACCESS_READ ? BPF_DEVCG_ACC_READ : 0) |
			   (rule->access & DEVICE_ACCESS_WRITE ? BPF_DEVCG_ACC_WRITE : 0) |
			   (rule->access & DEVICE_ACCESS_MKNOD ? BPF_DEVCG_ACC_MKNOD : 0);
		p[n++] = insn(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_0, REG_ACCESS, 0, 0);
		p[n++] = insn(BPF_ALU | BPF_AND | BPF_K, BPF_REG_0, 0, 0,
			      rule->allow ? ~mask : mask);
		p[n++] = insn(BPF_JMP32 | (rule->allow ? BPF_JNE : BPF_JEQ) | BPF_K, BPF_REG_0, 0,
			      0, 0);
	}
	p[n++] = insn(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, rule->allow);
	p[n++] = insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	for (size_t i = 0; i < n; i++) {
		if (BPF_CLASS(p[i].code) == BPF_JMP32)
			p[i].off = (int16_t)(n - i - 1);
	}
	return n;
}

size_t device_filter_compile(const struct device_rule *rules, size_t count, struct bpf_insn *ret)
{
	size_t n = compile_head(ret);
	for (size_t i = count; i > 0; i--)
		n += compile_rule(&rules[i - 1], ret + n);
	ret[n++] = insn(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
	ret[n++] = insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return n;
}

int device_filter_attach(int cgroup_fd, const struct device_rule *rules, size_t count,
			 struct error *err)
{
	auto_free struct bpf_insn *program = xcalloc(DEVICE_FILTER_MAX(count), sizeof(*program));
	size_t n = device_filter_compile(rules, count, program);

	union bpf_attr attr;
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)program;
	attr.insn_cnt = (uint32_t)n;
	attr.license = (uint64_t)(uintptr_t) "Apache-2.0";
	auto_close int prog_fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (prog_fd < 0)
		return error_set(err, errno, "load the device policy");

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup_fd;
	attr.attach_bpf_fd = (uint32_t)prog_fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)) < 0)
		return error_set(err, errno, "attach the device policy");
	return 0;
}
