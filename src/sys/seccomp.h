/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/**
 * seccomp_load() - put the calling thread under a compiled filter
 * @program: struct sock_filter array, of any alignment
 * @len:     its bytes
 * @flags:   SECCOMP_FILTER_FLAG_*
 *
 * Without no_new_privs, CAP_SYS_ADMIN is needed. That a filter is in force is read back.
 *
 * Return: 0 or a negative errno.
 */
must_check int seccomp_load(const void *program, size_t len, uint32_t flags, struct error *err);
