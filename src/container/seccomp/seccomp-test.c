/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/strbuf.h"
#include "container/config/capabilities.h"
#include "container/seccomp/seccomp.h"

#define DENY(errnum) (SECCOMP_RET_ERRNO | (errnum))
#define ALLOW SECCOMP_RET_ALLOW
#define HIGH_BIT (UINT64_C(1) << 32)

/* ---- the kernel's side: an interpreter of what a filter may consist of ------------------- */

static size_t deepest;

static bool jumps(uint16_t operation, uint32_t a, uint32_t k)
{
	switch (operation) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	default:
		fail_msg("jump %x is unknown", operation);
		return false;
	}
}

static uint32_t interpret(const struct seccomp_program *p, const struct seccomp_data *data)
{
	uint32_t a = 0;
	size_t steps = 0;

	for (size_t at = 0; at < p->count; at++) {
		const struct sock_filter *f = &p->instructions[at];
		steps++;
		if (f->code == (BPF_LD | BPF_W | BPF_ABS)) {
			assert_true(f->k % 4 == 0 && f->k + 4 <= sizeof(*data));
			memcpy(&a, (const char *)data + f->k, sizeof(a));
		} else if (f->code == (BPF_ALU | BPF_AND | BPF_K)) {
			a &= f->k;
		} else if (f->code == (BPF_JMP | BPF_JA)) {
			at += f->k;
		} else if (BPF_CLASS(f->code) == BPF_JMP) {
			at += jumps(BPF_OP(f->code), a, f->k) ? f->jt : f->jf;
		} else {
			assert_int_equal(f->code, BPF_RET | BPF_K);
			if (steps > deepest)
				deepest = steps;
			return f->k;
		}
	}
	fail_msg("the program ends without an answer");
	return 0;
}

static uint32_t decide_on(const struct seccomp_program *p, uint32_t arch, int number,
			  const uint64_t args[6])
{
	struct seccomp_data data = { .nr = number, .arch = arch };

	memcpy(data.args, args, sizeof(data.args));
	return interpret(p, &data);
}

static uint32_t decide(const struct seccomp_program *p, const char *name, uint64_t arg0,
		       uint64_t arg1, uint64_t arg2)
{
	int number = seccomp_syscall_resolve_name(name);

	assert_true(number >= 0);
	return decide_on(p, seccomp_arch_native(), number, (const uint64_t[6]){ arg0, arg1, arg2 });
}

static void compile_default(uint64_t capabilities, struct seccomp_program *ret)
{
	struct runtime_seccomp profile;
	struct error err = {};

	seccomp_profile_default(capabilities, &profile);
	assert_int_equal(seccomp_compile(&profile, ret, &err), 0);
	runtime_seccomp_done(&profile);
}

