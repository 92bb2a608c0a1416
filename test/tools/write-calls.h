/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct tracee;

/**
 * write_call_below() - whether the call that @t enters needs room on a disk
 * @folder: absolute path; only what is written below it counts. "/" is every file, also in mounts that
 *          have no place in the tree
 *
 * Those that write into a file, make it longer or flush it, and those that make a name.
 */
bool write_call_below(const struct tracee *t, const char *folder);
