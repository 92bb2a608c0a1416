/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/strbuf.h"

/**
 * DOC: Decompression of kernels and modules
 *
 * Distributions pack their kernel and its modules in one of four ways: gzip, xz, zstd, and the
 * legacy LZ4 frame that the kernel's own build makes. The way is told by the first bytes, never by
 * a file's name. The input is the operator's (a package of the distribution), not an attacker's, yet
 * the output has a cap: a truncated package must not take all memory.
 */

/**
 * decompress() - unpack one compressed file in memory
 * @data: the packed bytes; what follows the end of the packed stream is ignored
 * @len:  how many
 * @ret:  appended to; its cap bounds the result
 *
 * Return: 0; -ENOTSUP where the packing is not known, -EBADMSG where the data is damaged, -EFBIG past
 *         the cap.
 */
must_check int decompress(const void *data, size_t len, struct strbuf *ret, struct error *err);

/* True where @data begins like something that decompress() unpacks. */
bool decompress_knows(const void *data, size_t len);
