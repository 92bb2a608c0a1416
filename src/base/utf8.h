/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/**
 * DOC: UTF-8
 *
 * RFC 3629 to the letter: no overlong forms, no surrogates, nothing past U+10FFFF. A zero byte, which
 * would end a C string early, is refused as well.
 */

bool utf8_valid(const char *text, size_t len);
