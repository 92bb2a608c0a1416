/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/verb.h"

/**
 * DOC: The prune verbs
 *
 * Each asks first, unless told not to, then sends one request for each kind of thing.
 */

struct prune_options {
	bool force;
	bool all;
	bool volumes;
	struct strv filters;
};

/* What was removed so far. */
struct prune_result {
	int64_t reclaimed;
};

/* Warns and asks "Are you sure you want to continue? [y/N]"; true where it goes on. */
bool prune_confirm(const struct prune_options *o, const char *warning);

/**
 * prune_kind() - remove what is not used
 * @path:    "/containers/prune"
 * @filters: Docker's JSON, or NULL
 * @list:    member of the answer that names what is gone
 * @head:    printed above it
 */
must_check int prune_kind(const struct call *call, const char *path, const char *filters,
			  const char *list, const char *head, struct prune_result *result,
			  struct error *err);

/* "Total reclaimed space: 12.3MB" */
void prune_print_total(const struct prune_result *result);
