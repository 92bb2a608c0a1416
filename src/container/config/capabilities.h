/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"

/**
 * DOC: Capabilities
 *
 * A set is a uint64_t whose bit n is capability n of capabilities(7). Names are read with or
 * without "CAP_", in any case, as Docker's flags take them.
 */

#define CAPABILITY_BIT(n) (UINT64_C(1) << (n))

/* Every capability that this source knows: bits 0 to 40. */
#define CAPABILITY_ALL (CAPABILITY_BIT(41) - 1)

/* Podman's eleven: Docker's without MKNOD, NET_RAW and AUDIT_WRITE. */
#define CAPABILITY_DEFAULT UINT64_C(0x800405fb)

/* "CAP_CHOWN" for 0; NULL for a number without a name. */
const char *capability_name(int number);

/* Number of a name, or -EINVAL. */
int capability_number(const char *name);

/**
 * capabilities_adjust() - Docker's --cap-add and --cap-drop
 * @base: the set to start from
 * @add:  names, or "ALL"
 * @drop: names, or "ALL"; the added ones stay when all are dropped
 * @ret:  receives the set; untouched on failure
 *
 * Return: 0 or -EINVAL, with Docker's text for an unknown name.
 */
must_check int capabilities_adjust(uint64_t base, const struct strv *add, const struct strv *drop,
				   uint64_t *ret, struct error *err);

/**
 * capabilities_held() - what this process could give away
 *
 * A host may keep some from root itself (a container around the engine, a hardened kernel). What
 * a user names by --cap-add is asked for whatever is held, and refused by the start; "all", as
 * --privileged means it, is all that there is.
 */
uint64_t capabilities_held(void);

/* Appends the names of a set, lowest number first. */
void capabilities_names(uint64_t set, struct strv *ret);
