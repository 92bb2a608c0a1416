/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/detach-keys.h"

#include <string.h>

void detach_keys_init(struct detach_keys *d, const uint8_t *keys, size_t len)
{
	static const uint8_t usual[] = { 0x10, 0x11 };
	if (len == 0 || len > DETACH_KEYS_MAX) {
		keys = usual;
		len = sizeof(usual);
	}
	*d = (struct detach_keys){ .len = len };
	memcpy(d->keys, keys, len);
}

bool detach_keys_filter(struct detach_keys *d, const char *in, size_t len, char *out,
			size_t *ret_len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		uint8_t key = (uint8_t)in[i];
		/*
		 * A byte that does not go on with the sequence may still begin it: what was held is
		 * shortened from the front until the rest fits.
		 */
		while (d->matched && key != d->keys[d->matched]) {
			size_t held = d->matched;
			do {
				out[n++] = (char)d->keys[d->matched - held];
				held--;
			} while (held && memcmp(d->keys, d->keys + d->matched - held, held) != 0);
			d->matched = held;
		}
		if (d->len && key == d->keys[d->matched]) {
			if (++d->matched == d->len) {
				d->matched = 0;
				*ret_len = n;
				return true;
			}
		} else {
			out[n++] = in[i];
		}
	}
	*ret_len = n;
	return false;
}
