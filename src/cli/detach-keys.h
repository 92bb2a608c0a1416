/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strbuf.h"

/**
 * DOC: Detach keys
 *
 * The keys that a user types to leave a terminal without ending what runs in it, "ctrl-p,ctrl-q"
 * unless told otherwise. They are looked for in what is typed; what may be their beginning is held
 * back until the next key decides.
 */

#define DETACH_KEYS_MAX 16
#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"

struct detach_keys {
	char keys[DETACH_KEYS_MAX];
	size_t count;
	size_t matched;
};

/* Reads "ctrl-p,ctrl-q", "a,ctrl-[", ...; an empty text means no keys at all. */
must_check int detach_keys_parse(const char *text, struct detach_keys *ret, struct error *err);

/**
 * detach_keys_filter() - pass on what was typed
 * @out: gets what is not part of the keys
 *
 * Return: true where the keys were typed; what came behind them is dropped.
 */
bool detach_keys_filter(struct detach_keys *d, const char *data, size_t len, struct strbuf *out);
