/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void tar_buffer_init(struct tar_buffer *b, tar_sink_fn sink, void *context)
{
	*b = (struct tar_buffer){
		.sink = sink,
		.context = context,
		.bytes = xmalloc(TAR_BUFFER_BYTES),
	};
}

void tar_buffer_done(struct tar_buffer *b)
{
	free(b->bytes);
	b->bytes = NULL;
}

int tar_buffer_flush(struct tar_buffer *b, struct error *err)
{
	int r = b->len ? b->sink(b->context, b->bytes, b->len, err) : 0;

	b->len = 0;
	return r;
}

int tar_buffer_take(void *buffer, const void *data, size_t len, struct error *err)
{
	struct tar_buffer *b = buffer;

	if (len > TAR_BUFFER_BYTES - b->len) {
		int r = tar_buffer_flush(b, err);
		if (r < 0)
			return r;
	}
	if (len >= TAR_BUFFER_BYTES)
		return b->sink(b->context, data, len, err);
	memcpy(b->bytes + b->len, data, len);
	b->len += len;
	return 0;
}
