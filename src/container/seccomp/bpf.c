/* SPDX-License-Identifier: Apache-2.0 */
#include "container/seccomp/bpf.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>

#include "base/array.h"

/* Jump targets inside of a rule, replaced by distances when the rule is complete. */
#define NEXT 0xfe /* behind this argument's test: it holds */
#define FAIL 0xff /* behind the rule: it does not hold */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW 0
#define HIGH 4
#else
#define LOW 4
#define HIGH 0
#endif

#define LOAD (BPF_LD | BPF_W | BPF_ABS)
#define JUMP_IF_EQ (BPF_JMP | BPF_JEQ | BPF_K)
#define JUMP_IF_GT (BPF_JMP | BPF_JGT | BPF_K)
#define JUMP_IF_GE (BPF_JMP | BPF_JGE | BPF_K)

void bpf_add(struct bpf_writer *w, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	*array_add(w->code, w->count) = (struct sock_filter){ code, jt, jf, k };
}

/* ---- one argument ------------------------------------------------------------------------ */

static void load_arg(struct bpf_writer *w, uint32_t index, uint32_t half)
{
	bpf_add(w, LOAD,
		(uint32_t)offsetof(struct seccomp_data, args) + index * (uint32_t)sizeof(uint64_t) +
			half,
		0, 0);
}

/* The upper half: decides alone where it differs. */
static void test_high(struct bpf_writer *w, const struct runtime_seccomp_arg *arg)
{
	uint32_t value = (uint32_t)(arg->value >> 32);

	load_arg(w, arg->index, HIGH);
	switch (arg->op) {
	case SCMP_CMP_NE:
		bpf_add(w, JUMP_IF_EQ, value, 0, NEXT);
		break;
	case SCMP_CMP_GT:
	case SCMP_CMP_GE:
		bpf_add(w, JUMP_IF_GT, value, NEXT, 0);
		bpf_add(w, JUMP_IF_EQ, value, 0, FAIL);
		break;
	case SCMP_CMP_LT:
	case SCMP_CMP_LE:
		bpf_add(w, JUMP_IF_GT, value, FAIL, 0);
		bpf_add(w, JUMP_IF_EQ, value, 0, NEXT);
		break;
	case SCMP_CMP_MASKED_EQ:
		bpf_add(w, BPF_ALU | BPF_AND | BPF_K, value, 0, 0);
		bpf_add(w, JUMP_IF_EQ, (uint32_t)(arg->value_two >> 32), 0, FAIL);
		break;
	default:
		bpf_add(w, JUMP_IF_EQ, value, 0, FAIL);
	}
}

static void test_low(struct bpf_writer *w, const struct runtime_seccomp_arg *arg)
{
	uint32_t value = (uint32_t)arg->value;

	load_arg(w, arg->index, LOW);
	switch (arg->op) {
	case SCMP_CMP_NE:
		bpf_add(w, JUMP_IF_EQ, value, FAIL, 0);
		break;
	case SCMP_CMP_GT:
		bpf_add(w, JUMP_IF_GT, value, 0, FAIL);
		break;
	case SCMP_CMP_GE:
		bpf_add(w, JUMP_IF_GE, value, 0, FAIL);
		break;
	case SCMP_CMP_LT:
		bpf_add(w, JUMP_IF_GE, value, FAIL, 0);
		break;
	case SCMP_CMP_LE:
		bpf_add(w, JUMP_IF_GT, value, FAIL, 0);
		break;
	case SCMP_CMP_MASKED_EQ:
		bpf_add(w, BPF_ALU | BPF_AND | BPF_K, value, 0, 0);
		bpf_add(w, JUMP_IF_EQ, (uint32_t)arg->value_two, 0, FAIL);
		break;
	default:
		bpf_add(w, JUMP_IF_EQ, value, 0, FAIL);
	}
}

/* ---- one condition ----------------------------------------------------------------------- */

/* Replaces @mark in the jumps of [from, to) by the distance to @target. */
static void aim(struct bpf_writer *w, size_t from, size_t to, uint8_t mark, size_t target)
{
	for (size_t i = from; i < to; i++) {
		struct sock_filter *f = &w->code[i];
		if (BPF_CLASS(f->code) != BPF_JMP)
			continue;
		if (f->jt == mark)
			f->jt = (uint8_t)(target - i - 1);
		if (f->jf == mark)
			f->jf = (uint8_t)(target - i - 1);
	}
}

static void add_condition(struct bpf_writer *w, const struct bpf_condition *c)
{
	size_t start = w->count;

	for (size_t i = 0; i < c->rule->arg_count; i++) {
		const struct runtime_seccomp_arg *arg = &c->rule->args[i];
		size_t first = w->count;
		if (!(c->narrow & 1u << arg->index))
			test_high(w, arg);
		test_low(w, arg);
		aim(w, first, w->count, NEXT, w->count);
	}
	bpf_add(w, BPF_RET | BPF_K, c->action, 0, 0);
	aim(w, start, w->count, FAIL, w->count);
}

