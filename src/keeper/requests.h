/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "instance/keeper-protocol.h"

/**
 * DOC: What engines ask for
 */
struct connection;
struct keeper;

struct request {
	struct keeper_header head; /* its length is checked */
	const void *payload;
	size_t len;
	int *fds; /* what is taken over is set to -1 */
	size_t fd_count;
};

/**
 * request_carry_out() - do what a request says
 * @from: who asked; gets what is more than an answer
 *
 * Return: 0 or a negative errno, which is the answer.
 */
must_check int request_carry_out(struct keeper *k, struct request *r, struct connection *from,
				 struct error *err);