static void compile_text(const char *text, struct seccomp_program *ret)
{
	struct runtime_seccomp profile;
	struct error err = {};

	if (seccomp_profile_parse(text, strlen(text), CAPABILITY_DEFAULT, &profile, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(seccomp_compile(&profile, ret, &err), 0);
	runtime_seccomp_done(&profile);
}

/* ---- the built-in profile ---------------------------------------------------------------- */

static void the_default_profile_decides_as_its_table_says(void **state)
{
	static const struct {
		const char *name;
		uint32_t decision;
	} golden[] = {
		{ "read", ALLOW },
		{ "openat", ALLOW },
		{ "execve", ALLOW },
		{ "futex", ALLOW },
		{ "chroot", ALLOW }, /* SYS_CHROOT is one of the eleven */
		{ "ptrace", ALLOW },
		{ "memfd_create", ALLOW },
		{ "landlock_create_ruleset", ALLOW },
		{ "clone3", DENY(ENOSYS) },
		{ "mount", DENY(EPERM) },
		{ "umount2", DENY(EPERM) },
		{ "unshare", DENY(EPERM) },
		{ "setns", DENY(EPERM) },
		{ "bpf", DENY(EPERM) },
		{ "keyctl", DENY(EPERM) },
		{ "add_key", DENY(EPERM) },
		{ "userfaultfd", DENY(EPERM) },
		{ "io_uring_setup", DENY(EPERM) },
		{ "perf_event_open", DENY(EPERM) },
		{ "open_by_handle_at", DENY(EPERM) },
		{ "init_module", DENY(EPERM) },
		{ "kexec_load", DENY(EPERM) },
		{ "reboot", DENY(EPERM) },
		{ "pivot_root", DENY(EPERM) },
		{ "fsopen", DENY(EPERM) },
		{ "move_mount", DENY(EPERM) },
		{ "pidfd_getfd", DENY(EPERM) },
		{ "settimeofday", DENY(EPERM) },
		{ "swapon", DENY(EPERM) },
		{ "acct", DENY(EPERM) },
	};
	auto_seccomp_program p = {};

	(void)state;
	compile_default(CAPABILITY_DEFAULT, &p);
	for (size_t i = 0; i < ARRAY_SIZE(golden); i++) {
		uint32_t decision = decide(&p, golden[i].name, 0, 0, 0);
		if (decision != golden[i].decision)
			fail_msg("%s: %x", golden[i].name, decision);
	}
}

static void calls_nobody_knows_give_enosys(void **state)
{
	auto_seccomp_program p = {};
	static const uint64_t none[6];

	(void)state;
	compile_default(CAPABILITY_DEFAULT, &p);
	assert_int_equal(decide_on(&p, seccomp_arch_native(), 0x3fffffff, none), DENY(ENOSYS));
	assert_int_equal(decide_on(&p, seccomp_arch_native(), 511, none), DENY(ENOSYS));
	assert_int_equal(decide_on(&p, seccomp_arch_native(), -1, none), DENY(ENOSYS));
	/* another machine's architecture */
	assert_int_equal(decide_on(&p, AUDIT_ARCH_MIPS, 1, none), DENY(ENOSYS));
}

static void capabilities_bring_their_calls(void **state)
{
	static const struct {
		int capability;
		const char *name;
	} cases[] = {
		{ 21, "mount" },        { 21, "unshare" },
		{ 21, "clone3" },       { 2, "open_by_handle_at" },
		{ 22, "reboot" },       { 25, "settimeofday" },
		{ 16, "finit_module" }, { 19, "pidfd_getfd" },
		{ 39, "bpf" },          { 38, "perf_event_open" },
		{ 34, "syslog" },       { 20, "acct" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_seccomp_program without = {};
		auto_seccomp_program with = {};
		compile_default(0, &without);
		compile_default(CAPABILITY_BIT(cases[i].capability), &with);
		assert_int_not_equal(decide(&without, cases[i].name, 0, 0, 0), ALLOW);
		assert_int_equal(decide(&with, cases[i].name, 0, 0, 0), ALLOW);
	}
	/* whatever is held, these are never let through */
	auto_seccomp_program all = {};
	compile_default(CAPABILITY_ALL, &all);
	assert_int_equal(decide(&all, "io_uring_setup", 0, 0, 0), DENY(EPERM));
	assert_int_equal(decide(&all, "keyctl", 0, 0, 0), DENY(EPERM));
	assert_int_equal(decide(&all, "kexec_load", 0, 0, 0), DENY(EPERM));
}

static void only_listed_socket_families_are_let_through(void **state)
{
	auto_seccomp_program p = {};

	(void)state;
	compile_default(CAPABILITY_DEFAULT, &p);
	for (uint64_t family = 0; family < 64; family++) {
		bool listed = family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
			      family == AF_NETLINK;
		uint32_t expected = listed ? ALLOW : DENY(EAFNOSUPPORT);
		assert_int_equal(decide(&p, "socket", family, SOCK_STREAM, 0), expected);
	}
	assert_int_equal(decide(&p, "socketpair", AF_UNIX, 0, 0), ALLOW);
	assert_int_equal(decide(&p, "socketpair", AF_ALG, 0, 0), DENY(EAFNOSUPPORT));
}

static void packet_sockets_come_with_net_raw(void **state)
{
	auto_seccomp_program without = {};
	auto_seccomp_program with = {};

	(void)state;
	compile_default(CAPABILITY_DEFAULT, &without);
	compile_default(CAPABILITY_DEFAULT | CAPABILITY_BIT(13), &with);
	assert_int_equal(decide(&without, "socket", AF_PACKET, 0, 0), DENY(EAFNOSUPPORT));
	assert_int_equal(decide(&with, "socket", AF_PACKET, 0, 0), ALLOW);
	assert_int_equal(decide(&with, "socket", AF_ALG, 0, 0), DENY(EAFNOSUPPORT));
}

static void only_listed_netlink_protocols_are_let_through(void **state)
{
	auto_seccomp_program p = {};
	auto_seccomp_program admin = {};

	(void)state;
	compile_default(CAPABILITY_DEFAULT, &p);
	compile_default(CAPABILITY_DEFAULT | CAPABILITY_BIT(12), &admin);
	for (uint64_t protocol = 0; protocol < 32; protocol++) {
		bool listed = protocol == 0 || protocol == 4 || protocol == 7 || protocol == 15 ||
			      protocol == 16;
		assert_int_equal(decide(&p, "socket", AF_NETLINK, 0, protocol),
				 listed ? ALLOW : DENY(EPROTONOSUPPORT));
	}
	assert_int_equal(decide(&admin, "socket", AF_NETLINK, 0, 12), ALLOW);
}

/* The kernel drops the upper halves, so a decision must not depend on them. */
static void decisions_do_not_change_with_the_bits_that_the_kernel_drops(void **state)
{
	static const struct {
		const char *name;
		unsigned arg;
	} narrow[] = { { "socket", 0 }, { "socket", 2 },      { "socketpair", 0 },
		       { "ioctl", 1 },  { "personality", 0 }, { "clone", 0 } };
	static const uint64_t values[] = {
		0,      1,       2,       10,      16,         17,         38,         40,
		0x5412, 0x541c,  0x5413,  0x11,    0x1200011,  0x10000000, 0x7e020000, 0xffffffff,
		0x8,    0x20000, 0x20008, 0x20001, 0x40000000, 0x3d0f00,
	};
	static const uint64_t highs[] = { HIGH_BIT, HIGH_BIT << 1, UINT64_C(0xffffffff) << 32,
					  UINT64_C(0x8000000000000000) };
	auto_seccomp_program p = {};

	(void)state;
	compile_default(CAPABILITY_DEFAULT, &p);
	for (size_t i = 0; i < ARRAY_SIZE(narrow); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
			uint64_t args[3] = { AF_NETLINK, 0, 0 };
			args[narrow[i].arg] = values[k];
			uint32_t plain = decide(&p, narrow[i].name, args[0], args[1], args[2]);
			for (size_t h = 0; h < ARRAY_SIZE(highs); h++) {
				args[narrow[i].arg] = values[k] | highs[h];
				assert_int_equal(
					decide(&p, narrow[i].name, args[0], args[1], args[2]),
					plain);
			}
		}
	}
}

static void clone_is_let_through_without_namespaces(void **state)
{
	static const uint64_t bits[] = { 0x20000,    0x02000000, 0x04000000, 0x08000000,
					 0x10000000, 0x20000000, 0x40000000 };
	auto_seccomp_program p = {};

	(void)state;
	compile_default(CAPABILITY_DEFAULT, &p);
	assert_int_equal(decide(&p, "clone", 0x3d0f00, 0, 0), ALLOW);  /* a thread */
	assert_int_equal(decide(&p, "clone", 0x1200011, 0, 0), ALLOW); /* fork */
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		assert_int_equal(decide(&p, "clone", bits[i] | 0x11, 0, 0), DENY(EPERM));
}

static void terminals_cannot_be_typed_into(void **state)
{
	auto_seccomp_program p = {};

	(void)state;
	compile_default(CAPABILITY_ALL, &p);
	assert_int_equal(decide(&p, "ioctl", 0, 0x5412, 0), DENY(EPERM));
	assert_int_equal(decide(&p, "ioctl", 0, 0x541c, 0), DENY(EPERM));
	assert_int_equal(decide(&p, "ioctl", 0, 0x5413, 0), ALLOW);
	assert_int_equal(decide(&p, "personality", 0xffffffff, 0, 0), ALLOW);
	assert_int_equal(decide(&p, "personality", 0x0040000, 0, 0), DENY(EPERM));
}

#ifdef __x86_64__
static void the_other_ways_into_an_x86_kernel_are_held_to_the_same(void **state)
{
	auto_seccomp_program p = {};
	const uint64_t alg[6] = { AF_ALG };
	const uint64_t inet[6] = { AF_INET };

	(void)state;
	compile_default(CAPABILITY_DEFAULT, &p);
	/* x32 is off */
	for (int number = 0; number < 600; number++)
		assert_int_equal(decide_on(&p, AUDIT_ARCH_X86_64, 0x40000000 | number, inet),
				 DENY(ENOSYS));
	/* i386: socket is 359, socketcall 102, read 3 */
	assert_int_equal(decide_on(&p, AUDIT_ARCH_I386, 3, inet), ALLOW);
	assert_int_equal(decide_on(&p, AUDIT_ARCH_I386, 359, inet), ALLOW);
	assert_int_equal(decide_on(&p, AUDIT_ARCH_I386, 359, alg), DENY(EAFNOSUPPORT));
	assert_int_equal(decide_on(&p, AUDIT_ARCH_I386, 102, inet), DENY(ENOSYS));
}
#endif

static void the_default_program_is_short_and_shallow(void **state)
{
	auto_seccomp_program p = {};

	(void)state;
	compile_default(CAPABILITY_DEFAULT, &p);
	deepest = 0;
	for (int number = 0; number < 600; number++)
		(void)decide_on(&p, seccomp_arch_native(), number, (const uint64_t[6]){});
	assert_true(p.count < 400);
	assert_true(deepest < 40);
}

/* ---- profiles of others ------------------------------------------------------------------ */

static void a_rule_with_a_condition_stands_before_the_one_without(void **state)
{
	auto_seccomp_program p = {};

	(void)state;
	compile_text("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
		     "{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\"},"
		     "{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":["
		     "{\"index\":0,\"value\":38,\"op\":\"SCMP_CMP_EQ\"}]}]}",
		     &p);
	assert_int_equal(decide(&p, "socket", 38, 0, 0), DENY(EPERM));
	assert_int_equal(decide(&p, "socket", 38 | HIGH_BIT, 0, 0), DENY(EPERM));
	assert_int_equal(decide(&p, "socket", 2, 0, 0), ALLOW);
}

static void a_rule_that_equals_the_default_is_not_lost(void **state)
{
	auto_seccomp_program p = {};

	(void)state;
	compile_text("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
		     "{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":["
		     "{\"index\":1,\"value\":21522,\"op\":\"SCMP_CMP_EQ\"}]},"
		     "{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
		     &p);
	assert_int_equal(decide(&p, "ioctl", 0, 21522, 0), DENY(EPERM));
	assert_int_equal(decide(&p, "ioctl", 0, 1, 0), ALLOW);
	assert_int_equal(decide(&p, "read", 0, 0, 0), DENY(EPERM));
}

/* Every comparison, around values that differ in the upper, the lower and both halves. */
static void comparisons_agree_with_arithmetic(void **state)
{
	static const char *const ops[] = { "NE", "LT", "LE", "EQ", "GE", "GT" };
	static const uint64_t values[] = { 0,
					   1,
					   5,
					   0xffffffff,
					   HIGH_BIT,
					   HIGH_BIT | 5,
					   UINT64_C(0x7fffffffffffffff),
					   UINT64_C(0x8000000000000005),
					   UINT64_MAX };

	(void)state;
	for (size_t op = 0; op < ARRAY_SIZE(ops); op++) {
		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			uint64_t v = values[i];
			auto_seccomp_program p = {};
			auto_free char *text = xasprintf(
				"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":"
				"[\"lseek\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":1,"
				"\"value\":%llu,\"op\":\"SCMP_CMP_%s\"}]}]}",
				(unsigned long long)v, ops[op]);
			compile_text(text, &p);
			for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
				uint64_t a = values[k];
				const bool holds[] = { a != v, a<v, a <= v, a == v, a >= v, a> v };
				assert_int_equal(decide(&p, "lseek", 0, a, 0),
						 holds[op] ? ALLOW : DENY(EPERM));
			}
		}
	}
}

/* So many different answers that the branches cannot reach all of them. */
static void a_profile_of_any_size_keeps_its_decisions(void **state)
{
	auto_strbuf text = STRBUF_INIT(1 << 20);
	auto_seccomp_program p = {};

	(void)state;
	strbuf_adds(&text, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[");
	for (int number = 0; number < 300; number++) {
		auto_free char *name =
			seccomp_syscall_resolve_num_arch(seccomp_arch_native(), number);
		assert_non_null(name);
		strbuf_addf(&text,
			    "%s{\"names\":[\"%s\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":%d}",
			    number ? "," : "", name, number + 100);
	}
	strbuf_adds(&text, "]}");
	compile_text(strbuf_text(&text), &p);
	for (int number = 0; number < 300; number++)
		assert_int_equal(
			decide_on(&p, seccomp_arch_native(), number, (const uint64_t[6]){}),
			DENY(number + 100));
}

static void a_mask_is_compared_in_both_halves(void **state)
{
	auto_seccomp_program p = {};

	(void)state;
	compile_text("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"lseek\"],"
		     "\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":1,\"value\":4294967297,"
		     "\"valueTwo\":4294967296,\"op\":\"SCMP_CMP_MASKED_EQ\"},"
		     "{\"index\":2,\"value\":7,\"op\":\"SCMP_CMP_EQ\"}]}]}",
		     &p);
	assert_int_equal(decide(&p, "lseek", 0, HIGH_BIT, 7), ALLOW);
	assert_int_equal(decide(&p, "lseek", 0, HIGH_BIT | 6, 7), ALLOW);
	assert_int_equal(decide(&p, "lseek", 0, HIGH_BIT | 1, 7), DENY(EPERM));
	assert_int_equal(decide(&p, "lseek", 0, 0, 7), DENY(EPERM));
	assert_int_equal(decide(&p, "lseek", 0, HIGH_BIT, 8), DENY(EPERM));
}

static void a_deny_list_cannot_be_gone_around_by_another_architecture(void **state)
{
	auto_seccomp_program p = {};
	static const uint64_t none[6];

	(void)state;
	compile_text("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
		     "{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":13}]}",
		     &p);
	assert_int_equal(decide(&p, "mount", 0, 0, 0), DENY(EACCES));
	assert_int_equal(decide_on(&p, AUDIT_ARCH_I386, 21, none), SECCOMP_RET_KILL_PROCESS);
#ifdef __x86_64__
	assert_int_equal(decide_on(&p, AUDIT_ARCH_X86_64, 0x40000000 | 165, none),
			 SECCOMP_RET_KILL_PROCESS);
#endif
}

