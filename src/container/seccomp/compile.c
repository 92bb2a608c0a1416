/* SPDX-License-Identifier: Apache-2.0 */
#include "container/seccomp/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "container/seccomp/bpf.h"

#define X32_BIT 0x40000000u
#define ARCHES_MAX 2 /* of one kind to the kernel: x86-64 and x32 */
#define ARGS_MAX 6
#define ALL_ARGS 0x3f

/* Architectures that the kernel reports under one name. */
struct group {
	uint32_t audit_arch;
	uint32_t arches[ARCHES_MAX];
	size_t arch_count;
	bool narrow; /* arguments have 32 bits */
};

/* One call's decision while it is put together. */
struct call {
	uint32_t number;
	struct bpf_decision decision;
	bool decided;
};

struct calls {
	struct call *items;
	size_t count;
};

static void calls_done(struct calls *calls)
{
	for (size_t i = 0; i < calls->count; i++)
		free(calls->items[i].decision.conditions);
	free(calls->items);
}

void seccomp_program_done(struct seccomp_program *program)
{
	free(program->instructions);
	*program = (struct seccomp_program){};
}

/* ---- names ------------------------------------------------------------------------------- */

/*
 * Calls that are younger than the libraries around: from 424 on every architecture gives them the
 * same number.
 */
static int resolve_young(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} young[] = {
		{ "set_mempolicy_home_node", 450 },
		{ "cachestat", 451 },
		{ "fchmodat2", 452 },
		{ "map_shadow_stack", 453 },
		{ "futex_wake", 454 },
		{ "futex_wait", 455 },
		{ "futex_requeue", 456 },
		{ "statmount", 457 },
		{ "listmount", 458 },
		{ "lsm_get_self_attr", 459 },
		{ "lsm_set_self_attr", 460 },
		{ "lsm_list_modules", 461 },
		{ "mseal", 462 },
		{ "setxattrat", 463 },
		{ "getxattrat", 464 },
		{ "listxattrat", 465 },
		{ "removexattrat", 466 },
		{ "open_tree_attr", 467 },
		{ "file_getattr", 468 },
		{ "file_setattr", 469 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(young); i++)
		if (strcmp(young[i].name, name) == 0)
			return young[i].number;
	return -1;
}

/* Calls that i386 got beside socketcall and ipc; the library knows them only behind those. */
static int resolve_i386(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} direct[] = {
		{ "socket", 359 },      { "socketpair", 360 }, { "bind", 361 },
		{ "connect", 362 },     { "listen", 363 },     { "accept4", 364 },
		{ "getsockopt", 365 },  { "setsockopt", 366 }, { "getsockname", 367 },
		{ "getpeername", 368 }, { "sendto", 369 },     { "sendmsg", 370 },
		{ "recvfrom", 371 },    { "recvmsg", 372 },    { "shutdown", 373 },
		{ "semget", 393 },      { "semctl", 394 },     { "shmget", 395 },
		{ "shmctl", 396 },      { "shmat", 397 },      { "shmdt", 398 },
		{ "msgget", 399 },      { "msgsnd", 400 },     { "msgrcv", 401 },
		{ "msgctl", 402 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(direct); i++)
		if (strcmp(direct[i].name, name) == 0)
			return direct[i].number;
	return -1;
}

/* The call's number, or a negative one where the architecture does not have it. */
static int resolve(uint32_t arch, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(arch, name);

	if (number < 0 && arch == SCMP_ARCH_X86) {
		int direct = resolve_i386(name);
		if (direct >= 0)
			return direct;
	}
	if (number != __NR_SCMP_ERROR)
		return number;
	number = resolve_young(name);
	return arch == SCMP_ARCH_X32 && number >= 0 ? number | (int)X32_BIT : number;
}

