/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/runtime-config.h"

/**
 * DOC: Classic BPF for system call filters
 *
 * A filter looks the architecture up, then the call's number in a balanced tree over ranges of
 * numbers that are decided alike. The kernel runs a filter for every number when it is loaded, so
 * its depth is what loading costs, and then its length. A leaf is a chain of conditions, each with
 * an action of its own, and a last action. Where jumps reach far enough, the branches stand first and
 * each leaf once behind them; else every branch is followed by its own leaves.
 */

/* One rule with conditions, as it holds for one call. */
struct bpf_condition {
	const struct runtime_seccomp_rule *rule;
	uint8_t narrow; /* bit n: only the low 32 bits of argument n count */
	uint32_t action;
};

/* What is done about a call: the first condition that holds, else @action. */
struct bpf_decision {
	struct bpf_condition *conditions;
	size_t condition_count;
	uint32_t action;
};

/* From @first up to the next range's first number. */
struct bpf_range {
	uint32_t first;
	const struct bpf_decision *decision;
};

struct bpf_writer {
	struct sock_filter *code;
	size_t count;
};

void bpf_add(struct bpf_writer *w, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf);

/* The tree over ranges in ascending order, the first from 0; the number is in the accumulator. */
void bpf_add_tree(struct bpf_writer *w, const struct bpf_range *ranges, size_t count);

bool bpf_same_decision(const struct bpf_decision *a, const struct bpf_decision *b);
