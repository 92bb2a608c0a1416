/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

/**
 * DOC: A second thread behind a stream
 *
 * Bytes put into a stage are copied into one of a few buffers and handled by a thread of the stage's
 * own, in order. Whoever puts waits while all buffers are full. The first failure of the handler ends
 * the handling and is what the next put, or the end, returns.
 */
struct stage;

typedef int (*stage_fn)(void *context, const void *data, size_t len, struct error *err);

/* NULL where no thread can be started. */
struct stage *stage_new(stage_fn handle, void *context);

must_check int stage_put(struct stage *stage, const void *data, size_t len, struct error *err);

/* Waits until everything was handled; the stage takes nothing more. Return: 0 or the failure. */
must_check int stage_end(struct stage *stage, struct error *err);

/* What was not handled yet is dropped. */
void stage_free(struct stage *stage);