/* Arguments that the kernel itself cuts to 32 bits. */
static uint8_t narrow_args(const char *name)
{
	static const struct {
		const char *name;
		uint8_t args;
	} narrow[] = {
		{ "socket", 7 },      { "socketpair", 7 },   { "socketcall", 1 },
		{ "ioctl", 3 },       { "personality", 1 },  { "clone", 3 },
		{ "unshare", 1 },     { "setns", 3 },        { "prctl", 1 },
		{ "fcntl", 3 },       { "fcntl64", 3 },      { "keyctl", 1 },
		{ "bpf", 1 },         { "kcmp", 7 },         { "seccomp", 3 },
		{ "quotactl", 1 },    { "ipc", 1 },          { "setsockopt", 7 },
		{ "getsockopt", 7 },  { "open", 6 },         { "openat", 13 },
		{ "chmod", 2 },       { "fchmod", 3 },       { "fchmodat", 5 },
		{ "mknod", 6 },       { "mknodat", 13 },     { "mkdir", 2 },
		{ "mkdirat", 5 },     { "kill", 3 },         { "tgkill", 7 },
		{ "umount2", 2 },     { "memfd_create", 2 }, { "eventfd2", 3 },
		{ "userfaultfd", 1 }, { "creat", 2 },        { "sched_setscheduler", 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(narrow); i++)
		if (strcmp(narrow[i].name, name) == 0)
			return narrow[i].args;
	return 0;
}

/* ---- from rules to decisions ------------------------------------------------------------- */

static struct call *find_call(struct calls *calls, uint32_t number)
{
	for (size_t i = 0; i < calls->count; i++)
		if (calls->items[i].number == number)
			return &calls->items[i];
	struct call *call = array_add(calls->items, calls->count);
	call->number = number;
	return call;
}

static uint32_t with_data(uint32_t action, struct optional_uint data, uint32_t missing)
{
	bool takes = action == SCMP_ACT_ERRNO(0) || action == SCMP_ACT_TRACE(0);

	if (!takes)
		return action;
	return action | (data.set ? (uint32_t)data.value & SECCOMP_RET_DATA : missing);
}

static void add_to_call(struct call *call, const struct runtime_seccomp_rule *rule, uint8_t narrow)
{
	uint32_t action = with_data(rule->action, rule->errno_ret, EPERM);
	struct bpf_decision *d = &call->decision;

	if (rule->arg_count > 0) {
		*array_add(d->conditions, d->condition_count) =
			(struct bpf_condition){ rule, narrow, action };
	} else if (!call->decided) {
		d->action = action;
		call->decided = true;
	}
}

static void collect(const struct runtime_seccomp *profile, const struct group *g,
		    struct calls *calls)
{
	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct runtime_seccomp_rule *rule = &profile->rules[i];
		for (size_t k = 0; k < rule->names.count; k++) {
			const char *name = rule->names.items[k];
			uint8_t narrow = g->narrow ? ALL_ARGS : narrow_args(name);
			for (size_t a = 0; a < g->arch_count; a++) {
				int number = resolve(g->arches[a], name);
				if (number >= 0)
					add_to_call(find_call(calls, (uint32_t)number), rule,
						    narrow);
			}
		}
	}
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = ((const struct call *)a)->number;
	uint32_t y = ((const struct call *)b)->number;

	return x < y ? -1 : x > y;
}

/* ---- from decisions to ranges ------------------------------------------------------------ */

struct ranges {
	struct bpf_range *items;
	size_t count;
};

static void add_range(struct ranges *r, uint32_t first, const struct bpf_decision *decision)
{
	struct bpf_range *last = r->count > 0 ? &r->items[r->count - 1] : NULL;

	if (last && bpf_same_decision(last->decision, decision))
		return;
	if (last && last->first == first)
		last->decision = decision;
	else
		*array_add(r->items, r->count) = (struct bpf_range){ first, decision };
}

static bool has_x32(const struct group *g)
{
	for (size_t i = 0; i < g->arch_count; i++)
		if (g->arches[i] == SCMP_ARCH_X32)
			return true;
	return false;
}

static void make_ranges(const struct calls *calls, const struct group *g,
			const struct bpf_decision *otherwise, const struct bpf_decision *foreign,
			struct ranges *ret)
{
	uint32_t next = 0; /* the first number that is not in a range yet */

	for (size_t i = 0; i < calls->count; i++) {
		const struct call *call = &calls->items[i];
		if (call->number > next || ret->count == 0)
			add_range(ret, next, otherwise);
		add_range(ret, call->number, &call->decision);
		next = call->number + 1;
	}
	add_range(ret, next, otherwise);
	if (g->audit_arch == SCMP_ARCH_X86_64 && !has_x32(g))
		add_range(ret, X32_BIT, foreign);
}

/* ---- architectures ----------------------------------------------------------------------- */

static bool has_narrow_args(uint32_t arch)
{
	static const uint32_t narrow[] = { SCMP_ARCH_X86,  SCMP_ARCH_X32,    SCMP_ARCH_ARM,
					   SCMP_ARCH_MIPS, SCMP_ARCH_MIPSEL, SCMP_ARCH_PPC,
					   SCMP_ARCH_S390, SCMP_ARCH_PARISC };

	for (size_t i = 0; i < ARRAY_SIZE(narrow); i++)
		if (narrow[i] == arch)
			return arch != SCMP_ARCH_X32;
	return false;
}

/* An architecture whose programs this machine's kernel can run at all. */
static bool can_run(uint32_t arch)
{
	uint32_t native = seccomp_arch_native();

	if (native == SCMP_ARCH_X86_64)
		return arch == SCMP_ARCH_X86_64 || arch == SCMP_ARCH_X86 || arch == SCMP_ARCH_X32;
	if (native == SCMP_ARCH_AARCH64)
		return arch == SCMP_ARCH_AARCH64 || arch == SCMP_ARCH_ARM;
	return true;
}

