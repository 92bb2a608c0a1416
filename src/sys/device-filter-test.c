/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/device-filter.h"

#include <linux/bpf.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"

/* What the kernel gives to a device program. */
struct access {
	uint32_t access_type;
	uint32_t major;
	uint32_t minor;
};

/* Runs a program as the kernel would, in so far as device_filter_compile() writes it. */
static uint64_t interpret(const struct bpf_insn *p, size_t count, const struct access *ctx)
{
	uint64_t reg[11] = { 0 };
	for (size_t at = 0; at < count; at++) {
		const struct bpf_insn *i = &p[at];
		uint64_t value = (i->code & BPF_X) ? reg[i->src_reg] : (uint64_t)(int64_t)i->imm;
		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W: {
			uint32_t word;
			assert_int_equal(i->src_reg, 1);
			assert_true(i->off >= 0 && (size_t)i->off + 4 <= sizeof(*ctx));
			memcpy(&word, (const char *)ctx + i->off, 4);
			reg[i->dst_reg] = word;
			break;
		}
		case BPF_ALU | BPF_MOV | BPF_X:
			reg[i->dst_reg] = (uint32_t)value;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			reg[i->dst_reg] = (uint32_t)(reg[i->dst_reg] & value);
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			reg[i->dst_reg] = (uint32_t)reg[i->dst_reg] >> value;
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			reg[i->dst_reg] = value;
			break;
		case BPF_JMP32 | BPF_JNE | BPF_K:
			at += (uint32_t)reg[i->dst_reg] != (uint32_t)value ? (size_t)i->off : 0;
			break;
		case BPF_JMP32 | BPF_JEQ | BPF_K:
			at += (uint32_t)reg[i->dst_reg] == (uint32_t)value ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_EXIT:
			return reg[0];
		default:
			fail_msg("instruction %#x", i->code);
		}
	}
	fail_msg("the program has no end");
	return 0;
}

/* The policy itself, without any program. */
static bool decide(const struct device_rule *rules, size_t count, uint32_t type, uint32_t major,
		   uint32_t minor, uint32_t access)
{
	for (size_t i = count; i > 0; i--) {
		const struct device_rule *r = &rules[i - 1];
		if ((r->type != 'a' && r->type != type) ||
		    (r->major != DEVICE_ANY && r->major != major) ||
		    (r->minor != DEVICE_ANY && r->minor != minor))
			continue;
		if (r->allow ? (access & ~r->access) == 0 : (access & r->access) != 0)
			return r->allow;
	}
	return false;
}

static void I3_the_program_decides_as_the_policy_for_every_device(void **state)
{
	(void)state;
	static const struct device_rule rules[] = {
		{ true, 'a', DEVICE_ANY, DEVICE_ANY, DEVICE_ACCESS_MKNOD },
		{ true, 'c', 1, 3, DEVICE_ACCESS_ALL },
		{ true, 'c', 1, 5, DEVICE_ACCESS_READ },
		{ true, 'c', 136, DEVICE_ANY, DEVICE_ACCESS_READ | DEVICE_ACCESS_WRITE },
		{ true, 'b', 8, DEVICE_ANY, DEVICE_ACCESS_ALL },
		{ false, 'b', 8, 1, DEVICE_ACCESS_WRITE },
		{ false, 'a', 10, DEVICE_ANY, DEVICE_ACCESS_ALL },
	};
	static const uint32_t majors[] = { 0, 1, 7, 8, 10, 136, 511, 0xffffffff };
	static const uint32_t minors[] = { 0, 1, 3, 5, 255, 0xffffffff };
	auto_free struct bpf_insn *program =
		xcalloc(DEVICE_FILTER_MAX(ARRAY_SIZE(rules)), sizeof(*program));
	for (size_t count = 0; count <= ARRAY_SIZE(rules); count++) {
		size_t n = device_filter_compile(rules, count, program);
		assert_true(n <= DEVICE_FILTER_MAX(count));
		for (size_t i = 0; i < 2 * ARRAY_SIZE(majors) * ARRAY_SIZE(minors) * 7; i++) {
			bool block = i % 2;
			uint32_t major = majors[i / 2 % ARRAY_SIZE(majors)];
			uint32_t minor = minors[i / 2 / ARRAY_SIZE(majors) % ARRAY_SIZE(minors)];
			uint32_t access =
				(uint32_t)(i / 2 / ARRAY_SIZE(majors) / ARRAY_SIZE(minors)) + 1;
			/* The kernel's bits: mknod 1, read 2, write 4. */
			uint32_t bits = (access & DEVICE_ACCESS_MKNOD ? 1u : 0) |
					(access & DEVICE_ACCESS_READ ? 2u : 0) |
					(access & DEVICE_ACCESS_WRITE ? 4u : 0);
			struct access ctx = { bits << 16 | (block ? 1u : 2u), major, minor };
			bool want = decide(rules, count, block ? 'b' : 'c', major, minor, access);
			if (interpret(program, n, &ctx) != want)
				fail_msg("%c %u:%u access %u with %zu rules", block ? 'b' : 'c',
					 major, minor, access, count);
		}
	}
}

static void a_rule_is_written_as_version_1_reads_it(void **state)
{
	(void)state;
	char text[DEVICE_RULE_TEXT];
	device_rule_format(&(struct device_rule){ true, 'c', 1, 3, DEVICE_ACCESS_ALL }, text);
	assert_string_equal(text, "c 1:3 rwm");
	device_rule_format(
		&(struct device_rule){ true, 'b', DEVICE_ANY, DEVICE_ANY, DEVICE_ACCESS_MKNOD },
		text);
	assert_string_equal(text, "b *:* m");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(I3_the_program_decides_as_the_policy_for_every_device),
		cmocka_unit_test(a_rule_is_written_as_version_1_reads_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
