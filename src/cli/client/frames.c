/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client/frames.h"

#include <string.h>

bool frame_next(struct frame_reader *f, const char *data, size_t len, size_t *ret_used,
		struct frame_piece *ret)
{
	size_t used = 0;

	/* a frame without bytes says nothing and is passed over */
	while (f->left == 0) {
		size_t want = sizeof(f->head) - f->head_len;
		size_t n = len - used < want ? len - used : want;
		memcpy(f->head + f->head_len, data + used, n);
		f->head_len += n;
		used += n;
		if (f->head_len < sizeof(f->head)) {
			*ret_used = used;
			return false;
		}
		f->left = (uint32_t)f->head[4] << 24 | (uint32_t)f->head[5] << 16 |
			  (uint32_t)f->head[6] << 8 | f->head[7];
		f->head_len = 0;
	}
	if (used == len) {
		*ret_used = used;
		return false;
	}
	size_t n = len - used < f->left ? len - used : f->left;
	f->left -= (uint32_t)n;
	*ret = (struct frame_piece){
		.stream = f->head[0],
		.data = data + used,
		.len = n,
		.last = f->left == 0,
	};
	*ret_used = used + n;
	return true;
}

bool frame_at_start(const struct frame_reader *f)
{
	return f->left == 0 && f->head_len == 0;
}
