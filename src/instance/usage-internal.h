/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "instance/record.h"

/**
 * DOC: What the files behind usage.h share
 */

struct cgroup;

/* The control group of a running instance; cgroup_free() releases it. */
must_check int usage_open_cgroup(const struct record *r, struct cgroup **ret, struct error *err);
