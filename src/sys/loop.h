/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/**
 * DOC: Loop devices
 *
 * A file as a block device, see loop(4). Devices are made with LO_FLAGS_AUTOCLEAR: one goes away with
 * its last user, so a mount keeps it and nothing has to be undone after a crash.
 */

#define LOOP_PATH 32

/**
 * loop_attach() - make a read-only block device of a file
 * @file_fd:  the file, open for reading
 * @ret_path: receives the device's path, such as "/dev/loop3"
 *
 * Return: a descriptor that keeps the device until it is mounted, or a negative errno with @err
 *         filled: -ENOENT where the kernel has no loop devices.
 */
int loop_attach(int file_fd, char ret_path[LOOP_PATH], struct error *err);
