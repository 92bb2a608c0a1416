/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "instance/manager.h"

/**
 * DOC: A manager and a store made of constants, for tests of the routes
 *
 * fake-manager.c and fake-store.c define the functions of instance/manager.h, store/image/image.h,
 * store/archive/archive.h and store/registry/registry.h in place of the real ones. One instance named "web" runs,
 * "old" has ended with 3; the store has one image, "debian:13".
 */

#define FAKE_WEB "1111111111111111111111111111111111111111111111111111111111111111"
#define FAKE_OLD "2222222222222222222222222222222222222222222222222222222222222222"
#define FAKE_IMAGE "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* What was asked last. */
struct fake_asked {
	int signal, timeout_s;
	char name[256];
	uint16_t rows, cols;
	struct log_query query;
	size_t body_bytes;
	size_t saved; /* images */
};
extern struct fake_asked fake_asked;
