/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * DOC: The keys that let go of a terminal
 *
 * Bytes that may be the beginning of the sequence are held back until the next one decides; they are
 * passed on when it turns out that they are not.
 */

#define DETACH_KEYS_MAX 16

struct detach_keys {
	uint8_t keys[DETACH_KEYS_MAX];
	size_t len;     /* 0: nothing detaches */
	size_t matched; /* of the sequence, held back */
};

/* @len 0 gives Docker's own, ctrl-p ctrl-q. */
void detach_keys_init(struct detach_keys *d, const uint8_t *keys, size_t len);

/**
 * detach_keys_filter() - take the keys out of what was typed
 * @in:  typed bytes
 * @out: receives what is to be passed on, room for @len + DETACH_KEYS_MAX
 * @ret_len: how many
 *
 * Return: true where the sequence is complete; what follows it is dropped.
 */
bool detach_keys_filter(struct detach_keys *d, const char *in, size_t len, char *out,
			size_t *ret_len);