static void includes_and_excludes_choose_rules(void **state)
{
	auto_seccomp_program p = {};

	(void)state;
	compile_text("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
		     "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\","
		     "\"includes\":{\"caps\":[\"CAP_CHOWN\",\"CAP_KILL\"]}},"
		     "{\"names\":[\"write\"],\"action\":\"SCMP_ACT_ALLOW\","
		     "\"includes\":{\"caps\":[\"CAP_CHOWN\",\"CAP_SYS_ADMIN\"]}},"
		     "{\"name\":\"close\",\"action\":\"SCMP_ACT_ALLOW\","
		     "\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]},\"comment\":\"x\"},"
		     "{\"names\":[\"open\"],\"action\":\"SCMP_ACT_ALLOW\","
		     "\"excludes\":{\"caps\":[\"CAP_CHOWN\"]}},"
		     "{\"names\":[\"stat\"],\"action\":\"SCMP_ACT_ALLOW\","
		     "\"includes\":{\"minKernel\":\"3.10\"}},"
		     "{\"names\":[\"fstat\"],\"action\":\"SCMP_ACT_ALLOW\","
		     "\"includes\":{\"minKernel\":\"999.0\"}},"
		     "{\"names\":[\"lseek\"],\"action\":\"SCMP_ACT_ALLOW\","
		     "\"includes\":{\"arches\":[\"vax\"]}}]}",
		     &p);
	assert_int_equal(decide(&p, "read", 0, 0, 0), ALLOW);
	assert_int_equal(decide(&p, "write", 0, 0, 0), DENY(EPERM));
	assert_int_equal(decide(&p, "close", 0, 0, 0), ALLOW);
	assert_int_equal(decide(&p, "open", 0, 0, 0), DENY(EPERM));
	assert_int_equal(decide(&p, "stat", 0, 0, 0), ALLOW);
	assert_int_equal(decide(&p, "fstat", 0, 0, 0), DENY(EPERM));
	assert_int_equal(decide(&p, "lseek", 0, 0, 0), DENY(EPERM));
}