static void add_arch(uint32_t arch, struct group **groups, size_t *count)
{
	uint32_t audit_arch = arch == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : arch;

	if (!can_run(arch))
		return;
	for (size_t i = 0; i < *count; i++) {
		struct group *g = &(*groups)[i];
		if (g->audit_arch != audit_arch)
			continue;
		bool there = g->arches[0] == arch || g->arch_count == ARCHES_MAX;
		if (!there)
			g->arches[g->arch_count++] = arch;
		return;
	}
	struct group *g = array_add(*groups, *count);
	g->audit_arch = audit_arch;
	g->arches[g->arch_count++] = arch;
	g->narrow = has_narrow_args(arch);
}

static void make_groups(const struct runtime_seccomp *profile, struct group **ret,
			size_t *ret_count)
{
	/* most programs are native ones: theirs is the first comparison */
	for (size_t i = 0; i < profile->architecture_count; i++)
		if (profile->architectures[i] == seccomp_arch_native())
			add_arch(profile->architectures[i], ret, ret_count);
	if (profile->architecture_count == 0)
		add_arch(seccomp_arch_native(), ret, ret_count);
	for (size_t i = 0; i < profile->architecture_count; i++)
		add_arch(profile->architectures[i], ret, ret_count);
}

/* ---- the whole --------------------------------------------------------------------------- */

static void add_group(struct bpf_writer *w, const struct group *g,
		      const struct runtime_seccomp *profile, const struct bpf_decision *otherwise,
		      const struct bpf_decision *foreign)
{
	auto_(calls_done) struct calls calls = {};
	struct ranges ranges = {};

	collect(profile, g, &calls);
	for (size_t i = 0; i < calls.count; i++)
		if (!calls.items[i].decided)
			calls.items[i].decision.action = otherwise->action;
	if (calls.count > 1)
		qsort(calls.items, calls.count, sizeof(*calls.items), by_number);
	make_ranges(&calls, g, otherwise, foreign, &ranges);

	bpf_add(w, BPF_JMP | BPF_JEQ | BPF_K, g->audit_arch, 1, 0);
	size_t skip = w->count;
	bpf_add(w, BPF_JMP | BPF_JA, 0, 0, 0);
	bpf_add(w, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr), 0, 0);
	bpf_add_tree(w, ranges.items, ranges.count);
	w->code[skip].k = (uint32_t)(w->count - skip - 1);
	free(ranges.items);
}

/* What a call of an architecture gets that the profile does not name: never a way around it. */
static uint32_t foreign_action(uint32_t default_action)
{
	switch (default_action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_TRACE:
		return SECCOMP_RET_KILL_PROCESS;
	default:
		return default_action;
	}
}

static int check(const struct runtime_seccomp *profile, struct error *err)
{
	bool notify = profile->default_action == SCMP_ACT_NOTIFY;

	for (size_t i = 0; i < profile->rule_count; i++) {
		const struct runtime_seccomp_rule *rule = &profile->rules[i];
		notify |= rule->action == SCMP_ACT_NOTIFY;
		if (rule->arg_count > ARGS_MAX)
			return error_say(err, EINVAL,
					 "seccomp: rule %zu has more than %d conditions", i,
					 ARGS_MAX);
		for (size_t k = 0; k < rule->arg_count; k++)
			if (rule->args[k].index >= ARGS_MAX)
				return error_say(err, EINVAL,
						 "seccomp: rule %zu looks at an argument that a "
						 "call does not have",
						 i);
	}
	if (notify)
		return error_say(err, ENOTSUP, "seccomp: SCMP_ACT_NOTIFY is not supported");
	return 0;
}

int seccomp_compile(const struct runtime_seccomp *profile, struct seccomp_program *ret,
		    struct error *err)
{
	int r = check(profile, err);
	if (r < 0)
		return r;

	struct bpf_writer w = {};
	struct bpf_decision otherwise = { .action = with_data(profile->default_action,
							      profile->default_errno_ret, EPERM) };
	struct bpf_decision foreign = { .action = foreign_action(otherwise.action) };
	auto_(free_p) struct group *groups = NULL;
	size_t group_count = 0;
	make_groups(profile, &groups, &group_count);

	bpf_add(&w, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, arch), 0, 0);
	for (size_t i = 0; i < group_count; i++)
		add_group(&w, &groups[i], profile, &otherwise, &foreign);
	bpf_add(&w, BPF_RET | BPF_K, foreign.action, 0, 0);
	if (w.count > BPF_MAXINSNS) {
		free(w.code);
		return error_say(err, E2BIG,
				 "seccomp: the profile needs %zu instructions, at most %d "
				 "are possible",
				 w.count, BPF_MAXINSNS);
	}
	*ret = (struct seccomp_program){ w.code, w.count, profile->flags };
	return 0;
}
