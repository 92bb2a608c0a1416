/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "store/tar/write.h"

/**
 * DOC: Larger pieces
 *
 * A tar is written header by header; where each piece costs something, this gathers them.
 */
#define TAR_BUFFER_BYTES (256u << 10)

struct tar_buffer {
	tar_sink_fn sink;
	void *context;
	size_t len;
	char *bytes;
};

void tar_buffer_init(struct tar_buffer *b, tar_sink_fn sink, void *context);
void tar_buffer_done(struct tar_buffer *b);
#define auto_tar_buffer auto_(tar_buffer_done) struct tar_buffer

/* A tar_sink_fn; @buffer is the struct tar_buffer. */
int tar_buffer_take(void *buffer, const void *data, size_t len, struct error *err);

/* Hands on what is left. */
must_check int tar_buffer_flush(struct tar_buffer *b, struct error *err);