static void a_profile_that_cannot_be_meant_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{ "[]", "seccomp profile: no object" },
		{ "{}", "seccomp profile: 'defaultAction' is missing" },
		{ "{\"defaultAction\":\"ALLOW\"}",
		  "seccomp profile: 'defaultAction' cannot be 'ALLOW'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		  "\"action\":\"SCMP_ACT_ERNO\"}]}",
		  "seccomp profile: syscalls[0]: 'action' cannot be 'SCMP_ACT_ERNO'" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"action\":"
		  "\"SCMP_ACT_ERRNO\"}]}",
		  "seccomp profile: syscalls[0]: 'names' is missing" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		  "\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":6,\"value\":0,\"op\":"
		  "\"SCMP_CMP_EQ\"}]}]}",
		  "seccomp profile: syscalls[0]: args[0]: a call has arguments 0 to 5" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86_64\"],"
		  "\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\"}]}",
		  "seccomp profile: both 'architectures' and 'archMap' are specified in the "
		  "seccomp "
		  "profile, use either one of them" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		  "\"action\":\"SCMP_ACT_ERRNO\",\"includes\":{\"minKernel\":\"new\"}}]}",
		  "seccomp profile: syscalls[0]: minKernel 'new' is no version" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct runtime_seccomp profile;
		struct error err = {};
		assert_int_equal(seccomp_profile_parse(cases[i].text, strlen(cases[i].text), 0,
						       &profile, &err),
				 -EBADMSG);
		assert_string_equal(err.text, cases[i].said);
	}
}

