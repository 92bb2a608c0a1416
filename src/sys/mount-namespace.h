/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/**
 * DOC: The root of another process' mount namespace
 *
 * What a running instance sees is reached by a descriptor of its root. A thread of its own enters the
 * mount namespace, opens "/" there and ends: nothing else is done inside, no path but "/" is looked up,
 * and the calling thread never changes its view.
 */

/**
 * mount_namespace_root() - open the root of a mount namespace
 * @pidfd: a process in it; no number, so that it can not have become another one
 * @alone: a detached copy of the root's mount without those on top of it: what an image would hold;
 *         else the root with everything that is mounted below it
 *
 * Return: a descriptor (O_PATH), or a negative errno: -ESRCH where the process has ended.
 */
int mount_namespace_root(int pidfd, bool alone, struct error *err);
