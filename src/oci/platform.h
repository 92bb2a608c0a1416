/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: Platforms
 *
 * Which machine an image is for: operating system, architecture and variant in Go's words
 * ("linux/arm64/v8"), as the OCI image index has them. Kept in fixed arrays: copied by assignment.
 */

#define PLATFORM_WORD 32

struct platform {
	char os[PLATFORM_WORD];
	char architecture[PLATFORM_WORD];
	char variant[PLATFORM_WORD]; /* "" where there is none */
};

/* The platform that this program was built for; variants are the baseline's ("v8" for arm64). */
void platform_host(struct platform *ret);

/**
 * platform_parse() - read "os[/architecture[/variant]]" or "architecture"
 * @text: as given to --platform; usual other names (x86_64, aarch64, armhf) are understood
 * @ret:  receives the platform; what is not named is the host's; untouched on failure
 *
 * Return: 0 or -EINVAL.
 */
must_check int platform_parse(const char *text, struct platform *ret, struct error *err);

/* "linux/arm64/v8", malloc'ed. */
char *platform_text(const struct platform *p);

/* The other names of architectures and the implied variants become the common ones. */
void platform_normalize(struct platform *p);

/**
 * platform_score() - how well an image suits a machine
 * @wanted:  platform of the machine, normalized
 * @offered: platform of the image, normalized
 *
 * Return: 0 where it cannot run there, else the larger the better: the same variant first, then the
 *         newest older one (arm v7 runs v6 and v5, amd64 v3 runs v2 and the baseline).
 */
int platform_score(const struct platform *wanted, const struct platform *offered);
