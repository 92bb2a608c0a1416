/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include "base/error.h"
#include "container/request/request.h"

/**
 * DOC: What a request may say
 *
 * One grammar for each text in a request, told in the words that Docker's clients know where Docker
 * has an error for it. A request with a field that Berth cannot do is refused, never accepted and
 * left out.
 */

/* Whether the request asks for isolation vm. */
bool container_request_vm(const struct container_request *request);

/* "container:NAME" */
bool container_request_joins(const char *mode);

/**
 * container_request_check() - hold every field to its grammar
 *
 * Return: 0; -EINVAL for a value that can never be right; -ENOTSUP for one that Berth cannot do.
 */
must_check int container_request_check(const struct container_request *request, struct error *err);

/**
 * memory_size_parse() - a size as the command line takes it
 * @text: digits, optionally with a fraction, and b, k, m, g, t, p (powers of 1024; "kb", "KiB" too)
 *
 * Return: 0 or -EINVAL; -ERANGE for what does not fit.
 */
int memory_size_parse(const char *text, int64_t *ret);
