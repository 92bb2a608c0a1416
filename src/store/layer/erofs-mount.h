/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/**
 * erofs_mount() - mount an index with its tar
 * @index: absolute path of the index
 * @tar:   absolute path of the uncompressed tar
 * @loop:  by way of loop devices, for kernels that cannot mount files
 *
 * The mount is read-only, nosuid and nodev, and attached nowhere: it lives as long as the descriptor.
 * (An overlay on top has flags of its own; what counts for the workload are those.)
 *
 * Return: a descriptor of the mount's root, or a negative errno with @err filled.
 */
int erofs_mount(const char *index, const char *tar, bool loop, struct error *err);
