/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/**
 * DOC: An instance's range of ids as a user namespace
 *
 * Mounts shift owners by the maps of a user namespace. A running instance has one; for one that does
 * not run a namespace with the same maps is made. A threaded program can not, so the keeper's program
 * does it and ends at once: the namespace lives on in its descriptor.
 */

/**
 * id_shift_open() - make a user namespace
 * @keeper_fd: the keeper's program
 * @base:      host id of 0 inside
 *
 * Return: its descriptor, or a negative errno.
 */
int id_shift_open(int keeper_fd, uint32_t base, struct error *err);
