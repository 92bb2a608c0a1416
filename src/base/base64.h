/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/macros.h"
#include "base/strbuf.h"

/**
 * DOC: Base 64 (RFC 4648)
 *
 * Written in the standard alphabet with padding, or in the URL-safe one; read in both, padded or
 * not, without line breaks.
 */

void base64_encode(const void *data, size_t len, struct strbuf *ret);
void base64_encode_url(const void *data, size_t len, struct strbuf *ret);

/**
 * base64_decode() - the bytes behind a text
 * @ret: appended to; its cap counts
 *
 * Return: 0; -EBADMSG where it is no base 64; -EFBIG past the cap.
 */
must_check int base64_decode(const char *text, size_t len, struct strbuf *ret);