/* ---- the cache --------------------------------------------------------------------------- */

static void a_program_is_kept_in_memory_and_in_a_file(void **state)
{
	auto_test_dir int dir = test_dir();
	struct error err = {};

	(void)state;
	for (int engine = 0; engine < 2; engine++) {
		auto_(seccomp_cache_freep) struct seccomp_cache *cache = seccomp_cache_new(dir);
		auto_seccomp_program fresh = {};
		compile_default(CAPABILITY_DEFAULT, &fresh);
		for (int turn = 0; turn < 2; turn++) {
			auto_seccomp_program kept = {};
			assert_int_equal(
				seccomp_cache_get_default(cache, CAPABILITY_DEFAULT, &kept, &err),
				0);
			assert_int_equal(kept.count, fresh.count);
			assert_memory_equal(kept.instructions, fresh.instructions,
					    fresh.count * sizeof(*fresh.instructions));
		}
	}
}

static void two_profiles_never_share_a_program(void **state)
{
	auto_(seccomp_cache_freep) struct seccomp_cache *cache = seccomp_cache_new(-1);
	auto_seccomp_program a = {};
	auto_seccomp_program b = {};
	struct runtime_seccomp profile;
	struct error err = {};

	(void)state;
	assert_int_equal(seccomp_cache_get_default(cache, CAPABILITY_DEFAULT, &a, &err), 0);
	seccomp_profile_default(CAPABILITY_ALL, &profile);
	assert_int_equal(seccomp_cache_get(cache, &profile, &b, &err), 0);
	runtime_seccomp_done(&profile);
	assert_int_not_equal(decide(&a, "mount", 0, 0, 0), ALLOW);
	assert_int_equal(decide(&b, "mount", 0, 0, 0), ALLOW);
}