static void add_decision(struct bpf_writer *w, const struct bpf_decision *d)
{
	for (size_t i = 0; i < d->condition_count; i++)
		add_condition(w, &d->conditions[i]);
	bpf_add(w, BPF_RET | BPF_K, d->action, 0, 0);
}

static size_t decision_size(const struct bpf_decision *d)
{
	auto_(free_p) struct sock_filter *code = NULL;
	struct bpf_writer w = {};

	add_decision(&w, d);
	code = w.code;
	return w.count;
}

bool bpf_same_decision(const struct bpf_decision *a, const struct bpf_decision *b)
{
	if (a->action != b->action || a->condition_count != b->condition_count)
		return false;
	for (size_t i = 0; i < a->condition_count; i++)
		if (a->conditions[i].rule != b->conditions[i].rule ||
		    a->conditions[i].narrow != b->conditions[i].narrow)
			return false;
	return true;
}

/* ---- a tree whose leaves are shared ------------------------------------------------------ */

struct leaf {
	const struct bpf_decision *decision;
	size_t size;
	size_t at; /* from the tree's first instruction */
};

struct leaves {
	struct leaf *items;
	size_t count;
};

static struct leaf *find_leaf(const struct leaves *leaves, const struct bpf_decision *decision)
{
	for (size_t i = 0; i < leaves->count; i++)
		if (bpf_same_decision(leaves->items[i].decision, decision))
			return &leaves->items[i];
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	size_t x = ((const struct leaf *)a)->size;
	size_t y = ((const struct leaf *)b)->size;

	return x < y ? -1 : x > y;
}

/* Lays the leaves out behind the branches; false where a jump would not reach. */
static bool place_leaves(const struct bpf_range *ranges, size_t count, struct leaves *leaves)
{
	for (size_t i = 0; i < count; i++) {
		if (find_leaf(leaves, ranges[i].decision))
			continue;
		struct leaf *leaf = array_add(leaves->items, leaves->count);
		leaf->decision = ranges[i].decision;
		leaf->size = decision_size(ranges[i].decision);
	}
	/* the longest last, for only a leaf's first instruction has to be reached */
	qsort(leaves->items, leaves->count, sizeof(*leaves->items), by_size);
	size_t at = count - 1;
	for (size_t i = 0; i < leaves->count; i++) {
		leaves->items[i].at = at;
		at += leaves->items[i].size;
	}
	return leaves->items[leaves->count - 1].at <= UINT8_MAX;
}

/* The branch over ranges [first, end), then those of its two halves. */
static void add_branches(struct bpf_writer *w, size_t tree, const struct leaves *leaves,
			 const struct bpf_range *ranges, size_t first, size_t end)
{
	if (end - first == 1)
		return;
	size_t middle = first + (end - first) / 2;
	size_t behind = w->count - tree + 1; /* this branch */
	size_t left = middle - first > 1 ? behind : find_leaf(leaves, ranges[first].decision)->at;
	size_t right = end - middle > 1 ? behind + (middle - first - 1)
					: find_leaf(leaves, ranges[middle].decision)->at;

	bpf_add(w, JUMP_IF_GE, ranges[middle].first, (uint8_t)(right - behind),
		(uint8_t)(left - behind));
	add_branches(w, tree, leaves, ranges, first, middle);
	add_branches(w, tree, leaves, ranges, middle, end);
}

/* ---- a tree of any size ------------------------------------------------------------------ */

static size_t wide_size(const struct bpf_range *ranges, size_t count)
{
	if (count == 1)
		return decision_size(ranges[0].decision);
	size_t left = wide_size(ranges, count / 2);
	size_t right = wide_size(ranges + count / 2, count - count / 2);
	return 1 + (left > UINT8_MAX) + left + right;
}

static void add_wide_tree(struct bpf_writer *w, const struct bpf_range *ranges, size_t count)
{
	if (count == 1) {
		add_decision(w, ranges[0].decision);
		return;
	}
	size_t left = wide_size(ranges, count / 2);
	uint32_t middle = ranges[count / 2].first;
	/* a conditional jump reaches 255 instructions, an unconditional one any number */
	if (left > UINT8_MAX) {
		bpf_add(w, JUMP_IF_GE, middle, 0, 1);
		bpf_add(w, BPF_JMP | BPF_JA, (uint32_t)left, 0, 0);
	} else {
		bpf_add(w, JUMP_IF_GE, middle, (uint8_t)left, 0);
	}
	add_wide_tree(w, ranges, count / 2);
	add_wide_tree(w, ranges + count / 2, count - count / 2);
}

void bpf_add_tree(struct bpf_writer *w, const struct bpf_range *ranges, size_t count)
{
	struct leaves leaves = {};

	if (place_leaves(ranges, count, &leaves)) {
		add_branches(w, w->count, &leaves, ranges, 0, count);
		for (size_t i = 0; i < leaves.count; i++)
			add_decision(w, leaves.items[i].decision);
	} else {
		add_wide_tree(w, ranges, count);
	}
	free(leaves.items);
}
