/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "cli/verb.h"

/**
 * DOC: What `stop` and `restart` share
 *
 * Both ask a program to end, by the same options and the same form of request; only the last word of
 * the URL differs.
 */
struct ending_options {
	const char *signal;
	int64_t timeout;
};

/* For the verb's .options, with .options_size = sizeof(struct ending_options). */
extern const struct option ending_option_table[];

/**
 * ending_post() - ask the engine for it, and print the name where that succeeded
 * @name: of the instance
 * @act:  last word of the URL: "stop" or "restart"
 *
 * Return: 0 or a negative errno.
 */
must_check int ending_post(struct call *call, const char *name, const char *act, struct error *err);
