/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "container/plan/plan.h"
#include "oci/runtime-config.h"

/**
 * DOC: The parts of container_compile(), each in a file of its own
 */

must_check int compile_mounts(const struct runtime_config *config, struct plan *p,
			      struct error *err);
must_check int compile_cgroup(const struct runtime_linux *l, struct plan *p, struct error *err);