static void the_cache_stays_bounded(void **state)
{
	auto_(seccomp_cache_freep) struct seccomp_cache *cache = seccomp_cache_new(-1);
	struct error err = {};

	(void)state;
	for (int i = 0; i < 200; i++) {
		auto_seccomp_program p = {};
		struct runtime_seccomp profile = { .default_action = SCMP_ACT_ERRNO(0),
						   .default_errno_ret = { true, (uint64_t)i } };
		assert_int_equal(seccomp_cache_get(cache, &profile, &p, &err), 0);
		assert_int_equal(decide(&p, "read", 0, 0, 0), DENY(i));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_profile_decides_as_its_table_says),
		cmocka_unit_test(calls_nobody_knows_give_enosys),
		cmocka_unit_test(capabilities_bring_their_calls),
		cmocka_unit_test(only_listed_socket_families_are_let_through),
		cmocka_unit_test(packet_sockets_come_with_net_raw),
		cmocka_unit_test(only_listed_netlink_protocols_are_let_through),
		cmocka_unit_test(decisions_do_not_change_with_the_bits_that_the_kernel_drops),
		cmocka_unit_test(clone_is_let_through_without_namespaces),
		cmocka_unit_test(terminals_cannot_be_typed_into),
#ifdef __x86_64__
		cmocka_unit_test(the_other_ways_into_an_x86_kernel_are_held_to_the_same),
#endif
		cmocka_unit_test(the_default_program_is_short_and_shallow),
		cmocka_unit_test(a_rule_with_a_condition_stands_before_the_one_without),
		cmocka_unit_test(a_rule_that_equals_the_default_is_not_lost),
		cmocka_unit_test(comparisons_agree_with_arithmetic),
		cmocka_unit_test(a_profile_of_any_size_keeps_its_decisions),
		cmocka_unit_test(a_mask_is_compared_in_both_halves),
		cmocka_unit_test(a_deny_list_cannot_be_gone_around_by_another_architecture),
		cmocka_unit_test(includes_and_excludes_choose_rules),
		cmocka_unit_test(a_profile_that_cannot_be_meant_is_refused),
		cmocka_unit_test(a_program_is_kept_in_memory_and_in_a_file),
		cmocka_unit_test(two_profiles_never_share_a_program),
		cmocka_unit_test(the_cache_stays_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
